"""Tally the pages on service, experience and retention over joined tables: cxkit and plain SQL of the same joins.

    python benchmarks/service.py [--quick]

1 million responses, 400,000 tickets and 200,000 customers are made into Parquet (--quick: a tenth). Each side runs in a
process of its own, in turn, twice; the less processor time counts. Both must count the same answers in every cell.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import ibis.backends.duckdb
import pandas as pd

import cxkit as cx

LOADED = cx.read, cx.tally, ibis.backends.duckdb  # on first use, which is before the clock
RESPONSES, TICKETS, CUSTOMERS = 1_000_000, 400_000, 200_000
UNTIL, SINCE = "2026-10-01", "2025-10-01"
SETTINGS = ("threads=2", "memory_limit='2GB'", "preserve_insertion_order=false")

# Two years of tickets and answers, six of customers; an answer in four names its ticket, and three tickets in five have
# one. Of the customers who have left some were in their first month.
MAKE = """
COPY (SELECT 'C' || range AS customer, 'Region ' || hash(range, 1) % 5 AS region,
             TIMESTAMP '2020-10-01' + to_minutes((hash(range, 2) % 3153600)::BIGINT) AS joined,
             CASE WHEN hash(range, 3) % 100 < 40 THEN joined + to_minutes((hash(range, 4) % 1576800)::BIGINT) END
             AS left_
      FROM range({customers})) TO '{folder}/customers.parquet';
COPY (SELECT 'T' || range AS ticket, 'C' || hash(range, 5) % {customers} AS customer,
             'Channel ' || hash(range, 6) % 6 AS channel,
             TIMESTAMP '2024-10-01' + to_seconds((63072000 * (range / {tickets}::DOUBLE))::BIGINT) AS opened,
             opened + to_seconds((hash(range, 7) % 7200)::BIGINT) AS first_reply,
             CASE WHEN hash(range, 8) % 100 < 98 THEN opened + to_seconds((7200 + hash(range, 9) % 900000)::BIGINT) END
             AS solved,
             CASE WHEN hash(range, 10) % 10 < 1 THEN 'yes' ELSE 'no' END AS reopened
      FROM range({tickets})) TO '{folder}/tickets.parquet';
COPY (SELECT 'R' || range AS response, 'C' || hash(range, 11) % {customers} AS customer,
             CASE WHEN range % 4 = 0 THEN 'T' || (range * {tickets} * 6 // ({responses} * 10)) END AS ticket,
             TIMESTAMP '2024-10-01' + to_seconds((63072000 * (range / {responses}::DOUBLE))::BIGINT) AS time,
             (1 + hash(range, 12) % 5)::INT AS csat, (hash(range, 13) % 11)::INT AS nps
      FROM range({responses})) TO '{folder}/responses.parquet'
"""
BANDS = {"under 1 min": "m < 1", "1 min to under 15 min": "m < 15", "15 min to under 60 min": "m < 60"}


def read(folder: Path) -> dict[str, cx.Tallies]:
    """The three pages by cxkit, as a run counts them."""
    clock = {"from": "opened", "to": "solved", "open_until": UNTIL}
    joined = {
        "kind": "transactional",
        "items": {"first_response": {"from": "tickets.opened", "to": "tickets.first_reply"}},
    }
    answers = {"source": str(folder / "responses.parquet"), "key": "customer", "latest": "time", "before": SINCE}
    pages: dict[str, tuple[dict[str, Any], list[str], str]] = {
        "tickets": ({
            "kind": "transactional", "columns": {"respondent": "customer", "time": "opened"},
            "items": {"full_resolution": clock,
                      "in_a_week": clock | {"measure": "within", "within": "7 days", "unless": {"reopened": ["yes"]}}},
            "dimensions": {"channel": "channel"},
        }, ["full_resolution", "in_a_week"], "channel"),
        "responses": (joined | {
            "columns": {"respondent": "customer", "time": "time"},
            "joins": {"tickets": {"source": str(folder / "tickets.parquet"), "key": "ticket"}},
            "items": joined["items"] | {"csat": "csat", "nps": "nps"},
            "dimensions": {"reply": {"item": "first_response", "bands": ["1 min", "15 min", "60 min"]}},
        }, ["csat", "nps"], "reply"),
        "customers": ({
            "kind": "transactional", "columns": {"respondent": "customer"},
            "monthly": {"from": "joined", "to": "left_", "until": UNTIL, "since": SINCE},
            "joins": {"answers": answers}, "items": {"churn": "month.lost", "nps": "answers.nps"},
            "dimensions": {"said": {"item": "nps", "bands": [7, 9]}},
        }, ["churn"], "said"),
    }  # fmt: skip
    made = {}
    for name, (mapping, metrics, by) in pages.items():
        survey = cx.read(folder / f"{name}.parquet", mapping, memory="2GB")
        made[name] = cx.tally(survey, metrics, by=[by], levels=[(), (by,)], pairs=[("2026-09", "2026-08")])
    return made


def cxkit(folder: Path) -> pd.DataFrame:
    parts = [tallies.counts for tallies in read(folder).values()]
    names = {"channel": "level", "reply": "level", "said": "level"}
    return pd.concat([part.rename(columns=names) for part in parts])[["item", "period", "level", "answer", "n"]]


# What cxkit counts, and no more: answers of each cell, and per person sums of these, also of the last two months.
ROUNDED = """CASE WHEN m < 10 THEN round(m * 60) / 60 WHEN m < 100 THEN round(m * 10) / 10
             ELSE round(m / 10 ** (floor(log10(m)) - 2)) * 10 ** (floor(log10(m)) - 2) END"""
CLASS = """CASE WHEN nps < 7 THEN 'under 7' WHEN nps < 9 THEN '7 to under 9' WHEN nps >= 9 THEN '9 or more'
           ELSE '(blank)' END"""
ROWS = {
    "tickets": f"""
        SELECT *, {ROUNDED} AS full_resolution,
               CASE WHEN watched >= 10080 THEN (m <= 10080 AND solved < '{UNTIL}' AND reopened = 'no')::INT END
               AS in_a_week
        FROM (SELECT customer, date_trunc('month', opened) AS month, channel AS level, reopened, solved,
                     epoch(TIMESTAMP '{UNTIL}' - opened) / 60 AS watched,
                     epoch(coalesce(solved, TIMESTAMP '{UNTIL}') - opened) / 60 AS m
              FROM '{{folder}}/tickets.parquet')""",
    "responses": f"""
        SELECT customer, month, csat, nps, CASE {" ".join(f"WHEN {when} THEN '{name}'" for name, when in BANDS.items())}
               WHEN m >= 60 THEN '60 min or more' ELSE '(blank)' END AS level
        FROM (SELECT r.customer, date_trunc('month', r.time) AS month, csat, nps,
                     epoch(t.first_reply - t.opened) / 60 AS m
              FROM '{{folder}}/responses.parquet' r LEFT JOIN '{{folder}}/tickets.parquet' t ON r.ticket = t.ticket)""",
    "customers": f"""
        SELECT customer, month, {CLASS} AS level, coalesce((date_trunc('month', left_) = month)::INT, 0) AS churn
        FROM (SELECT c.customer, left_, nps, unnest(range(
                     greatest(date_trunc('month', joined) + INTERVAL 1 MONTH, TIMESTAMP '{SINCE}'),
                     least(coalesce(date_trunc('month', left_) + INTERVAL 1 MONTH, TIMESTAMP '{UNTIL}'),
                           TIMESTAMP '{UNTIL}'), INTERVAL 1 MONTH)) AS month
              FROM '{{folder}}/customers.parquet' c LEFT JOIN (
                  SELECT customer, arg_max(nps, time) AS nps FROM '{{folder}}/responses.parquet'
                  WHERE time < '{SINCE}' GROUP BY ALL) USING (customer))""",
}  # fmt: skip
ITEMS = {"tickets": ["full_resolution", "in_a_week"], "responses": ["csat", "nps"], "customers": ["churn"]}
CELLS = """
CREATE OR REPLACE TEMP TABLE one AS SELECT month, {level} AS level, customer, count(*) AS w, sum({item}) AS s
    FROM rows WHERE {item} IS NOT NULL GROUP BY ALL;
CREATE TEMP TABLE counts_{name} AS SELECT '{item}' AS item, month, {level} AS level, {item} AS answer, count(*) AS n
    FROM rows WHERE {item} IS NOT NULL GROUP BY ALL;
CREATE TEMP TABLE sums_{name} AS SELECT month, level, count(*) AS people, sum(w * w) AS ww, sum(s * w) AS sw,
    sum(s * s) AS ss FROM one GROUP BY ALL;
CREATE TEMP TABLE pairs_{name} AS SELECT a.level, count(*) AS shared, sum(a.w * b.w) AS ww, sum(a.s * b.w) AS sw,
    sum(a.w * b.s) AS ws, sum(a.s * b.s) AS ss FROM one a JOIN one b USING (level, customer)
    WHERE a.month = TIMESTAMP '2026-09-01' AND b.month = TIMESTAMP '2026-08-01' GROUP BY ALL;
"""


def sql(folder: Path) -> pd.DataFrame:
    connection, names = duckdb.connect(config={"temp_directory": str(folder)}), []
    for setting in SETTINGS:
        connection.execute(f"SET {setting}")
    for page, rows in ROWS.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE rows AS {rows.format(folder=folder)}")
        for item in ITEMS[page]:
            for kind, level in (("all", "NULL::VARCHAR"), ("cut", "level")):
                names.append(f"{item}_{kind}")
                connection.execute(CELLS.format(item=item, level=level, name=names[-1]))
    found = pd.concat([connection.table(f"counts_{name}").df() for name in names])
    return found.assign(period=found["month"].dt.strftime("%Y-%m")).drop(columns="month")


def alone(side: str, folder: Path) -> None:
    """One side in this process: its counts to a file; seconds of processor time and peak memory to standard output."""
    began = time.process_time()
    found = {"cxkit": cxkit, "sql": sql}[side](folder)
    seconds = time.process_time() - began
    found.astype({"level": "str"}).to_parquet(folder / f"{side}.counts")
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2]))


def agree(folder: Path) -> int:
    """How many cells both sides count; raises where the answers of any, or their sum, differ."""
    keys = ["item", "period", "level"]
    a, b = (pd.read_parquet(folder / f"{side}.counts").replace({"level": {"nan": "", "None": ""}}).fillna({"level": ""})
            for side in ("cxkit", "sql"))  # fmt: skip
    a, b = (one.assign(sum=one["n"] * one["answer"]).groupby(keys)[["n", "sum"]].sum() for one in (a, b))
    pd.testing.assert_frame_equal(a, b, check_dtype=False, rtol=1e-6)
    return len(a)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        alone(args.side[0], Path(args.side[1]))
        return
    sizes = {"responses": RESPONSES, "tickets": TICKETS, "customers": CUSTOMERS}
    sizes = {name: size // (10 if args.quick else 1) for name, size in sizes.items()}
    best: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        duckdb.connect().execute(MAKE.format(**sizes, folder=folder))
        for _ in range(2):
            for side in ("sql", "cxkit"):
                command = [sys.executable, __file__, "--side", side, temporary]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                best[side] = min(best.get(side, [float("inf")]), json.loads(done.stdout.splitlines()[-1]))
        cells = agree(folder)
    for side, (seconds, peak) in best.items():
        print(f"{side:>6} {seconds:7.1f} s of processor time, {peak:.2f} GiB")
    print(f"{cells:,} cells, the same counts")
    print(f"bar service_cpu_seconds {best['cxkit'][0]:.1f}")
    print(f"bar service_peak_gib {best['cxkit'][1]:.2f}")
    print(f"bar service_ratio_to_sql {best['cxkit'][0] / best['sql'][0]:.2f}")


if __name__ == "__main__":
    main()
