"""Damage of every kind: parameters, mappings, CSV, Excel, Parquet end with status 0 or 2 in words, in time, in memory.

Each file is looked at as `cxkit check` looks at it, in a fresh process with its limits; the seed is printed with what
went wrong. The short form takes few files of each kind, the long one (`-m slow`) 2,400 in all.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

SECONDS, MEMORY = 60, 1 << 30  # of one file
SEED = 20261129
ROWS = pd.DataFrame(
    {
        "day": [f"2026-{9 + i % 2:02}-{1 + i % 28:02} 10:{i % 60:02}:00" for i in range(300)],
        "shop": ["Söhne", "B, C", 'said "D"'] * 100,
        "score": [str(i % 11) for i in range(300)],
        "said": ["fine", "so=so", "ann@example.org"] * 100,
    }
)
MAPPING = """\
kind: transactional
timezone: Europe/Berlin
columns: {time: day, comment: said}
items:
  nps: {column: score, missing: {99: "no answer"}, labels: {ten: 10}}
dimensions:
  shop: {column: shop, labels: {"B, C": Bee}, values: [Bee, Söhne, 'said "D"']}
"""
PARAMS = """\
name: damaged
title: Damaged
source: {files: [{path: PATH, constant: {land: DE}, rename: {}}]}
mapping: map.yaml
metrics: [nps]
period: month
now: 2026-10
against: previous
as_of: "2026-11-15"
for_each: {shop: null}
level: 0.95
comments: 3
invited: {2026-10: 500}
benchmarks: [{metric: nps, value: 31.5, name: Industry, source: "a book", date: "2025"}]
"""
TOKENS = """&a |*a|[|]|{|}|: |- |'|"|!!int |!!binary |<<: *a|null|true|1e999|.nan|.inf|-0|\t|\\0|"\\0"|"\\ud800"|#|%|@|
? |...|2026-13|-1|[[[[[[|💣|~|NO|0x1F|
\x1b[2J|\u2028|\ufeff|--- |999999999999999999|2026-10-31|[a, b]|{a: b}"""
TOKENS = [*TOKENS.replace("\n", "").split("|"), "\n", "  ", ">\n", "9" * 400, "x" * 3000]
VALUES = [
    *(
        None,
        True,
        -1,
        0,
        10**17,
        1e300,
        float("nan"),
        float("inf"),
        "",
        " ",
        "x" * 3000,
        "\u202e",
        "2026-13",
        "NPS",
        "nps",
    ),
    *(
        "../..",
        "/",
        "*",
        "wave",
        "last complete month",
        [],
        {},
        [[]],
        {"": ""},
        {1: 2},
        ["nps"] * 50,
        {"column": "score"},
    ),
    *([0, 10], [10, 0], [0, 10**17], "%d.%m.%Y", "%Q", "UTC", "day", "said", "relationship", "month", "higher"),
]


def of_values(text: str, rng: random.Random) -> bytes:
    """YAML in which one or two values are others: nothing wrong for a parser of YAML."""
    data = yaml.safe_load(text)
    for _ in range(rng.randint(1, 2)):
        place: Any = data
        while True:
            key = rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key] or rng.random() < 0.3:
                break
            place = place[key]
        if isinstance(place, dict) and rng.random() < 0.3:
            place[rng.choice([value for value in VALUES if isinstance(value, str)])] = place.pop(key)
        else:
            place[key] = rng.choice(VALUES)
        if not data:
            break
    return yaml.safe_dump(data, allow_unicode=True).encode()


def of_text(text: str, rng: random.Random) -> bytes:
    """A text with a few changes: of lines, of tokens, of single characters."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        at, lines = rng.randrange(len(text) + 1), text.splitlines(keepends=True)
        match rng.randrange(7):
            case 0:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 12) :]
            case 2:
                text = text[:at]
            case 3 if len(lines) > 1:
                one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "".join(lines)
            case 4 if lines:
                one = rng.randrange(len(lines))
                text = "".join([*lines[:one], lines[one] * rng.choice([2, 2, 500]), *lines[one:]])
            case 5 if lines:
                one = rng.randrange(len(lines))
                key = lines[one].partition(":")[0]
                text = "".join([*lines[:one], f"{key}: {rng.choice(TOKENS)}\n", *lines[one + 1 :]])
            case _:
                text = text[:at] + chr(rng.choice([0, 9, 10, 13, 34, 44, 59, 0xFFFD, 0x202E, 0x1F4A3])) + text[at + 1 :]
    return text.encode("utf-8", "surrogatepass")


def of_bytes(whole: bytes, rng: random.Random) -> bytes:
    """Bytes with a few changes: flipped, cut out, cut off, doubled, or of another's."""
    data = bytearray(whole)
    for _ in range(rng.choice([1, 1, 2, 5, 40])):
        at = rng.randrange(len(data) or 1)
        # The end of a Parquet file and of an archive says where all else is.
        at = max(len(data) - rng.randint(1, 600), 0) if rng.random() < 0.4 else at
        match rng.randrange(6):
            case 0 | 1 if data:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                data[at : at + rng.randint(1, 60)] = rng.randbytes(rng.randint(0, 60))
            case 3:
                del data[at : at + rng.randint(1, 400)]
            case 4:
                data[at:at] = data[at : at + rng.randint(1, 4000)]
            case _:
                data = data[: rng.randint(0, len(data))] if rng.random() < 0.2 else data
    return bytes(data)


def of_workbook(whole: bytes, rng: random.Random) -> bytes:
    """A workbook of which a part is damaged, and packed again, so that the damage is not only that of an archive."""
    if rng.random() < 0.3:
        return of_bytes(whole, rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        hit = rng.choice([name for name in names if "sheet" in name or "book" in name or "styles" in name] + names)
        for name in names:
            part = old.read(name)
            if name == hit and rng.random() < 0.1:
                continue
            if name == hit:
                part = of_text(part.decode(), rng) if rng.random() < 0.5 else of_bytes(part, rng)
            new.writestr(name, part)
    return made.getvalue()


def packed(write: Callable[[io.BytesIO], Any]) -> bytes:
    made = io.BytesIO()
    write(made)
    return made.getvalue()


EXPORTS: dict[str, tuple[str, bytes, Callable[[bytes, random.Random], bytes]]] = {
    "csv": ("x.csv", ROWS.to_csv(index=False).encode(), lambda whole, rng: of_text(whole.decode(), rng)),
    "bytes of csv": ("x.csv", ROWS.to_csv(index=False).encode(), of_bytes),
    "xlsx": ("x.xlsx", packed(lambda file: ROWS.to_excel(file, index=False)), of_workbook),
    "parquet": ("x.parquet", packed(lambda file: ROWS.to_parquet(file, row_group_size=100)), of_bytes),
    "jsonl": ("x.jsonl", ROWS.to_json(orient="records", lines=True).encode(), of_bytes),
}
KINDS = [*EXPORTS, "parameters", "mapping", "values of parameters", "values of mapping"]


def damaged(folder: Path, kind: str, seed: str) -> Path:
    """A folder with parameters, mapping and export, of which one is damaged; the path of the parameters."""
    rng, files = random.Random(seed), {"map.yaml": MAPPING.encode()}
    name, whole, damage = EXPORTS.get(kind, EXPORTS["csv"])
    text = PARAMS.replace("PATH", name)
    files |= {name: damage(whole, rng) if kind in EXPORTS else whole, "run.yaml": text.encode()}
    damage_of_yaml = of_values if kind.startswith("values") else of_text
    if kind.endswith("parameters"):
        files["run.yaml"] = damage_of_yaml(text, rng)
    if kind.endswith("mapping"):
        files["map.yaml"] = damage_of_yaml(MAPPING, rng)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder / "run.yaml"


def looked_at(kind: str, seed: str, folder: str) -> tuple[int, str]:
    """What `cxkit check` does in its process: lines, or the words of a refusal, with the exit status of either."""
    from cxkit.errors import CxError
    from cxkit.runs.limits import _called
    from cxkit.runs.params import load

    own = Path(folder) / seed  # numbers of processes come again
    own.mkdir()
    try:
        lines, remarks = _called("cxkit.runs.prepare:told", (load(damaged(own, kind, seed)),))
        return 2 * any(one["weight"] == "stop" for one in remarks), "\n".join(lines)
    except CxError as error:
        return 2, str(error)


def outcomes(kinds: list[str], each: int, folder: Path) -> Iterator[tuple[str, str, Future[tuple[int, str]]]]:
    from cxkit.warm.executor import WarmExecutor

    preload = ["cxkit.runs.prepare", "openpyxl", "pyarrow.parquet", "sqlglot"]
    paths = [str(Path(__file__).parent)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])
    with WarmExecutor(2, preload=preload, timeout=SECONDS, memory=MEMORY) as executor:
        seeds = [(kind, f"{SEED}-{kind}-{number}") for number in range(each) for kind in kinds]
        tasks = [(kind, seed, executor.submit(looked_at, kind, seed, str(folder))) for kind, seed in seeds]
        yield from tasks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are those of Linux")
@pytest.mark.parametrize("each", [pytest.param(3, id="few"), pytest.param(267, marks=pytest.mark.slow, id="2403")])
def test_damage_ends_in_words_in_time_and_in_memory(each: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    wrong, counted = [], Counter[tuple[str, int]]()
    for kind, seed, task in outcomes(KINDS, each, tmp_path):
        error = task.exception()  # a traceback, a death, a deadline
        if error is not None:
            wrong.append(f"{seed}: {type(error).__name__}: {error}: {error.__cause__}")
            continue
        status, words = task.result()
        counted[kind, status] += 1
        if "Traceback" in words or not words.strip():
            wrong.append(f"{seed}: status {status}: {words[:400]!r}")
    print(f"{sum(counted.values())} files, seed {SEED}: {dict(sorted(counted.items()))}")
    assert not wrong, f"{len(wrong)} of {each * len(KINDS)}:\n" + "\n".join(wrong[:20])
    assert {status for _, status in counted} == {0, 2}


def test_the_command_says_the_same(tmp_path: Path) -> None:
    """A file of some kinds through the command that a person types."""
    for kind in ("csv", "parquet", "values of mapping"):
        (tmp_path / kind).mkdir()
        file = damaged(tmp_path / kind, kind, f"{SEED}-{kind}-0")
        done = subprocess.run([sys.executable, "-m", "cxkit", "check", str(file)], capture_output=True, text=True)
        assert done.returncode in (0, 2), done.stderr
        assert "Traceback" not in done.stderr
        assert bool(done.stderr) == (done.returncode == 2)
