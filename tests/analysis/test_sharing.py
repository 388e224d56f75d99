"""What pages may tell of the data: an attack by subtraction, and what the operator knows beside it."""

from __future__ import annotations

import hmac
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis.privacy import mask
from cxkit.analysis.sharing import incomplete, refusals, shared
from cxkit.analysis.sharing import public as public_file
from cxkit.analysis.totals import left_out, with_totals
from cxkit.files import sha256
from cxkit.runs.digits import STEPS, rounded
from cxkit.runs.private import private
from cxkit.schema import RULES
from cxkit.tallies.audit import audit

ROOT = Path(__file__).parents[2]
FEW, THEN = 7, 15  # answers of the one small place, in the first of two waves and in the second
FRAME = pd.DataFrame(
    {
        "wave": ["1"] * (80 + FEW) + ["2"] * (60 + THEN),
        "nps": [9.0] * 60 + [None] * 20 + [3.0] * FEW + [8.0] * (60 + THEN),
        "brand": ["big", "huge"] * 40 + ["few"] * FEW + ["big", "huge"] * 30 + ["few"] * THEN,
        "agent": ["one person"] * (140 + FEW + THEN),
    }
)


@pytest.fixture(scope="module", params=["blanks", "no blanks"])
def told(request):
    frame = FRAME if request.param == "blanks" else FRAME.fillna({"nps": 6.0})
    survey = cx.read(frame)
    given = {"by": ["brand"], "period": "wave"}
    whole = cx.tally(survey, ["nps"], levels=[(), ("brand",)], **given)
    alone = left_out(whole, ["2", "1"])
    totals = cx.tally(survey, ["nps"], levels=[()], without=alone, **given)
    masked = mask(with_totals(whole, totals, alone))
    found = audit(survey, whole, invited={"1": 200, "2": 200})
    public = shared(found, masked, {"1": 200, "2": 200})
    return survey, replace(masked, audit=refusals(masked)), found, public


def test_what_was_read_less_what_was_refused_does_not_give_a_hidden_base(told):
    survey, shown, _, public = told
    rows, blanks = sum(file["rows"] for file in survey.files), survey.refused["n"].sum()
    bases = cx.estimate(shown, by=())["n"].sum()
    assert rows - blanks - bases - THEN == FEW  # what a reader could have worked out
    assert incomplete(shown) == ["nps"]
    for counts in (shown.audit["n"], public["refused"]["n"]):
        assert counts.isna().tolist() == [True]  # whether there were blanks or not: one number too few
    answers = public["answers"].iloc[0]
    assert (answers["used"], pd.isna(answers["missing"])) == (bases, True)


def test_a_level_over_all_periods_is_the_sum_of_what_is_shown_of_it(told):
    _, shown, found, public = told
    published = cx.estimate(shown, by=["brand"]).groupby("brand")["n"].sum()
    told_of = public["reports"].set_index("level")["n"]
    assert (told_of == published[told_of.index]).all()
    assert told_of["few"] == THEN  # and the operator knows of the others
    assert found["reports"].set_index("level").loc["few", "n"] == THEN + FEW


def test_rates_rows_and_other_dimensions_tell_nothing(told):
    _, shown, found, public = told
    totals = cx.estimate(shown, by=()).set_index("period")["n"]
    response = public["response"].set_index("period")
    assert (response["answered"] == totals[response.index]).all()
    assert response["rate"].isna().all()  # those of all who were invited are not those of the total
    assert found["response"].set_index("period").loc["1", "answered"] == totals["1"] + FEW
    assert "rows" not in public["refused"]
    assert set(public["waves"]["dimension"]) <= {"brand"}


def test_round_numbers_would_bound_what_they_round():
    """208 are shown, one is not: of "about 200 rows" at most 209 are possible, of 3% refused no more than 214."""
    places = ["big"] * 104 + ["huge"] * 104 + ["few"]
    frame = pd.DataFrame({"wave": "1", "nps": 9.0, "brand": places, "who": [str(i) for i in range(209)]})
    frame = pd.concat([frame, frame[:30].assign(nps=99.0, who="x")], ignore_index=True)
    survey = cx.read(frame, {"kind": "transactional", "columns": {"wave": "wave", "respondent": "who"},
                             "items": {"nps": "nps"}, "dimensions": {"brand": "brand"}})  # fmt: skip
    given = {"by": ["brand"], "period": "wave"}
    whole = cx.tally(survey, ["nps"], levels=[(), ("brand",)], **given)
    out = left_out(whole, ["1"])
    masked = mask(with_totals(whole, cx.tally(survey, ["nps"], levels=[()], without=out, **given), out))
    assert set(masked.hidden["reason"]) == {"few people"}
    public = shared(audit(survey, whole), masked, {})
    shown = public["answers"].iloc[0]
    assert shown["used"] == 208
    assert shown[["rows", "missing", "share"]].isna().all()
    assert public["files"]["rows"].isna().all()
    assert set(public["respondents"]["value"]) == {"not shown"}
    assert public["remarks"]["share"].isna().all()
    assert len(public["remarks"])
    assert public_file(survey.files[0], masked)["rows"] is None


def test_a_hidden_total_is_no_zero():
    frame = pd.DataFrame({"wave": ["1"] * 5 + ["2"] * 50, "nps": np.tile([9.0, 3.0, 7.0, 10.0, 0.0], 11)})
    survey = cx.read(frame)
    whole = cx.tally(survey, ["nps"], period="wave")
    public = shared(audit(survey, whole), mask(whole), {"1": 10, "2": 100})
    assert public["response"]["answered"].isna().tolist() == [True, False]
    assert public["response"]["rate"].isna().tolist() == [True, False]
    assert RULES.hide_below > 5


def test_those_who_answered_everything_are_counted_where_nothing_is_hidden():
    scales = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
    frame = pd.DataFrame({"wave": "1", **{item: [high] * 50 + [low] * 37 for item, (low, high) in scales.items()}})
    frame.loc[:9, "csat"] = 1.0
    survey = cx.read(frame)
    whole = cx.tally(survey, list(scales), period="wave")
    (row,) = shared(audit(survey, whole), mask(whole), {})["straightlining"].to_dict("records")
    assert row == {"items": "ces, csat, nps", "answered": 87, "share": 89.0}  # 77 of 87


SMALL = [("acme", 60, "b"), ("brim", 50, "b"), ("brim", 4, "a")]  # a hidden quarter of a place has a file of its own
SHELF = """\
name: small
title: Small
source: {files: [{path: b.csv}, {path: a.csv}]}
mapping: {kind: transactional, columns: {time: day, respondent: who}, items: {nps: score},
          dimensions: {brand: brand, channel: file}}
metrics: [nps]
for_each: [brand]
segments: [channel]
as_of: 2026-11-15
"""


def test_neither_hash_nor_rows_of_a_file_that_holds_a_hidden_cell_alone_can_be_used(tmp_path):
    """Who knows the layout tries the answers of four people against the hash of their file, and reads their number."""
    rows = [(brand, file, i % 11, f"{brand}{file}{i}") for brand, n, file in SMALL for i in range(n)]
    frame = pd.DataFrame(rows, columns=["brand", "file", "score", "who"])
    frame = pd.concat([frame.assign(day="2026-09-10"), frame.assign(day="2026-10-10")])
    for name, part in frame.groupby("file"):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "small.yaml").write_text(SHELF)
    (tmp_path / "notebooks").mkdir()
    for notebook in ("report", "overview", "audit"):
        (tmp_path / "notebooks" / f"{notebook}.ipynb").write_text((ROOT / f"notebooks/{notebook}.ipynb").read_text())
    manifest = cx.run(tmp_path / "small.yaml", tmp_path / "shelf", workers=1)
    guess = sha256(tmp_path / "a.csv")
    assert not any(guess in _texts(file) for file in (tmp_path / "shelf").iterdir() if file.is_file())
    assert [file["rows"] for file in manifest["data"]] == [None, None]
    key = (private(tmp_path / "shelf") / "releases" / "secret").read_bytes()
    mark = hmac.digest(key, guess.encode(), "sha256").hex()  # the owner can still tell which file it was
    assert manifest["data"][1]["hmac"] == mark
    for name in ("data.html", "index.html"):
        page = (tmp_path / "shelf" / name).read_text("utf-8")
        assert re.search(r"a\.csv(?:(?!</tr>).)*not shown", page, re.DOTALL)
        assert "gave" not in page.partition('id="audit-respondents"')[2].partition("</table>")[0]


def test_where_nothing_is_hidden_everything_is_counted():
    survey = cx.read(FRAME[FRAME["brand"] != "few"])
    whole = cx.tally(survey, ["nps"], by=["brand"], period="wave")
    masked = mask(whole)
    assert incomplete(masked) == []
    assert refusals(masked) is masked.audit
    assert shared(audit(survey, whole), masked, {})["answers"]["missing"].tolist() == [20]


# What somebody wrote --------------------------------------------------------------------------------------------------

PRIVATE = {  # refused answer -> how often; none of them may be passed on
    "Jane Doe called twice": 1, "jane.doe@example.org": 15, "j@x.io": 20, "+49 30 555": 1, "5550199": 30,
    "Jane Doe": 40, "zq7": 9, "8.25": 2, "1977": 3, "-4711": 9, "line one\nJane: Doe": 1,
}  # fmt: skip
CODES = {"DKNW": 12, "77": 10, "6.5": 11}
RUN = """\
name: private
title: Private
source: survey.csv
mapping: {accept: {nps: 0.5},
  kind: transactional, columns: {time: day}, items: {nps: score}, dimensions: {brand: brand}}
metrics: [nps]
for_each: [brand]
as_of: 2026-11-15
"""


def _cxkit(*given: str) -> str:
    done = subprocess.run([sys.executable, "-m", "cxkit", *given], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _texts(file: Path) -> str:
    """All that a file of the shelf says."""
    if not zipfile.is_zipfile(file):
        return file.read_text("utf-8")
    with zipfile.ZipFile(file) as parts:
        return " ".join(parts.read(name).decode("utf-8", "replace") for name in parts.namelist())


def test_what_somebody_wrote_into_a_score_is_nowhere_on_the_shelf(tmp_path):
    wrong = [value for value, n in {**PRIVATE, **CODES}.items() for _ in range(n)]
    frame = pd.DataFrame({"score": [*(["9", "3", "10", "7"] * 60), *wrong]})
    frame["brand"] = np.resize(["Acme", "Brim"], len(frame))
    frame["day"] = np.resize(["2026-09-10", "2026-09-10", "2026-10-10", "2026-10-10"], len(frame))
    frame.to_csv(tmp_path / "survey.csv", index=False)
    (tmp_path / "private.yaml").write_text(RUN)
    for notebook in ("report", "overview", "audit"):
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / f"{notebook}.ipynb").write_text((ROOT / f"notebooks/{notebook}.ipynb").read_text())
    _cxkit("run", str(tmp_path / "private.yaml"), "--out", str(tmp_path / "shelf"))
    files = [f for f in (tmp_path / "shelf").rglob("*") if f.is_file() and ".work" not in f.parts]
    assert {"data.html", "index.html", "manifest.json", "summary.csv", "summary.xlsx"} <= {f.name for f in files}
    for file in files:
        said = _texts(file)
        for value in PRIVATE:
            assert not re.search(rf"(?<![\w.]){re.escape(value)}(?!\w)", said), (file.name, value)
        assert "Jane" not in said
    shown = (tmp_path / "shelf" / "data.html").read_text("utf-8")
    assert all(value in shown for value in CODES)
    count = dict.fromkeys(("not a number or known label", "outside 0-10", "not a whole number", "other"), 0)
    refused = json.loads((tmp_path / "shelf" / "manifest.json").read_text("utf-8"))["refused"]
    for row in refused:
        count[next(reason for reason in count if row["reason"].startswith(reason))] += row["n"]
    assert sum(count.values()) == len(wrong)  # none is lost
    assert "not a number or known label (other values, not shown)" in {row["reason"] for row in refused}
    told = _cxkit("check", str(tmp_path / "private.yaml"))
    assert all(value.partition("\n")[0] in told for value in PRIVATE)


def test_a_value_is_judged_over_all_waves():
    frame = pd.DataFrame({"wave": ["1", "2"] * 20, "nps": ["9", "3"] * 12 + ["DK"] * 10 + ["Bo", "Al"] * 3})
    told = refusals(cx.tally(cx.read(frame), ["nps"], period="wave"))
    assert told[["wave", "reason", "n"]].to_numpy().tolist() == [
        ["1", "not a number or known label: DK", 5],
        ["1", "not a number or known label (other values, not shown)", 3],
        ["2", "not a number or known label: DK", 5],
        ["2", "not a number or known label (other values, not shown)", 3],
    ]


@pytest.mark.parametrize("told", [rounded, lambda frame: frame])
def test_a_weighted_score_cannot_be_solved_for_the_answers_of_who_is_hidden(told):
    """Nineteen people with known weights: all answers of theirs that fit the total less the brands that are shown."""
    rng = np.random.default_rng(5)
    sizes = {"A": 60, "B": 40, "C": 11, "D": 8}
    brand = np.repeat(list(sizes), list(sizes.values()))
    frame = pd.DataFrame({"day": "2026-10-02", "brand": brand, "nps": rng.choice([3, 7, 9, 10], len(brand))})
    frame["w"] = rng.uniform(0.2, 5, len(frame))
    mapping = {"kind": "transactional", "columns": {"time": "day", "weight": "w"}, "items": {"nps": "nps"},
               "dimensions": {"brand": "brand"}}  # fmt: skip
    masked = mask(cx.tally(cx.read(frame, mapping), ["nps"], by=["brand"], levels=[(), ("brand",)]))
    assert set(masked.hidden["brand"]) == {"C", "D"}
    shown = told(cx.estimate(masked))
    weight, step = frame.groupby("brand")["w"].sum(), shown["high"] - shown["low"]
    size = np.append(frame["w"].sum(), -weight.reindex(["A", "B"]))
    rows = shown[shown["brand"].isna() | shown["brand"].isin(["A", "B"])]
    left = float(rows["value"].to_numpy() @ size) / 100  # sum of w x of those who are hidden
    steps = 10.0 ** np.floor(np.log10(step[rows.index] / STEPS)) if told is rounded else 1e-9
    off = float(np.sum(np.abs(size) * steps / 200))
    half = [frame.loc[frame["brand"] == name, "w"].to_numpy() for name in ("C", "D")]
    sums = [np.array([*product([-1, 0, 1], repeat=len(w))]) @ w for w in half]
    order = np.sort(sums[0])
    many = np.searchsorted(order, left - sums[1] + off) - np.searchsorted(order, left - sums[1] - off)
    scores = 100 * sums[1][many > 0] / half[1].sum()  # of D that fit
    assert len(scores)
    assert (np.ptp(scores) >= 50) == (told is rounded)
    if told is not rounded:
        own = frame[frame["brand"] == "D"]
        true = 100 * np.average(np.select([own["nps"] > 8, own["nps"] < 7], [1, -1]), weights=own["w"])
        assert scores == pytest.approx(true)
