"""Targets of a run: one family over its places, told in the summary, in the file of each place and in the workbook."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from small import PARAMETERS as PLAIN
from small import write_notebook

import cxkit as cx
from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare
from cxkit.runs.workbook import workbook

MAPPING = (
    "{kind: transactional, columns: {time: day}, items: {nps: nps, csat: csat}, dimensions: {shop: shop, way: way}}"
)
PARAMS = f"""\
name: aims
title: Aims
source: survey.csv
mapping: {MAPPING}
metrics: [nps, csat]
as_of: 2026-11-15
for_each: [shop]
segments: [way]
targets:
  nps: 30
  csat: {{value: 50, by: {{way: {{phone: 90, fax: 95}}}}, source: Plan, date: 2026-01-15}}
"""
PARAMETERS = f"{PLAIN}targets = {{}}\n"


def project(folder: Path, text: str = PARAMS, parameters: str = PARAMETERS) -> Path:
    """Five shops of which one is far below the target, and one has seven answers."""
    rng = np.random.default_rng(3)
    sizes = {"A": 150, "B": 150, "C": 150, "Low": 150, "Tiny": 7}
    frame = pd.DataFrame([(shop, f"2026-{m}-10") for shop, n in sizes.items() for m in ("09", "10") for _ in range(n)])
    frame.columns = pd.Index(["shop", "day"])
    frame["way"] = rng.choice(["phone", "web"], len(frame))
    frame["nps"] = rng.choice([3, 8, 10], len(frame), p=[0.2, 0.3, 0.5])
    frame.loc[frame["shop"] == "Low", "nps"] = rng.choice([3, 8, 10], 300, p=[0.5, 0.3, 0.2])
    frame["csat"] = rng.choice([2, 5], len(frame))
    frame.to_csv(folder / "survey.csv", index=False)
    for name in ("report", "overview"):
        write_notebook(folder / "notebooks" / f"{name}.ipynb", "print(now)", parameters=parameters)
    (folder / "aims.yaml").write_text(text, encoding="utf-8")
    return folder / "aims.yaml"


def test_a_run_has_one_family_and_each_place_its_rows(tmp_path: Path) -> None:
    prepared = prepare(load(project(tmp_path)), tmp_path / "work")
    assert "targets.csat.by: nobody answered for way 'fax'; expected one of: phone, web" in " ".join(prepared.notes)
    told = pd.read_parquet(prepared.summary)
    rows = told[told["part"] == "target"]
    places = rows[rows["shop"].notna()]
    assert set(places["family"]) == {4}  # Tiny is hidden
    assert places.groupby("metric")["family_of"].first().to_dict() == {"csat": "CSAT by shop", "nps": "NPS by shop"}
    assert places.loc[places["verdict"] == "below", ["metric", "report"]].to_numpy().tolist() == [["nps", "low"]]
    assert rows.loc[rows["shop"].isna(), "report"].tolist() == ["overview"] * 2
    assert places.loc[places["report"] == "tiny", ["n", "value", "gap", "pvalue"]].isna().all().all()
    inside = told[told["part"] == "segment target"]
    assert set(inside["metric"]) == {"csat"}  # no level of a segment has a target of NPS
    assert set(zip(inside["way"], inside["target"], strict=True)) == {("phone", 90), ("web", 50)}

    (job,) = [job for job in prepared.jobs if job.name == "low"]
    names = ("where", "now", "before", "metrics", "segments", "level", "correction", "targets")
    own = cx.report(job.parameters["tallies"], **{name: job.parameters[name] for name in names})
    assert own.targets["family"].tolist() == [4, 4]
    shown = ["metric", "period", "shop", "n", "value", "low", "high", "target", "pvalue_adj", "verdict", "reason"]
    pd.testing.assert_frame_equal(
        own.targets[shown], places.loc[places["report"] == "low", shown].reset_index(drop=True), check_dtype=False
    )
    part = inside[inside["report"].isin(["low"]) | (inside["shop"] == "Low")].reset_index(drop=True)
    pd.testing.assert_series_equal(own.part_targets["pvalue_adj"], part["pvalue_adj"])
    with pytest.raises(CxError, match="the run tested them against other targets"):
        _ = cx.report(job.parameters["tallies"], {"shop": "Low"}, targets={"nps": 31, "csat": 50}).targets

    (job,) = [job for job in prepared.jobs if job.kind == "overview"]
    over = cx.report(job.parameters["tallies"], all_parts=True, **{name: job.parameters[name] for name in names})
    pd.testing.assert_frame_equal(over.part_targets[shown], places[shown].reset_index(drop=True), check_dtype=False)
    whole = cx.report(prepared.tallies, {"shop": "Low"}, targets=job.parameters["targets"])  # as in JupyterLab
    pd.testing.assert_frame_equal(whole.targets[shown], own.targets[shown], check_dtype=False)
    assert cx.report(prepared.tallies, {"shop": "Low"}).targets.empty

    metrics = {data["name"]: Metric.from_dict(data) for data in prepared.metrics}
    book = openpyxl.load_workbook(io.BytesIO(workbook(told, {"now": prepared.now}, metrics)))
    head, *body = book["Against the target"].iter_rows(values_only=True)
    lines = [dict(zip(head, row, strict=True)) for row in body]
    low = next(row for row in lines if row["Page"] == "low" and row["Metric"] == "NPS")
    assert (low["Target"], low["Verdict"], low["Family"]) == (30, "▼ below the target", 4)
    told_of = {row["Verdict"] for row in lines}
    assert "– not told apart" in told_of
    assert "○ hidden: fewer than 10 people answered" in told_of


def test_what_does_not_fit_is_told_before_anything_is_read(tmp_path: Path) -> None:
    wide = load(project(tmp_path, PARAMS.replace("nps: 30", "nps: 300")))
    with pytest.raises(CxError, match=r"aims.yaml: targets.nps.value: expected -100 to 100, found 300"):
        prepare(wide, tmp_path / "work")
    two = PARAMS.replace("nps: 30", "nps: {value: 30, by: {way: {web: 1}, shop: {A: 2}}}")
    with pytest.raises(CxError, match=r"aims.yaml: targets.nps.by: expected one dimension, .* found way, shop"):
        prepare(load(project(tmp_path, two)), tmp_path / "work")
    lacking = load(project(tmp_path, parameters=PARAMETERS.replace("targets = {}", "")))
    with pytest.raises(CxError, match="lacks 'targets', which every run sets"):
        prepare(lacking, tmp_path / "work")
