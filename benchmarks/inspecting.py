"""How long `cxkit inspect` looks at a wide export: 500 columns of 100,000 rows (--quick: 50 of 10,000).

    python benchmarks/inspecting.py [--quick]

A fifth each: codes of 1-5 (two of them), answers in words, a text that is one of two, a text of its own in most rows.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pandas as pd

from cxkit.inspection.draft import inspect

WORDS = ["Very satisfied", "Satisfied", "Neutral", "Dissatisfied"]


def export(columns: int, rows: int) -> pd.DataFrame:
    """Ids, times, a recommendation and questions of five kinds, seeded."""
    rng = np.random.default_rng(1)
    times = pd.date_range("2026-01-01", periods=rows, freq="min").strftime("%Y-%m-%d %H:%M:%S")
    kinds = [
        lambda: rng.integers(1, 6, rows),
        lambda: rng.integers(1, 6, rows),
        lambda: rng.choice(WORDS, rows),
        lambda: rng.choice(["", "other"], rows),
        lambda: np.char.add("comment ", rng.integers(0, 0.9 * rows, rows).astype(str)),
    ]
    held = {"ResponseId": [f"R_{i}" for i in range(rows)], "RecordedDate": times}
    held["How likely are you to recommend us?"] = rng.integers(0, 11, rows)
    return pd.DataFrame(held | {f"Q{i}": kinds[i % len(kinds)]() for i in range(columns - len(held))})


def main() -> None:
    """Print the time, of the clock and of the processors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    columns, rows = (50, 10_000) if parser.parse_args().quick else (500, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wide.csv"
        export(columns, rows).to_csv(path, index=False)
        clock, busy = perf_counter(), process_time()
        inspect(path)
        clock, busy = perf_counter() - clock, process_time() - busy
    print(f"{columns} columns of {rows:,} rows: {clock:.1f} s, {busy:.1f} s of processors")
    print(f"bar inspect_wide_seconds {clock:.1f}")


if __name__ == "__main__":
    main()
