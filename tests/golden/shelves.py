"""The shelves whose lines are kept: the demo, the airport, and three small ones that go where these two do not.

They are made by the command alone, so that nothing here depends on what a module is called.
"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import reading
import yaml

ROOT = Path(__file__).parents[2]
AIRPORT = ROOT.parent / "shared" / "data" / "sfo"
GOLDENS = Path(__file__).parent
LONG = 150  # rows: a longer table is kept as a hash per column
WHOLE = {
    "demo": {
        "index.html",
        "data.html",
        "manifest.json",
        "overview.html",
        "brimvale.html",
        "gildamar.html",
        "summary.csv",
    },
    "airport": {"index.html", "manifest.json", "g.html"},
    "clocks": {"index.html", "data.html", "manifest.json", "overview.html", "north.html", "night.html", "summary.csv"},
    "two": {"index.html", "manifest.json", "overview.html", "quay-north.html", "summary.csv"},
}
"""Files that are kept line by line, of `few` all; of the others a hash per section and column."""


def run(params: Path, work: Path, *options: str) -> dict[str, list[str]]:
    """The lines of the shelf that `cxkit run` makes of these parameters."""
    shelf = work / "public" / "shelf"
    with tempfile.TemporaryDirectory() as private:  # with a short path, for there are sockets in it
        command = [sys.executable, "-m", "cxkit", "run", params, "--out", shelf, "--work", private]
        result = subprocess.run([*map(str, command), *options], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return reading.shelf(shelf)


def demo(work: Path) -> dict[str, list[str]]:
    return run(ROOT / "params" / "demo.yaml", work)


def airport(work: Path) -> dict[str, list[str]]:
    return run(ROOT / "params" / "sfo.yaml", work, "--set", f"data={AIRPORT}")


def few(work: Path) -> dict[str, list[str]]:
    """Small cells: bases on both sides of each limit, some that give others away; comments; a place with nobody."""
    chance = random.Random(1).random
    sizes = {"Alm": (120, 110), "Bek": (45, 31), "Cob": (14, 30), "Dun": (10, 12), "Eft": (9, 40), "Fjo": (3, 4)}
    rows, month = [], {0: "2026-09", 1: "2026-10"}
    for shop, both in sizes.items():
        for now, n in enumerate(both):
            for i in range(n):
                channel = ("shop", "web", "phone", "letter")[min(int(6 * chance() ** 2), 3)]
                score: Any = min(10, int(12 * chance() ** 0.5)) if shop != "Bek" or now == 0 else int(9 * chance())
                score = {3: 99, 50: 11, 71: "ten"}.get(i, score)
                remark = f"Word {i} from {shop}, and no more." if i % 4 == 0 else ""
                day = f"{month[now]}-{1 + int(28 * chance()):02d}"
                person = f"{shop}{i % (n - 5) if n > 20 else i}"  # five come twice, the later answer counts
                rows.append((day, person, shop, channel, score, 1 + int(5 * chance() ** 0.7), remark))
    mapping = {
        "kind": "relationship",
        "timezone": "Europe/Berlin",
        "columns": {"time": "day", "respondent": "person", "comment": "remark"},
        "items": {
            "nps": {"column": "score", "missing": {99: "refused"}},
            "csat": {"column": "satisfied", "kind": "transactional"},
        },
        "dimensions": {"shop": {"column": "shop", "values": [*sizes, "Gor"]}, "channel": "channel"},
    }
    more = {
        "metrics": ["nps", "csat", "csat_mean"], "for_each": ["shop"], "segments": ["channel"], "comments": 3,
        "benchmarks": [{"metric": "nps", "value": 30, "name": "Trade", "source": "a made-up one", "date": "2026-01"}],
        "invited": {"2026-10": 900},
    }  # fmt: skip
    return small(work, ("day", "person", "shop", "channel", "score", "satisfied", "remark"), rows, mapping, more)


def clocks(work: Path) -> dict[str, list[str]]:
    """Durations of which some have not ended, medians that nobody has reached, seconds beside days, yes and no."""
    chance = random.Random(2).random
    rows = []
    for i in range(900):
        team = ("North", "South", "Night")[min(int(4 * chance() ** 2), 2)]
        month, day, hour = 9 + i % 2, 1 + int(28 * chance()), int(24 * chance())
        took = int(30 + 4000 * chance() ** (1 if team == "North" else 3)) * (3 if team == "Night" else 1)
        end = 60 * hour + took + 1440 * (day + 30 * (month - 9))
        open_ = (team == "Night" and month == 10 and chance() < 0.7) or chance() < 0.05
        days, minutes = divmod(end, 1440)
        late = (9 + (days - 1) // 30, 1 + (days - 1) % 30, minutes // 60, minutes % 60)
        done = "" if open_ or late >= (11, 1) else "2026-{:02d}-{:02d} {:02d}:{:02d}".format(*late)
        if i == 7:
            done = "2026-01-01 00:00"  # before it was opened
        begun = f"2026-{month:02d}-{day:02d} {hour:02d}:00"
        rows.append((begun, done, f"agent {i % 40}", team, int(600 * chance() ** 2), ("yes", "no")[chance() < 0.3]))
    mapping = {
        "kind": "transactional",
        "timezone": "UTC",
        "columns": {"time": "opened", "cluster": "agent"},
        "items": {
            "full_resolution": {"from": "opened", "to": "solved", "open_until": "2026-11-01"},
            "wait_time": {"column": "waited", "unit": "seconds"},
            "resolved": {"column": "in_time", "labels": {"yes": 1, "no": 0}},
        },
        "dimensions": {"team": "team"},
    }
    more = {"metrics": ["full_resolution", "wait_time", "resolved"], "for_each": ["team"]}
    return small(work, ("opened", "solved", "agent", "team", "waited", "in_time"), rows, mapping, more)


def two(work: Path) -> dict[str, list[str]]:
    """Two dimensions, fiscal quarters a year apart, weights, strata (one is lonely), other limits, merging."""
    chance = random.Random(3).random
    rows = []
    for year in (2025, 2026):
        for i in range(700):
            firm, region = ("Pell", "Quay")[i % 3 == 0], ("1", "2")[chance() < 0.4]
            age = ("young", "old", "older", "oldest", "none said")[min(int(9 * chance() ** 3), 4)]
            quality = 0.8 if firm == "Quay" and year == 2026 else 0.5
            effort = 1 + min(4, int(5 * chance() ** quality))
            loyal = ("hurt", "same", "helped")[min(2, int(3 * chance() ** quality))]
            stratum, cluster = f"s{i % 5}", f"c{i % 5}-{int(12 * chance()) if i % 5 else 0}"
            weight = "" if i == 9 else round(0.4 + 2 * chance(), 2)
            rows.append((f"{year}-0{4 + i % 3}-15", firm, region, age, effort, loyal, weight, cluster, stratum))
    mapping = {
        "kind": "transactional",
        "timezone": "UTC",
        "year_starts": "April",
        "columns": {"time": "on", "weight": "weight", "cluster": "cluster", "stratum": "stratum"},
        "items": {
            "ces": {"column": "effort", "scale": [1, 5], "better": "lower"},
            "loyalty": {"column": "loyal", "labels": {"hurt": -1, "same": 0, "helped": 1}},
        },
        "dimensions": {
            "firm": "firm",
            "region": {"column": "region", "labels": {1: "North", 2: "South"}},
            "age": "age",
        },
    }
    more = {
        "metrics": ["loyalty", "ces"], "for_each": ["firm", "region"], "segments": ["age"], "period": "quarter",
        "against": "year_ago", "as_of": "2026-07-10", "correction": "bh", "level": 0.9, "merge_small": True,
        "rules": {"hide_below": 6, "judge_from": 20}, "where": {"age": ["young", "old", "older", "oldest"]},
    }  # fmt: skip
    return small(
        work, ("on", "firm", "region", "age", "effort", "loyal", "weight", "cluster", "stratum"), rows, mapping, more
    )


def small(
    work: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], mapping: dict[str, Any], more: dict[str, Any]
) -> dict[str, list[str]]:
    work.mkdir(parents=True, exist_ok=True)
    with (work / "answers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    params = {
        "name": "small",
        "title": "A small shelf",
        "source": "answers.csv",
        "mapping": mapping,
        "as_of": "2026-11-15",
    }
    (work / "small.yaml").write_text(yaml.safe_dump(params | more, sort_keys=False), encoding="utf-8")
    return run(work / "small.yaml", work)


SHELVES: dict[str, Callable[[Path], dict[str, list[str]]]] = {
    "demo": demo, "airport": airport, "few": few, "clocks": clocks, "two": two,
}  # fmt: skip


def kept(shelf: str, lines: dict[str, list[str]]) -> dict[str, list[str]]:
    """What of these lines is committed."""
    whole = WHOLE.get(shelf, lines.keys())
    return {name: reading.shorten(own, LONG) if name in whole else reading.digest(own) for name, own in lines.items()}


def golden(shelf: str) -> dict[str, list[str]]:
    """The committed lines."""
    files = sorted((GOLDENS / shelf).glob("*.txt"))
    return {path.name.removesuffix(".txt"): path.read_text(encoding="utf-8").splitlines() for path in files}


def write(folder: Path, lines: dict[str, list[str]]) -> None:
    """A text file for each file of the shelf; those that are no longer there go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.txt"):
        old.unlink()
    for name, own in lines.items():
        (folder / f"{name}.txt").write_text("\n".join(own) + "\n", encoding="utf-8")
