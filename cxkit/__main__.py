"""The command `cxkit`, before anything of weight is loaded: signals are handled from its first line."""

from __future__ import annotations

import sys

from cxkit.runs import console


def main() -> None:
    """Run the command; what a signal ends says so, with status 1."""
    try:
        console.ready()
        from cxkit.cli import app

        app(prog_name="cxkit")
    except console.Stopped as stopped:
        console.stopped()
        print(f"cxkit: stopped by {stopped}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
