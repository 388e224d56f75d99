"""A run that compares with two periods: one family, both on the page, in the summary and in the workbook."""

from __future__ import annotations

import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pandas as pd
import pytest
from small import write_notebook
from statsmodels.stats.multitest import multipletests

import cxkit as cx
from cxkit.metrics import METRICS
from cxkit.runs.jobs import Prepared
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare
from cxkit.runs.workbook import workbook

LEAST = """\
name: both
title: Both
source: survey.csv
mapping: {kind: transactional, columns: {time: day}, items: {nps: nps, csat: csat}, dimensions: {brand: b, channel: c}}
metrics: [nps, csat]
as_of: 2026-11-15
for_each: [brand]
segments: [channel]
"""
# detractors, passives and promoters of each brand: Bram fell within the year, not within the month; Cato was small
COUNTS = {
    "Ada": {"2025-10": (20, 30, 50), "2026-09": (20, 30, 50), "2026-10": (24, 30, 46)},
    "Bram": {"2025-10": (5, 25, 90), "2026-09": (40, 40, 40), "2026-10": (42, 40, 38)},
    "Cato": {"2025-10": (1, 1, 2), "2026-09": (20, 30, 50), "2026-10": (20, 30, 50)},
    "Dora": {"2025-10": (15, 10, 15), "2026-09": (10, 20, 30), "2026-10": (10, 20, 30)},
}
MONTHS = ("2026-09", "2025-10")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))


def rows() -> pd.DataFrame:
    """An answer a row, every third by phone; who is satisfied answered the scale of satisfaction with 5, others 3."""
    told: list[dict[str, Any]] = []
    for brand, months in COUNTS.items():
        for month, counts in months.items():
            scores = [score for score, n in zip((3, 7, 10), counts, strict=True) for _ in range(n)]
            told += [{"day": f"{month}-10", "b": brand, "c": "phone" if i % 3 else "web", "nps": score,
                      "csat": 5 if i % 2 else 3} for i, score in enumerate(scores)]  # fmt: skip
    return pd.DataFrame(told)


def prepared(folder: Path, against: str) -> Prepared:
    folder.mkdir(exist_ok=True)
    for name in ("report", "overview", "audit"):
        write_notebook(folder / "notebooks" / f"{name}.ipynb")
    rows().to_csv(folder / "survey.csv", index=False)
    (folder / "both.yaml").write_text(f"{LEAST}against: {against}\n", encoding="utf-8")
    return prepare(load(folder / "both.yaml"), folder / "work")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared(tmp_path_factory.mktemp("both"), "[previous, year_ago]")


def page(run: Prepared, name: str) -> cx.Report:
    """The report of a job, as its notebook makes it."""
    given = next(job.parameters for job in run.jobs if job.name == name)
    known = ("where", "now", "before", "metrics", "segments", "level", "correction", "title")
    return cx.report(given["tallies"], **{key: given[key] for key in known})


def board(report: cx.Report) -> list[list[str]]:
    """The cells of the table of metrics as plain text, its head first."""
    said = str(report.headline())
    lines = re.findall(r"<tr.*?</tr>", said[said.index("<table") :], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.DOTALL) for line in lines]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in line] for line in cells]


def test_both_comparisons_are_one_family(both: Prepared) -> None:
    assert (both.before, both.further) == ("2026-09", ["2025-10"])
    assert both.notes[0] == "as of 2026-11-15: 2026-10 compared with 2026-09 and 2025-10"
    summary = pd.read_parquet(both.summary)
    told = summary[summary["part"].isin(["comparison", "second comparison"]) & summary["brand"].notna()]
    assert set(zip(told["part"], told["before"], strict=True)) == {
        ("comparison", "2026-09"), ("second comparison", "2025-10")
    }  # fmt: skip
    tested = told[(told["metric"] == "nps") & (told["verdict"] != "too few")]
    # of 4 brands, twice; Cato had 4 answers a year ago, and with Dora's shown the total would tell which
    assert len(tested) == tested["family"].iloc[0] == 6
    assert set(tested["family_of"]) == {"NPS by brand against both periods"}
    expected = multipletests(tested["pvalue"], method="holm")[1]
    assert tested["pvalue_adj"].to_numpy() == pytest.approx(expected)


def test_each_comparison_is_what_it_is_alone(both: Prepared) -> None:
    tallies = cx.tally(
        cx.read(rows(), {**MAPPING}), ["nps", "csat"], by=["brand"], pairs=[("2026-10", m) for m in MONTHS]
    )
    keys = ["metric", "brand", "before", "change", "low", "high", "pvalue", "n", "n_before", "method"]
    together = cx.compare(tallies, "2026-10", MONTHS, by=["brand"])
    alone = pd.concat([cx.compare(tallies, "2026-10", month, by=["brand"]) for month in MONTHS])
    order = ["metric", "before", "brand"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(together[keys].sort_values(order).reset_index(drop=True)),
        pd.DataFrame(alone[keys].sort_values(order).reset_index(drop=True)),
    )


MAPPING = {
    "kind": "transactional",
    "columns": {"time": "day"},
    "items": {"nps": "nps", "csat": "csat"},
    "dimensions": {"brand": "b", "channel": "c"},
}


def test_a_page_tells_both_and_speaks_of_the_first(both: Prepared) -> None:
    report = page(both, "bram")
    assert repr(report).startswith("Bram, 2026-10 against 2026-09 and 2025-10")
    assert report.comparisons["before"].unique().tolist() == ["2026-09"]
    said = str(report.headline())
    assert "NPS is −3, after 0 in September 2026: no evidence of change" in said
    assert "Against October 2025: NPS fell from 71 to −3." in re.sub(r"</?bdi>", "", said)
    assert "Nothing to act on in these scores" not in said
    head, nps, csat = board(report)
    at = head.index("September")
    assert head[at : at + 4] == ["September", "Change", "October 2025", "Change"]
    assert (nps[at], nps[at + 2]) == ("0", "71")
    assert "no evidence" in nps[at + 1]
    assert "could be missed" in nps[at + 1]
    assert "decreased" in nps[at + 3]
    assert "no evidence" in csat[at + 3]
    assert "could be missed" in csat[at + 3]
    assert "Compared with" in str(report.header())
    assert "October 2025" in str(report.header())
    assert str(report.numbers()).count("2025-10") >= 2


def test_who_fell_in_either_is_named_on_the_index_and_the_other_pages(both: Prepared, tmp_path: Path) -> None:
    prepared(tmp_path, "[previous, year_ago]")
    manifest = cx.run(tmp_path / "both.yaml", tmp_path / "www" / "shelf")
    jsonschema.validate(manifest, SCHEMA)
    assert (manifest["before"], manifest["further"]) == ("2026-09", ["2025-10"])
    index = re.sub(r"<[^>]+>", "", (tmp_path / "www" / "shelf" / "index.html").read_text("utf-8"))
    assert "Act on: Bram (▼ NPS fell from 71 to −3 against October 2025)" in index
    assert "got worse" not in index
    assert "Of 8 comparisons" in index
    others = re.sub(r"<[^>]+>", "", str(page(both, "ada").headline()))
    assert "Elsewhere: Bram (NPS lower)." in others


@pytest.mark.parametrize("before", [[], ["2026-09", "2026-09"], ["2026-09", "2025-10", "2026-08"]])
def test_two_different_periods_at_most(both: Prepared, before: list[str]) -> None:
    told = cx.read(rows(), {"kind": "transactional", "columns": {"time": "day"}, "items": {"nps": "nps"}})
    tallies = cx.tally(told, ["nps"], pairs=[("2026-10", "2026-09"), ("2026-10", "2025-10")])
    with pytest.raises(cx.CxError, match="before: expected one period or two different ones, found "):
        cx.compare(tallies, "2026-10", before)


def test_a_change_of_the_second_is_not_told_where_there_is_none(both: Prepared) -> None:
    said = str(page(both, "ada").headline())
    assert "Against October 2025" not in said.split("<table")[0]
    assert "Nothing to act on in these scores: no change is shown." in said


def test_too_few_are_told_for_the_comparison_that_lacks_them(both: Prepared) -> None:
    report = page(both, "cato")
    verdicts = report.changes.set_index(["metric", "before"])["verdict"]
    assert verdicts["nps"].to_dict() == {"2026-09": "no evidence", "2025-10": "too few"}
    hidden = report.changes[report.changes["before"] == "2025-10"]
    assert hidden[["n_before", "change", "low", "value_before", "pvalue"]].isna().all(axis=None)
    assert set(hidden["reason"]) == {"few people"}
    head, nps, _ = board(report)
    assert nps[head.index("October 2025")] == ""


def test_the_second_period_hides_what_it_hides_by_itself(both: Prepared, tmp_path: Path) -> None:
    alone = prepared(tmp_path / "alone", "year_ago")
    cells = []
    for run in (both, alone):
        summary = pd.read_parquet(run.summary)
        shown = summary[summary["part"].eq("estimate") & summary["period"].eq("2025-10") & summary["n"].notna()]
        cells.append(shown.set_index(["metric", shown["brand"].fillna("")])["n"].to_dict())
    assert cells[0] == cells[1]
    brands = {brand: n for (metric, brand), n in cells[0].items() if metric == "nps" and brand}
    assert "Cato" not in brands
    total = cells[0].get(("nps", ""))
    assert total is None or total - sum(brands.values()) != 4  # nobody finds Cato's four answers by subtraction


def test_the_workbook_has_both(both: Prepared) -> None:
    summary = pd.read_parquet(both.summary)
    record = {"title": "Both", "now": both.now, "before": both.before, "further": both.further}
    metrics = {name: METRICS[name] for name in ("nps", "csat")}
    book = openpyxl.load_workbook(io.BytesIO(workbook(summary, record, metrics)))
    first = [[cell.value for cell in row] for row in book["Summary"].iter_rows()]
    assert first[0][0] == "Both: 2026-10 against 2026-09 and 2025-10"
    head = next(row for row in first if "Metric" in row)
    bram = next(dict(zip(head, row, strict=True)) for row in first if row[0] == "Bram" and "NPS" in row)
    assert bram["Compared with, second"] == "2025-10"
    assert bram["Change, second"] == pytest.approx(100 * ((38 - 42) / 120 - (90 - 5) / 120))
    assert bram["Verdict, second"] == "▼ decreased"
    assert bram["Verdict"].endswith("no evidence of change")
    lines = [[cell.value for cell in row] for row in book["Comparisons"].iter_rows(values_only=False)]
    assert {"2026-09", "2025-10"} <= {value for row in lines for value in row}
    single = workbook(summary[summary["part"] != "second comparison"], {**record, "further": []}, metrics)
    assert not any("second" in str(cell.value) for cell in openpyxl.load_workbook(io.BytesIO(single))["Summary"][3])
