"""Which pages of the kit's own notebooks have to be built again when the answers change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.runs import params
from cxkit.runs.prepare import prepare
from cxkit.tallies.storage import PRINTED

YAML = """\
name: changes
title: Changes
source: survey.csv
mapping: {kind: transactional, columns: {time: date}, items: {nps: score}, dimensions: {brand: firm, channel: way}}
metrics: [nps]
as_of: 2026-11-15
for_each: [brand]
segments: [channel]
report: REPORT
overview: OVERVIEW
"""
SCORES = {  # brand -> scores of September and October, 30 answers each
    "Ash": ([9] * 15 + [3] * 15, [9] * 15 + [3] * 15),
    "Birch": ([9] * 15 + [3] * 15, [9] * 25 + [3] * 5),
    "Cedar": ([9] * 15 + [3] * 15, [9] * 15 + [3] * 15),
}
Scores = dict[str, tuple[list[int], list[int]]]


@pytest.fixture
def hashes(tmp_path) -> Callable[[Scores], tuple[dict[str, str], pd.DataFrame]]:
    """The hash of the data behind each page and the comparisons of a run on these scores."""
    notebooks = Path(__file__).parents[2] / "notebooks"
    text = YAML.replace("REPORT", str(notebooks / "report.ipynb")).replace(
        "OVERVIEW", str(notebooks / "overview.ipynb")
    )
    (tmp_path / "changes.yaml").write_text(text, encoding="utf-8")

    def prepared(scores: Scores) -> tuple[dict[str, str], pd.DataFrame]:
        rows = [
            {"date": f"2026-{month}-10", "firm": brand, "score": score, "way": "web" if number % 2 else "shop"}
            for brand, both in scores.items()
            for month, found in zip(("09", "10"), both, strict=True)
            for number, score in enumerate(found)
        ]
        pd.DataFrame(rows).to_csv(tmp_path / "survey.csv", index=False)
        made = prepare(params.load(tmp_path / "changes.yaml", {}), tmp_path / "work")
        summary = pd.read_parquet(made.summary)
        compared = summary[(summary["part"] == "comparison") & (summary["report"] != "overview")]
        return {job.name: job.data for job in made.jobs}, compared.set_index("report")

    return prepared


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_the_same_answers_have_the_same_hashes(hashes):
    first, second = hashes(SCORES)[0], hashes(SCORES)[0]
    assert first == second
    assert all(first.values())
    assert first.pop("data") == first["overview"]  # both are about the whole run, by different notebooks
    assert len(set(first.values())) == len(first)


def test_other_answers_of_one_brand_concern_its_page_and_the_overview(hashes):
    before, compared = hashes(SCORES)
    after, now = hashes(
        {**SCORES, "Cedar": ([9] * 15 + [3] * 15, [10] * 2 + [9] * 13 + [3] * 15)}
    )  # 9 -> 10: same score
    assert compared["pvalue_adj"].equals(now["pvalue_adj"])
    assert changed(before, after) == {"cedar", "overview", "data"}


def test_the_page_of_another_brand_is_built_again_where_its_corrected_p_value_changed(hashes):
    """Holm's correction: Birch's p-value was the smallest of three, times 3; now Cedar's is, and Birch's is times 2."""
    before, compared = hashes(SCORES)
    after, now = hashes({**SCORES, "Cedar": ([9] * 15 + [3] * 15, [9] * 30)})
    assert compared.loc["birch", "pvalue"] == now.loc["birch", "pvalue"]
    assert compared.loc["birch", "pvalue_adj"] == pytest.approx(now.loc["birch", "pvalue_adj"] * 1.5)
    assert compared.loc["ash", "pvalue_adj"] == now.loc["ash", "pvalue_adj"]
    assert changed(before, after) == set(before)  # the score of everybody stands on each page


def test_a_report_prints_no_other_part_of_the_provenance(hashes, tmp_path):
    """What a page shows has to be among what it is hashed with."""
    hashes(SCORES)
    t = cx.load(tmp_path / "work" / "tallies.parquet")
    given = {"now": "2026-10", "before": "2026-09"}
    known = {name: t.provenance[name] for name in PRINTED if name in t.provenance}
    assert show.header("A", **given, provenance=known) == show.header("A", **given, provenance=t.provenance)
    assert show.audit(t.audit, known) == show.audit(t.audit, t.provenance)


def test_a_refused_answer_is_printed_on_all_pages(hashes):
    before, _ = hashes(SCORES)
    after, _ = hashes({**SCORES, "Cedar": ([9] * 15 + [3] * 15, [9] * 15 + [3] * 15 + [11])})
    assert changed(before, after) == set(before)
