"""Corrupted exports end in a refusal in words or in a counted repair: never in a traceback or a wrong number."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from exports import EXPORTS, excel, spss, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cxkit as cx
from cxkit.input.databases import collect
from cxkit.inspection.draft import inspect

MAPPING = {
    "kind": "transactional",
    "columns": {"response": "id", "time": "at"},
    "items": {"nps": "score", "csat": {"column": "happy", "missing": [9]}},
    "dimensions": {"brand": "brand"},
}
ROWS = [[f"r{i}", f"2026-10-{1 + i % 28:02}", str(i % 11), ["Söhne", "B, C", 'said "D"'][i % 3], str(1 + i % 5)]
        for i in range(60)]  # fmt: skip
HEAD = ["id", "at", "score", "brand", "happy"]
WHOLE = table([HEAD, *ROWS], end="\n")
TRUTH = {row[0]: (float(row[2]), float(row[4])) for row in ROWS}
QUICK = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(path: Path, mapping: dict[str, Any] = MAPPING) -> cx.Responses | None:
    """What was read; None where it was refused in words that name the file. Anything else is raised."""
    refusal = ""
    try:
        survey = cx.read(path, mapping)
    except cx.CxError as error:
        refusal = str(error)
    if refusal:
        assert path.name in refusal
        assert "Traceback" not in refusal
        return None
    accounted(survey)
    return survey


def accounted(survey: cx.Responses) -> None:
    """Every row of the file is read or refused, and so is every answer of a row that was read."""
    frame = collect(survey.table)
    refused = survey.refused.groupby("item")["n"].sum()
    assert survey.provenance["rows"] == len(frame) + refused.get("row", 0)
    for item in survey.mapping.items:
        assert len(frame) == frame[item].notna().sum() + refused.get(item, 0)


def wrong(survey: cx.Responses) -> list[str]:
    """The ids whose answers are not those of the whole file."""
    frame = collect(survey.table.select("response", "nps", "csat"))
    found = []
    for response, nps, csat in frame.itertuples(index=False):
        truth = TRUTH.get(str(response), (None, None))
        if (nps == nps and nps != truth[0]) or (csat == csat and csat != truth[1]):
            found.append(str(response))
    return found


@QUICK
@given(st.integers(0, len(WHOLE.encode())))
def test_a_file_that_was_cut_off(tmp_path: Path, at: int) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(WHOLE.encode()[:at])
    survey = outcome(path)
    if survey is not None and (bad := wrong(survey)):
        # only the last answer of the last row can be a part of itself, and the file says that it ends in mid-line
        assert bad == [f"r{survey.provenance['rows'] - 1}"]
        assert any("no line end" in note for note in survey.files[0]["notes"])


@QUICK
@given(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "cp850", "shift_jis"])
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "encoded.csv"
    path.write_bytes(WHOLE.replace("ö", "o" if encoding == "shift_jis" else "ö").encode(encoding))
    survey = outcome(path)
    assert survey is None or wrong(survey) == []
    if encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"):
        assert survey is not None
        assert "Söhne" in set(collect(survey.table)["brand"])
    if encoding == "cp850":  # a guess, and it is told
        assert survey is not None
        assert any("Windows-1252" in note for note in survey.files[0]["notes"])


@QUICK
@given(st.integers(0, len(WHOLE.encode())), st.binary(min_size=1, max_size=3))
def test_foreign_bytes_anywhere(tmp_path: Path, at: int, junk: bytes) -> None:
    path = tmp_path / "spliced.csv"
    whole = WHOLE.encode()
    path.write_bytes(whole[:at] + junk + whole[at:])
    survey = outcome(path)
    if survey is not None:
        # digits or a separator that were put in are answers like others: but in one row only, or two where it was cut
        assert len(wrong(survey)) <= 2


@QUICK
@given(st.integers(0, len(WHOLE.encode()) - 1))
def test_nul_bytes(tmp_path: Path, at: int) -> None:
    path = tmp_path / "nul.csv"
    path.write_bytes(WHOLE.encode()[:at] + b"\0" + WHOLE.encode()[at:])
    with pytest.raises(cx.CxError, match="NUL bytes"):
        cx.read(path, MAPPING)


@QUICK
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12), st.floats().map(repr), st.integers().map(str), st.sampled_from(["1e3", "0x1", "٣"])
        ),
        min_size=1,
        max_size=40,
    )
)
def test_cells_of_any_content(tmp_path: Path, cells: list[str]) -> None:
    path = tmp_path / "mixed.csv"
    cells = [cell.replace("\0", "").encode("utf-8", "replace").decode() for cell in cells]
    path.write_text(table([["wave", "nps"], *(["1", cell] for cell in cells)]), encoding="utf-8", newline="")
    survey = outcome(path, {"kind": "transactional", "columns": {"wave": "wave"}, "items": {"nps": "nps"}})
    assert survey is not None
    assert survey.provenance["rows"] == len(cells)
    plain = [float(cell) for cell in cells if cell.strip() in {str(i) for i in range(11)}]
    used = collect(survey.table)["nps"].dropna().tolist()
    assert set(used) <= set(map(float, range(11)))
    assert len(used) >= len(plain)


@QUICK
@given(st.permutations([*HEAD, "score", "id "]))
def test_headers_that_occur_twice(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "doubled.csv"
    path.write_text(table([names, *([*row, *row][: len(names)] for row in ROWS)]), encoding="utf-8")
    assert outcome(path) is None  # which of two columns is meant, is for a person to say


@pytest.mark.parametrize(
    "text", ["", "\n", "\n\n\n", ",,,,\n", " \n", "﻿", "id\n", "id,at,score,brand,happy\n", '"', '"""\n']
)
def test_files_with_nothing_in_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(text, encoding="utf-8")
    survey = outcome(path)
    assert survey is None or survey.provenance["rows"] == 0
    with pytest.raises(cx.CxError):
        inspect(path)


@pytest.mark.slow
def test_ten_thousand_columns(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    more = [f"x{i}" for i in range(10_000)]
    path.write_text(table([[*HEAD, *more], *([*row, *["1"] * 10_000] for row in ROWS[:5])]), encoding="utf-8")
    survey = outcome(path)
    assert survey is not None
    assert wrong(survey) == []
    assert len(collect(survey.table)) == 5


DAMAGE = {
    "cut": lambda content, rng: content[: rng.randrange(len(content))],
    "flipped": lambda content, rng: bytes(b ^ (rng.random() < 0.02) * rng.randrange(256) for b in content),
    "zeros": lambda content, rng: content[:100] + bytes(200) + content[300:],
    "text": lambda content, rng: b"id,score\n1,9\n",
    "empty": lambda content, rng: b"",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("made", [excel, spss], ids=["xlsx", "sav"])
def test_a_damaged_workbook_or_spss_file(tmp_path: Path, made: Any, damage: str) -> None:
    path = made(tmp_path)
    content = path.read_bytes()
    mapping = {"kind": "transactional", "columns": {}, "items": {"nps": "score" if made is excel else "recommend"}}
    for seed in range(3):
        path.write_bytes(DAMAGE[damage](content, random.Random(seed)))
        survey = outcome(path, mapping)
        assert survey is None or survey.provenance["rows"] <= 7


@pytest.mark.parametrize("name", [name for name in EXPORTS if name != "parquet"])
def test_vendors_exports_with_damage(tmp_path: Path, name: str) -> None:
    whole = EXPORTS[name](tmp_path)
    for seed in range(2):
        rng = random.Random(seed)
        content = bytearray(whole.read_bytes())
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path = tmp_path / f"damaged{whole.suffix}"
        path.write_bytes(content)
        try:
            text = inspect(path)
        except cx.CxError as error:
            text = str(error)
        assert text.startswith("# A mapping to start from") or path.name in text
        assert "Traceback" not in text


def test_a_folder_without_parquet_and_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copy(__file__, tmp_path / "program.parquet")
    for name in ("empty", "program.parquet"):
        assert outcome(tmp_path / name) is None
