"""A path is a path: the named file is read and no other, whatever its name would mean as a pattern."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.inspection.draft import inspect

# What is named, and beside it what the name would match if it were a pattern.
NAMES = {
    "x[1]": ["x1"],
    "a*b": ["ab", "a_b", "a*bb"],
    "q?": ["qq", "q"],
    "{n,m}": ["n", "m"],
    "**": ["deep"],
    "[!x]": ["y"],
    "with space": ["with", "space"],
    "new\nline": ["newline"],
    "ünï 日本 😀": ["uni"],
    'it\'s "so" \\o': ["its"],
    "$HOME;x": ["x"],
    "é": ["e\u0301"],
    "%41": ["A"],
    "-rf": ["rf"],
}
MAPPING = {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"nps": "nps"}}


def write_csv(path: Path, nps: int) -> None:
    path.write_text(f"wave,nps\n1,{nps}\n", encoding="utf-8")


def write_json(path: Path, nps: int) -> None:
    path.write_text(json.dumps({"wave": "1", "nps": str(nps)}) + "\n", encoding="utf-8")


def write_parquet(path: Path, nps: int) -> None:
    pd.DataFrame({"wave": ["1"], "nps": [nps]}).to_parquet(path)


def write_excel(path: Path, nps: int) -> None:
    with path.open("wb") as file:
        pd.DataFrame({"wave": ["1"], "nps": [nps]}).to_excel(file, index=False)


def write_folder(path: Path, nps: int) -> None:
    inner = path / "part=[a]*" / "{x}?"
    inner.mkdir(parents=True)
    write_parquet(inner / "p[0]*.parquet", nps)


def write_utf16(path: Path, nps: int) -> None:
    path.write_text(f"wave,nps\n1,{nps}\n", encoding="utf-16")


def write_spss(path: Path, nps: int) -> None:
    pyreadstat.write_sav(pd.DataFrame({"wave": ["1"], "nps": [float(nps)]}), str(path))


WRITERS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "csv": (".csv", write_csv),
    "utf-16": (".csv", write_utf16),
    "jsonl": (".jsonl", write_json),
    "parquet": (".parquet", write_parquet),
    "xlsx": (".xlsx", write_excel),
    "spss": (".sav", write_spss),
    "folder": ("", write_folder),
}


def every_name() -> Iterator[Any]:
    """Each name as CSV and as one other format in turn; the rest are slow."""
    for i, name in enumerate(NAMES):
        quick = {"csv", [*WRITERS][i % len(WRITERS)]}
        for kind in WRITERS:
            yield pytest.param(kind, name, marks=[] if kind in quick else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "name"), [*every_name()])
def test_the_named_file_is_read_and_no_other(kind: str, name: str, tmp_path: Path) -> None:
    suffix, write = WRITERS[kind]
    write(tmp_path / f"{name}{suffix}", 9)
    for other in NAMES[name]:
        write(tmp_path / f"{other}{suffix}", 3)
    survey = cx.read(f"{name}{suffix}", MAPPING, folder=tmp_path)
    assert collect(survey.table)["nps"].tolist() == [9.0]
    assert [file["rows"] for file in survey.files] == [1]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_pattern_names_no_file(kind: str, tmp_path: Path) -> None:
    suffix, write = WRITERS[kind]
    write(tmp_path / f"x1{suffix}", 3)
    for pattern in ("x[1]", "x?", "*", "{x1,y}"):
        with pytest.raises(cx.CxError, match="no such file"):
            cx.read(f"{pattern}{suffix}", MAPPING, folder=tmp_path)


def test_folders_above_are_no_patterns_either(tmp_path: Path) -> None:
    for folder, nps in (("da[t]a", 9), ("data", 3)):
        (tmp_path / folder).mkdir()
        write_csv(tmp_path / folder / "x.csv", nps)
        write_parquet(tmp_path / folder / "x.parquet", nps)
    for name in ("x.csv", "x.parquet"):
        survey = cx.read(str(tmp_path / "da[t]a" / name), MAPPING)
        assert collect(survey.table)["nps"].tolist() == [9.0]
    text = inspect(str(tmp_path / "da[t]a" / "x.csv"))
    assert "1 rows" in text


def test_the_command_takes_such_a_name_too(tmp_path: Path) -> None:
    write_csv(tmp_path / "x[1].csv", 9)
    write_csv(tmp_path / "x1.csv", 3)
    write_csv(tmp_path / "x2.csv", 3)
    (tmp_path / "run.yaml").write_text(
        "{name: small, title: Small, source: 'x[1].csv', metrics: [nps], period: wave, now: '1',\n"
        " mapping: {kind: transactional, columns: {wave: wave}, items: {nps: nps}}}\n"
    )
    command = [sys.executable, "-m", "cxkit", "check", str(tmp_path / "run.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "x[1].csv" in done.stdout
    assert ": 1 row" in done.stdout
