"""Write the goldens anew, after a look at what differs: `python tests/golden/write.py [SHELF ...]`.

`--whole DIR` writes every line of every file to DIR and leaves the goldens alone. Done at two commits, `diff -r` shows
the lines behind a hash that differs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import shelves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shelf", nargs="*", help=f"of {', '.join(shelves.SHELVES)}; all, if none is named")
    parser.add_argument("--whole", type=Path, metavar="DIR", help="every line of every file, to compare two commits")
    args = parser.parse_args()
    for name in args.shelf or shelves.SHELVES:
        if name == "airport" and not shelves.AIRPORT.exists():
            print(f"airport: left as it is, its data is not in {shelves.AIRPORT}")
            continue
        with tempfile.TemporaryDirectory() as work:
            lines = shelves.SHELVES[name](Path(work))
        shelves.write((args.whole or shelves.GOLDENS) / name, lines if args.whole else shelves.kept(name, lines))
        print(f"{name}: {sum(map(len, lines.values()))} lines of {len(lines)} files")


if __name__ == "__main__":
    main()
