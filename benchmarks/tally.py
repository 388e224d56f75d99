"""Tally NPS with weights and repeat respondents by brand and month: cxkit, raw DuckDB SQL, pandas and polars.

    python benchmarks/tally.py [--quick]

Answers are made into Parquet at 1, 10 and 100 million rows (--quick: 1 million). Each side runs in a process of its
own, in turn, several times (once at 100 million); the best time counts. All must give the same sums, to 1e-9.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import ibis.backends.duckdb
import numpy as np
import pandas as pd
import polars as pl

import cxkit as cx

LOADED = (
    cx.read,
    cx.tally,
    ibis.backends.duckdb,
)  # on first use, which is before the clock, as all other libraries are

MILLION = 1_000_000
MONTHS, BRANDS = 24, 100
SETTINGS = ("threads=2", "memory_limit='2GB'", "preserve_insertion_order=false")
KEYS = ["month", "brand"]

# Four answers of each respondent on average, in the order in which they come in; customers of one brand.
MAKE = """
COPY (
    SELECT 'Brand ' || lpad((respondent % {brands})::VARCHAR, 3, '0') AS brand,
           'Segment ' || (respondent % 7) AS segment,
           TIMESTAMP '2024-10-01' + to_microseconds((63072000000000 * (i / {rows}::DOUBLE))::BIGINT) AS time,
           least(10, (hash(i, 2) % 14))::DOUBLE AS nps,
           0.5 + (hash(respondent, 3) % 1000) / 1000 AS weight,
           respondent
    FROM (SELECT range AS i, (hash(range, 1) % ({rows} // 4))::BIGINT AS respondent FROM range({rows}))
) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 1000000)
"""

RAW = """
CREATE TEMP TABLE one AS
    SELECT date_trunc('month', time)::DATE AS month, brand, respondent, sum(weight) AS w, sum(weight * s) AS s
    FROM (SELECT *, CASE WHEN nps >= 9 THEN 1 WHEN nps <= 6 THEN -1 ELSE 0 END AS s FROM read_parquet('{path}'))
    GROUP BY ALL;
CREATE TEMP TABLE counts AS
    SELECT date_trunc('month', time)::DATE AS month, brand, nps,
           count(*) AS n, sum(weight) AS w, sum(weight * weight) AS w2
    FROM read_parquet('{path}') GROUP BY ALL;
CREATE TEMP TABLE sums AS
    SELECT month, brand, count(*) AS clusters, sum(w) AS w, sum(s) AS s,
           sum(w * w) AS ww, sum(s * w) AS sw, sum(s * s) AS ss
    FROM one GROUP BY ALL;
CREATE TEMP TABLE pairs AS
    SELECT a.month AS month, a.brand AS brand, count(*) AS shared, sum(a.w * b.w) AS ww, sum(a.s * b.w) AS sw,
           sum(a.w * b.s) AS ws, sum(a.s * b.s) AS ss
    FROM one a JOIN one b
      ON b.month = a.month - INTERVAL 1 MONTH AND a.brand = b.brand AND a.respondent = b.respondent
    GROUP BY ALL;
"""

Sums = dict[str, pd.DataFrame]


def make(path: Path, rows: int) -> None:
    connection = duckdb.connect(config={"temp_directory": str(path.parent)})
    connection.execute("SET memory_limit='2GB'")
    connection.execute(MAKE.format(rows=rows, brands=BRANDS, path=path))


def raw(path: Path, scratch: Path) -> Sums:
    connection = duckdb.connect(config={"temp_directory": str(scratch)})
    for setting in SETTINGS:
        connection.execute(f"SET {setting}")
    connection.execute(RAW.format(path=path))
    return {name: connection.table(name).df() for name in ("counts", "sums", "pairs")}


def cxkit(path: Path, scratch: Path) -> Sums:
    mapping = {
        "kind": "transactional",
        "columns": {"respondent": "respondent", "time": "time", "weight": "weight"},
        "items": {"nps": "nps"},
        "dimensions": {"brand": "brand"},
    }
    began = time.perf_counter()
    survey = cx.read(path, mapping, memory="2GB")
    read = time.perf_counter()
    tallies = cx.tally(survey, ["nps"], by=["brand"], levels=[("brand",)])
    LAPS.update(read=read - began, tally=time.perf_counter() - read)
    return {
        "counts": tallies.counts.rename(columns={"period": "month", "answer": "nps"}),
        "sums": tallies.sums.rename(columns={"period": "month"}),
        "pairs": tallies.pairs.rename(columns={"now": "month"}),
    }


def in_pandas(path: Path, scratch: Path) -> Sums:
    answers = pd.read_parquet(path, columns=["brand", "time", "nps", "weight", "respondent"], dtype_backend="pyarrow")
    answers["brand"] = answers["brand"].astype("category")
    answers["month"] = answers.pop("time").to_numpy("datetime64[M]").astype("int32")
    w = answers["weight"] = answers["weight"].to_numpy()
    nps = answers["nps"] = answers["nps"].to_numpy().astype("int8")
    answers["ws"], answers["w2"] = w * np.select([nps >= 9, nps <= 6], [1.0, -1.0], 0.0), w * w
    keys = {"observed": True, "sort": False, "as_index": False}
    counts = answers.groupby([*KEYS, "nps"], **keys).agg(n=("weight", "size"), w=("weight", "sum"), w2=("w2", "sum"))
    one = answers.groupby([*KEYS, "respondent"], **keys).agg(w=("weight", "sum"), s=("ws", "sum"))
    del answers
    one = one.assign(ww=one["w"] ** 2, sw=one["s"] * one["w"], ss=one["s"] ** 2)
    sums = one.groupby(KEYS, **keys).agg(
        clusters=("w", "size"), **{c: (c, "sum") for c in ("w", "s", "ww", "sw", "ss")}
    )
    one = one[[*KEYS, "respondent", "w", "s"]]
    both = one.merge(one.assign(month=one["month"] + 1), on=[*KEYS, "respondent"], suffixes=("", "_b"))
    both = both.assign(
        ww=both["w"] * both["w_b"], sw=both["s"] * both["w_b"], ws=both["w"] * both["s_b"], ss=both["s"] * both["s_b"]
    )
    pairs = both.groupby(KEYS, **keys).agg(shared=("ww", "size"), **{c: (c, "sum") for c in ("ww", "sw", "ws", "ss")})
    found = {"counts": counts, "sums": sums, "pairs": pairs}
    return {k: frame.assign(month=frame["month"].to_numpy("datetime64[M]").astype(str)) for k, frame in found.items()}


def in_polars(path: Path, scratch: Path) -> Sums:
    w = pl.col("weight")
    score = pl.when(pl.col("nps") >= 9).then(1.0).when(pl.col("nps") <= 6).then(-1.0).otherwise(0.0)
    answers = pl.scan_parquet(path).select(
        pl.col("time").dt.truncate("1mo").cast(pl.Date).alias("month"),
        "brand",
        "nps",
        "weight",
        "respondent",
        s=w * score,
    )
    counts = answers.group_by([*KEYS, "nps"]).agg(n=pl.len(), w=w.sum(), w2=(w * w).sum())
    one = answers.group_by([*KEYS, "respondent"]).agg(w=w.sum(), s=pl.col("s").sum()).collect(engine="streaming").lazy()
    own = {name: (pl.col(name[0]) * pl.col(name[1])).sum() for name in ("ww", "sw", "ss")}
    sums = one.group_by(KEYS).agg(clusters=pl.len(), w=pl.col("w").sum(), s=pl.col("s").sum(), **own)
    later = one.with_columns(pl.col("month").dt.offset_by("1mo"))
    both = one.join(later, on=[*KEYS, "respondent"], suffix="_b")
    cross = {f"{a}{b}": (pl.col(a) * pl.col(f"{b}_b")).sum() for a in "ws" for b in "ws"}
    pairs = both.group_by(KEYS).agg(shared=pl.len(), **cross)
    return {
        name: frame.collect(engine="streaming").to_pandas()
        for name, frame in (("counts", counts), ("sums", sums), ("pairs", pairs))
    }


SIDES: dict[str, Callable[[Path, Path], Sums]] = {"raw": raw, "cxkit": cxkit, "pandas": in_pandas, "polars": in_polars}
LAPS: dict[str, float] = {}


def alone(side: str, path: Path, out: Path) -> None:
    """One side in this process: its sums to a file; seconds and peak memory to standard output."""
    began = time.perf_counter()
    sums = SIDES[side](path, out.parent)
    seconds = time.perf_counter() - began
    for name, frame in sums.items():
        frame.assign(month=frame["month"].astype(str).str[:7]).to_parquet(out.with_suffix(f".{name}"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": seconds, "peak": peak, **LAPS}))


def check(folder: Path) -> None:
    """What `cxkit check` does on 1 million rows, against the pass of a run over the same data, in turn."""
    from cxkit.runs.params import load
    from cxkit.runs.prepare import prepare, told

    make(folder / "answers.parquet", MILLION)
    (folder / "params.json").write_text(json.dumps({
        "name": "answers", "title": "Answers", "source": "answers.parquet", "metrics": ["nps"], "for_each": ["brand"],
        "as_of": "2026-10-01", "mapping": {"kind": "transactional", "items": {"nps": "nps"}, "dimensions": {
            "brand": "brand", "segment": "segment"}, "columns": {"respondent": "respondent", "time": "time",
                                                                 "weight": "weight"}},
    }), encoding="utf-8")  # fmt: skip
    params, best = load(folder / "params.json", (), [], None), {"run": float("inf"), "check": float("inf")}
    for i in range(3):
        for name, work in (("run", partial(prepare, params, folder / f"work{i}")), ("check", partial(told, params))):
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    print(f"{MILLION:>11,} rows, check {best['check']:.2f} s, the pass of a run {best['run']:.2f} s")
    print(f"bar check_1m_ratio_to_run {best['check'] / best['run']:.2f}")


def measure(side: str, path: Path, out: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
        return {"seconds": float("nan"), "peak": float("nan"), "error": last}  # type: ignore[dict-item]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def agree(first: Path, second: Path) -> float:
    """The largest relative difference between two sides' sums; raises where their cells differ."""
    worst = 0.0
    for name, keys in (("counts", [*KEYS, "nps"]), ("sums", KEYS), ("pairs", KEYS)):
        a, b = (
            pd.read_parquet(out.with_suffix(f".{name}")).astype({"brand": "str"}).set_index(keys).sort_index()
            for out in (first, second)
        )
        columns = [column for column in a.columns if column in b.columns and column not in ("metric", "before")]
        if list(a.index) != list(b.index):
            raise SystemExit(f"{name}: {len(a)} cells against {len(b)}")
        x, y = (frame[columns].to_numpy(float) for frame in (a, b))
        worst = max(worst, float(np.max(np.abs(x - y) / np.maximum(np.abs(x), 1.0))))
    return worst


def compare(rows: int, repeats: int, folder: Path) -> dict[str, dict[str, float]]:
    path = folder / f"answers_{rows}.parquet"
    make(path, rows)
    best: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for side in SIDES:
            found = measure(side, path, folder / side)
            if "error" in found:
                print(f"{rows:>11,} rows, {side}: {found['error']}")
            if side not in best or found["seconds"] < best[side]["seconds"]:
                best[side] = found
    worst = {s: agree(folder / "raw", folder / s) for s in SIDES if s != "raw" and "error" not in best[s]}
    for side, found in best.items():
        print(f"{rows:>11,} rows, {side:>6}: {found['seconds']:6.2f} s, peak {found['peak']:.2f} GB")
    print(f"{rows:>11,} rows, largest difference: {max(worst.values()):.1e}")
    if max(worst.values()) > 1e-9:
        raise SystemExit(f"the sums differ: {worst}")
    path.unlink()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="1 million rows only")
    parser.add_argument("--side", nargs=3, metavar=("SIDE", "PARQUET", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--sizes", nargs="*", type=int, help="millions of rows")
    given = parser.parse_args()
    if given.side:
        alone(given.side[0], Path(given.side[1]), Path(given.side[2]))
        return
    sizes = given.sizes or ([1] if given.quick else [1, 10, 100])
    folder = Path(tempfile.mkdtemp(prefix="tally-"))
    try:
        check(folder)
        found = {size: compare(size * MILLION, 1 if size > 10 else 3, folder) for size in sizes}
    finally:
        shutil.rmtree(folder)
    for size, sides in found.items():
        for side, best in sides.items():
            print(f"bar tally_{size}m_{side}_seconds {best['seconds']:.3f}")
            print(f"bar tally_{size}m_{side}_peak_gb {best['peak']:.2f}")
        print(f"bar tally_{size}m_cxkit_read_seconds {sides['cxkit']['read']:.3f}")
        print(f"bar tally_{size}m_ratio_to_raw_sql {sides['cxkit']['tally'] / sides['raw']['seconds']:.2f}")
    if {10, 100} <= set(found):
        per_row = {size: found[size]["cxkit"]["seconds"] / size for size in (10, 100)}
        print(f"bar tally_per_row_100m_to_10m {per_row[100] / per_row[10]:.2f}")


if __name__ == "__main__":
    main()
