"""Banner tables: the numbers of the verbs that they join, shares counted without the kit, families as stated."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit import show
from cxkit.analysis.privacy import mask
from cxkit.stats import holm

MAPPING = {
    "kind": "transactional",
    "columns": {"wave": "wave", "respondent": "who", "weight": "w"},
    "items": {"nps": "nps", "csat": "csat", "full_resolution": {"column": "took", "unit": "minutes"}},
    "dimensions": {"brand": "brand", "channel": "channel", "region": "region"},
}
METRICS = ["nps", "csat", "csat_mean", "full_resolution"]


def answers() -> pd.DataFrame:
    """700 answers of 400 people, of whom those on the web score low; seven of the shop."""
    random = np.random.default_rng(5)
    n = 700
    frame = pd.DataFrame({"wave": "a", "who": random.integers(0, 400, n).astype(str), "w": random.uniform(0.5, 2, n)})
    frame["brand"] = random.choice(["A", "B"], n)
    frame["channel"] = random.choice(["web", "phone", "app"], n)
    frame["region"] = random.choice(["north", "south"], n)
    frame.loc[frame[frame["brand"] == "A"].index[:7], "channel"] = "shop"
    frame["nps"] = np.where(frame["channel"] == "web", random.integers(0, 8, n), random.integers(3, 11, n))
    frame["csat"], frame["took"] = random.integers(1, 6, n), random.lognormal(3, 1, n).round()
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return answers()


@pytest.fixture(scope="module")
def tallies(frame: pd.DataFrame) -> cx.Tallies:
    levels = [("brand",), ("brand", "channel"), ("brand", "region")]
    by = ["brand", "channel", "region"]
    return cx.tally(cx.read(frame, MAPPING), METRICS, by=by, levels=levels, period="wave", rest=True)


@pytest.fixture(scope="module")
def crossed(tallies: cx.Tallies) -> pd.DataFrame:
    given = {"where": {"brand": "A"}, "lead": "nps"}
    return cx.crosstab(mask(tallies), "a", ["channel", "region"], **given)  # type: ignore[arg-type]


def test_shares_are_those_of_the_weights_in_each_cell(frame: pd.DataFrame, tallies: cx.Tallies) -> None:
    found = cx.crosstab(tallies, "a", "channel", by=["brand"], metrics=["csat_mean", "csat", "nps"])
    classes = {"Dissatisfied (1-2)": [1, 2], "Neutral (3)": [3], "Satisfied (4-5)": [4, 5]}
    shares = found[(found["metric"] == "csat_mean") & (found["group"] != "")]
    assert len(shares) == 3 * (2 + 4 + 3)  # classes; both brands, and their channels
    for row in shares.itertuples():
        part = frame[frame["brand"] == row.brand]
        part = part if pd.isna(row.channel) else part[part["channel"] == row.channel]
        own = part[part["csat"].isin(classes[row.group])]
        assert row.share == pytest.approx(100 * own["w"].sum() / part["w"].sum())
        assert row.n == len(part)
    assert found.loc[found["metric"] == "csat", "group"].eq("").all()  # the same answers are told once
    assert found["metric"].drop_duplicates().tolist() == ["csat_mean", "csat", "nps"]


def test_scores_and_tests_are_those_of_the_verbs(tallies: cx.Tallies, crossed: pd.DataFrame) -> None:
    given = {"where": {"brand": "A"}}
    scores = crossed[crossed["group"] == ""]
    for dimension in ("channel", "region"):
        own = scores[scores[dimension].notna()].reset_index(drop=True)
        alone = cx.estimate(mask(tallies), by=[dimension], **given)  # type: ignore[arg-type]
        tests = cx.against_rest(mask(tallies), "a", dimension, **given)  # type: ignore[arg-type]
        for name, other in (("n", alone["n"]), ("low", alone["low"]), ("n_rest", tests["n_rest"]),
                            ("difference", tests["difference"]), ("difference_low", tests["low"]),
                            ("pvalue", tests["pvalue"])):  # fmt: skip
            pd.testing.assert_series_equal(own[name], other, check_names=False)
    total = scores[scores[["channel", "region"]].isna().all(axis=1)]
    assert total["metric"].tolist() == METRICS
    assert total["verdict"].eq("").all()
    assert total["difference"].isna().all()


def test_the_lead_keeps_its_family_by_dimension_and_the_others_are_one(crossed: pd.DataFrame) -> None:
    judged = crossed[crossed["pvalue_adj"].notna()]
    by_channel = judged[(judged["metric"] == "nps") & judged["channel"].notna()]
    by_region = judged[(judged["metric"] == "nps") & judged["region"].notna()]
    others = judged[judged["metric"] != "nps"]
    for family, words in ((by_channel, "NPS by channel"), (by_region, "NPS by region"),
                          (others, "all other metrics by channel and region")):  # fmt: skip
        assert family["family"].unique() == [len(family)]
        assert family["family_of"].unique() == [words]
        assert family["pvalue_adj"].to_numpy() == pytest.approx(holm(family["pvalue"].to_numpy()))
    assert len(others) == 3 * (2 + 2)  # the shop is hidden, and a channel for its sake
    assert by_channel.set_index("channel")["verdict"]["web"] == "differs"


def test_without_a_lead_all_is_one_family_and_a_lead_has_to_be_compared(tallies: cx.Tallies) -> None:
    found = cx.crosstab(tallies, "a", ["channel", "region"], where={"brand": "A"}, metrics=["nps", "csat"])
    assert found["family"].max() == 2 * (3 + 2)
    with pytest.raises(cx.CxError, match="lead: 'nps' is not compared"):
        cx.crosstab(tallies, "a", "channel", where={"brand": "A"}, metrics=["csat"], lead="nps")


def test_a_hidden_cell_has_neither_score_nor_shares(crossed: pd.DataFrame) -> None:
    hidden = crossed[crossed["reason"].isin(["few people", "given away"])]
    assert set(hidden["channel"]) >= {"shop"}
    assert hidden["group"].eq("").all()
    assert hidden[["n", "value", "low", "high", "share", "difference", "pvalue", "n_judged"]].isna().all(axis=None)
    told = crossed[crossed["group"] != ""]
    assert not set(told["channel"].dropna()) & set(hidden["channel"].dropna())
    assert not told["metric"].eq("full_resolution").any()  # durations are in no class


def test_answers_without_classes_are_told_one_by_one() -> None:
    frame = pd.DataFrame({"wave": "a", "channel": ["web", "app"] * 60, "steps": [1, 2, 2, 4, 3, 3] * 20})
    mapping = {
        "kind": "transactional",
        "columns": {"wave": "wave"},
        "items": {"steps": {"column": "steps", "measure": "mean", "scale": [1, 4], "better": "higher"}},
        "dimensions": {"channel": "channel"},
    }
    tallies = cx.tally(cx.read(frame, mapping), ["steps"], by=["channel"], period="wave", rest=True)
    assert tallies.metrics["steps"].classes == {}
    found = cx.crosstab(tallies, "a", "channel")
    web = cx.at(found[found["group"] != ""], {"channel": "web"})
    assert dict(zip(web["group"], web["share"], strict=True)) == pytest.approx(
        {"1": 100 / 3, "2": 100 / 3, "3": 100 / 3, "4": 0}
    )


def test_the_table_has_signs_bases_and_reasons_in_words(tallies: cx.Tallies, crossed: pd.DataFrame) -> None:
    made = str(show.crosstab(crossed, tallies.metrics, "channel"))
    assert '<small class="cx-worse"><span class="cx-sign" aria-hidden="true">▼</span> lower</small>' in made
    assert "Not in the table, hidden: fewer than 10 people answered: 1 (" in made
    assert "NPS by channel; 12 comparisons: all other metrics by channel and region" in made
    assert "described: no interval, no test" in made
    assert made.count(" base</th>") == len(METRICS)
    assert "north" not in made
    n = crossed[(crossed["metric"] == "nps") & (crossed["channel"] == "web")]["n"].iloc[0]
    assert f"<td>{n}</td>" in made


def test_names_are_text_and_one_level_is_nothing_to_compare() -> None:
    def table(*levels: str) -> str:
        frame = pd.DataFrame(
            [("a", level, i % 11) for level in levels for i in range(60)], columns=["wave", "p", "nps"]
        )
        tallies = cx.tally(cx.read(frame), ["nps"], by=["p"], period="wave", rest=True)
        return str(show.crosstab(cx.crosstab(tallies, "a", "p"), tallies.metrics, "p"))

    assert table("x") == '<p class="cx-none">There is nothing to compare a p with.</p>'
    assert "&lt;b&gt;" in table("<b>", "All")
    many = table(*(f"level {i:02d}" for i in range(15)))
    assert "The 12 with the most answers of 15" in many
    assert "level 11" in many
    assert "level 12" not in many


@pytest.fixture(scope="module")
def moved() -> cx.Report:
    """300 answers a channel and month: those of the web are low in both, those of the app fall in the second."""
    random = np.random.default_rng(2)
    rows = []
    for month, channel in ((m, c) for m in ("2026-09", "2026-10") for c in ("web", "phone", "app", "shop")):
        low = channel == "web" or (channel == "app" and month == "2026-10")
        scores = random.choice([0, 5, 7, 9, 10], 300, p=[0.4, 0.3, 0.1, 0.1, 0.1] if low else [0.1, 0.1, 0.2, 0.3, 0.3])
        rows += [
            (f"{month}-05", channel, score, random.integers(1, 6))
            for score in scores[: 12 if channel == "shop" else 300]
        ]
    mapping = {"kind": "transactional", "columns": {"time": "at"}, "items": {"nps": "nps", "csat": "csat"},
               "dimensions": {"channel": "channel"}}  # fmt: skip
    answers = pd.DataFrame(rows, columns=["at", "channel", "nps", "csat"])
    tallies = cx.tally(cx.read(answers, mapping), ["nps", "csat"], by=["channel"], rest=True)
    return cx.report(tallies, now="2026-10", before="2026-09", segments=["channel"])


def test_the_matrix_tells_what_differs_first_and_bases_beside_every_level(moved: cx.Report) -> None:
    lines = [[re.sub(r"<[^>]+>", "", cell).replace("\xa0", " ") for cell in re.findall(r"<t[hd].*?</t[hd]>", line)]
             for line in re.findall(r"<tr>.*?</tr>", str(moved.segment_scores()).partition("<figure")[0])]  # fmt: skip
    assert lines[0] == ["Level", "NPS", "CSAT"]
    assert lines[1] == ["Channel changed differently?", "yes", "–"]
    assert [line[0] for line in lines[2:]] == ["app n 300", "phone n 300", "web n 300", "shop n 12"]
    app, phone, web, shop = (line[1] for line in lines[2:])
    assert re.fullmatch(r"−\S+ −\S+ to −\S+, n 300 ▼ lower ▼ decreased differently", app)
    assert re.fullmatch(r"\d\S+ \d\S+ to \d\S+, n 300 ▲ higher", phone)
    assert re.fullmatch(r"−\S+ −\S+ to −\S+, n 300 ▼ lower", web)
    assert shop == "○"
    assert {line[2] for line in lines[2:5]} == {"–"}


def test_the_matrix_says_which_tests_were_corrected_together(moved: cx.Report) -> None:
    made = str(moved.segment_scores())
    assert "corrected for 1 test: NPS; 1 test: CSAT." in made
    assert "Corrected for 3 comparisons: NPS by channel; 3 comparisons: CSAT by channel." in made
    ids = re.findall(r'id="(changes-[^"]*)"', made)
    assert ids == ["changes-nps-channel", "changes-csat-channel"]  # to which findings lead


def test_the_lead_has_the_verdicts_that_it_has_alone(moved: cx.Report) -> None:
    alone = cx.alike(moved.tallies, moved.now, moved.before, ["channel"], metrics=["nps"], lead="nps")
    own = moved.parts[moved.parts["metric"] == "nps"].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.DataFrame(own), pd.DataFrame(alone))


def test_the_figure_of_the_segments_has_now_and_before(moved: cx.Report) -> None:
    figure = str(moved.segment_scores()).partition("<figure")[2]
    assert "Small dot: September 2026" in figure
    before = cx.estimate(moved.tallies, by=["channel"], periods=["2026-09"], metrics=["nps"])
    shown = moved.parts[moved.parts["metric"] == "nps"]
    assert shown["value_before"].tolist() == pytest.approx(before["value"].tolist())
