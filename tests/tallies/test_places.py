"""The file of a place holds its own cells and nothing of another, and gives the numbers that the whole gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.errors import CxError
from cxkit.tallies.storage import save_places
from cxkit.tallies.tallies import Place, Tallies

NOW, BEFORE = "2026-10", "2026-09"
MADE = {"now": NOW, "before": [BEFORE], "level": 0.95, "correction": "holm", "lead": "nps"}
BY = {"one": ["brand"], "two": ["brand", "region"]}


def survey(seed: int, columns: dict[str, str]) -> cx.Responses:
    rng = np.random.default_rng(seed)
    size = 900
    frame = pd.DataFrame({
        "day": rng.choice(["2026-09-03", "2026-09-20", "2026-10-05"], size),
        "nps": rng.integers(0, 11, size),
        "csat": rng.integers(1, 6, size),
        "brand": rng.choice(["Ash", "Birch", "Cedar"], size, p=[0.6, 0.3, 0.1]),
        "region": rng.choice(["north", "south"], size),
        "way": rng.choice(["web", "shop", "phone"], size),
        "who": rng.integers(0, 500, size),
        "w": rng.uniform(0.5, 2, size),
    })  # fmt: skip
    items = {"nps": "nps", "csat": "csat"}
    dimensions = {name: name for name in ("brand", "region", "way")}
    given = {"kind": "transactional", "columns": {"time": "day"} | columns, "items": items, "dimensions": dimensions}
    return cx.read(frame, given)


def whole(places: list[str], columns: dict[str, str], seed: int = 1) -> Tallies:
    levels = [(), *((name,) for name in places), tuple(places), (*places, "way")]
    given = {"by": [*places, "way"], "levels": levels, "pairs": [(NOW, BEFORE)], "rest": True}
    return cx.tally(survey(seed, columns), ["nps", "csat"], **given)


def cut(tallies: Tallies, names: list[str], folder: Path) -> dict[str, Tallies]:
    """The tallies of each place, as a report loads them."""
    compared = cx.compare(tallies, NOW, BEFORE, by=names, lead="nps")
    design = {part: list(getattr(tallies, part)["metric"].unique()) for part in ("sums", "pairs")}
    places = {}
    for value, rows in compared.groupby(names):
        name = "-".join(map(str, value))
        places[name] = Place(dict(zip(names, value, strict=True)), pd.DataFrame(rows), MADE, design)
    return {name: cx.load(path) for name, path in save_places(tallies, places, folder).items()}


def test_the_crosstab_of_a_report_is_the_runs_and_would_be_the_same_without(tmp_path):
    """The run makes it for all places at once; from the file of a place comes what the place's own cells give."""
    tallies = whole(["brand"], {"respondent": "who"})
    crossed = cx.crosstab(tallies, NOW, ["way"], by=["brand"], lead="nps")
    alone = cut(tallies, ["brand"], tmp_path)["Ash"]
    held = replace(alone, place=replace(alone.place, crossed=cx.at(crossed, {"brand": "Ash"})))
    cx.save(held, tmp_path / "held.parquet")
    file = save_places(tallies, {"held": held.place}, tmp_path)["held"]
    reports = [cx.report(one, {"brand": "Ash"}, NOW, BEFORE, segments=["way"]) for one in (alone, cx.load(file))]
    own, told = (pd.DataFrame(report.crossed) for report in reports)
    pd.testing.assert_frame_equal(told[own.columns], own, check_dtype=False)
    assert reports[0].crosstab() == reports[1].crosstab()
    assert len(cx.load(file).place.crossed) == len(own) > 10
    other = cx.report(cx.load(file), {"brand": "Ash"}, NOW, BEFORE, segments=["way"], metrics=["csat"])
    assert other.crossed["metric"].unique() == ["csat"]  # another family: made anew


DESIGNS = {"plain": {}, "people": {"respondent": "who"}, "weights": {"weight": "w"},
           "both": {"respondent": "who", "weight": "w"}}  # fmt: skip


@pytest.mark.parametrize(("design", "dimensions"), [
    pytest.param(design, by, marks=() if (design == "both") == (by == list(BY)[-1]) else pytest.mark.slow)
    for design in DESIGNS for by in BY
])  # fmt: skip
def test_a_place_alone_gives_the_numbers_that_the_whole_gives(dimensions, design, tmp_path):
    tallies, names = whole(BY[dimensions], DESIGNS[design]), BY[dimensions]
    for own in cut(tallies, names, tmp_path).values():
        where = own.place.where
        for frame in ("counts", "sums", "pairs"):
            held = getattr(own, frame)[names].drop_duplicates()
            assert held.to_dict("records") in ([where], [])
        here = {"where": where, "lead": "nps"}
        several = [
            lambda t, given: cx.estimate(t, by=(), where=given["where"]),
            lambda t, given: cx.distribution(t, "csat", where=given["where"]),
            lambda t, given: cx.alike(t, NOW, BEFORE, "way", **given),
            lambda t, given: cx.against_rest(t, NOW, "way", where=given["where"]),
            lambda t, given: cx.why(t, NOW, BEFORE, ["way"], where=given["where"]),
            lambda t, given: cx.readings(t, NOW, BEFORE, where=given["where"]).comparisons,
        ]
        for analysis in several:
            pd.testing.assert_frame_equal(pd.DataFrame(analysis(own, here)), pd.DataFrame(analysis(tallies, here)))
        run = cx.at(cx.compare(tallies, NOW, BEFORE, by=names, lead="nps"), where)
        alone = cx.at(cx.compare(own, NOW, BEFORE, by=names, lead="nps"), where)
        pd.testing.assert_frame_equal(pd.DataFrame(alone), pd.DataFrame(run))
        assert cx.provenance(own, where) == cx.provenance(tallies, where)


def test_what_would_need_another_place_is_refused_with_words(tmp_path):
    own = cut(whole(["brand"], {}), ["brand"], tmp_path)["Cedar"]
    needs = [
        lambda: cx.compare(own, NOW, BEFORE, by=["brand"], lead="csat"),
        lambda: cx.compare(own, NOW, BEFORE, level=0.9, by=["brand"], lead="nps"),
        lambda: cx.compare(own, NOW, BEFORE, by=["brand", "way"], lead="nps"),
        lambda: cx.compare(own, NOW, BEFORE),
        lambda: cx.alike(own, NOW, BEFORE, "brand"),
        lambda: cx.against_rest(own, NOW, "brand"),
        lambda: cx.why(own, NOW, BEFORE, ["brand"]),
        lambda: cx.league(own, NOW, "brand", "nps"),
    ]
    for call in needs:
        with pytest.raises(CxError, match="brand: these are the tallies of Cedar alone"):
            call()
    with pytest.raises(CxError, match=r"everybody was not tallied.*the tallies of Cedar alone"):
        cx.estimate(own, by=())
    with pytest.raises(CxError, match="'Ash' is no brand of these tallies"):
        cx.estimate(own, by=(), where={"brand": "Ash"})
    one = cx.compare(own, NOW, BEFORE, by=["brand"], metrics=["nps"])
    assert (len(one), one["family"].item()) == (1, 2)  # corrected with Ash and Birch; Cedar has too few answers


def test_equal_answers_of_a_place_make_an_equal_file(tmp_path):
    tallies = whole(["brand"], {"respondent": "who"})
    shown = cx.compare(tallies, NOW, BEFORE, by=["brand"], lead="nps")
    for folder, counts in (("a", tallies.counts), ("b", tallies.counts[tallies.counts["brand"] != "Ash"])):
        (tmp_path / folder).mkdir()
        place = Place(
            {"brand": "Cedar"}, pd.DataFrame(cx.at(shown, {"brand": "Cedar"})), MADE, {"sums": [], "pairs": []}
        )
        save_places(replace(tallies, counts=counts), {"cedar": place}, tmp_path / folder)
    assert (tmp_path / "a" / "cedar.parquet").read_bytes() == (tmp_path / "b" / "cedar.parquet").read_bytes()


def test_a_place_takes_its_own_comments_along_and_no_other_s(tmp_path: Path) -> None:
    tallies = whole(["brand", "region"], {})
    said = [{"brand": b, "region": r, "comment": f"{b} {r}"} for b in ("Ash", "Birch") for r in ("north", "south")]
    tallies = replace(tallies, provenance={**tallies.provenance, "comments": said, "audit": {}, "files": ["x.csv"]})
    found = cut(tallies, ["brand", "region"], tmp_path)
    for b, r in (("Ash", "north"), ("Birch", "south")):
        about = found[f"{b}-{r}"].provenance
        assert [one["comment"] for one in about["comments"]] == [f"{b} {r}"]
        assert not {"audit", "files"} & set(about)
    assert found["Cedar-north"].provenance["comments"] == []
    plain = cut(whole(["brand", "region"], {}), ["brand", "region"], tmp_path)
    assert "comments" not in plain["Ash-north"].provenance
