"""The sample is the same everywhere, holds what the catalogue of measures asks for, and its truth is found in it."""

from __future__ import annotations

import os
import subprocess
import sys
from inspect import getsource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cxkit.input.mapping import load_mapping
from cxkit.metrics import METRICS
from cxkit.sample.truth import DRIFT, MONTHS, PLANTED, SWAP, SWAP_NPS, TRUE_NPS
from cxkit.sample.write import EXPORTED, MAPPINGS, SEED, TIMEZONE, sample, write

FRAMES = sample()
BRANDS = tuple(TRUE_NPS)
RESPONSES, TICKETS, CUSTOMERS = (FRAMES[name] for name in ("responses", "tickets", "customers"))
MONTH = RESPONSES["time"].dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m")
BEFORE = {event.brand: event.month for event in (PLANTED, SWAP, DRIFT)}  # until then the score of the brand is constant
SCALES = {"nps": (0, 10), "tnps": (0, 10), "csat": (1, 5), "ces": (1, 7), "competitor_rating": (0, 10)}
PIECES = ("satisfaction", "retention", "product_solutions", "quality", "service", "implementation", "innovation",
          "lifecycle", "sales", "price_value")  # fmt: skip


def digest(frames: dict[str, pd.DataFrame]) -> str:
    """Imports for itself, because a fresh process runs its source."""
    import hashlib

    import pandas as pd

    parts = [pd.util.hash_pandas_object(frame).to_numpy().tobytes() for frame in frames.values()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def weighted_nps(rows: pd.DataFrame) -> float:
    valid = rows[rows["nps"].between(0, 10)]
    value = np.where(valid["nps"] >= 9, 100.0, np.where(valid["nps"] <= 6, -100.0, 0.0))
    return float(np.average(value, weights=valid["weight"]))


# The same everywhere --------------------------------------------------------------------------------------------------


def test_a_fresh_process_with_another_hash_seed_draws_the_same() -> None:
    then = "from cxkit.sample.write import sample\nprint(digest(sample()))"
    code = f"from __future__ import annotations\n{getsource(digest)}\n{then}"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(FRAMES)


def test_another_seed_draws_other_answers_of_the_same_shape() -> None:
    other = sample(SEED + 1)
    assert digest(other) != digest(FRAMES)
    assert {name: list(frame.dtypes.items()) for name, frame in other.items()} == {
        name: list(frame.dtypes.items()) for name, frame in FRAMES.items()
    }


def test_what_a_caller_does_to_the_sample_stays_with_the_caller() -> None:
    mine = sample()["responses"]
    mine["nps"] = 0
    assert sample()["responses"]["nps"].equals(RESPONSES["nps"])


# Counts ---------------------------------------------------------------------------------------------------------------


def test_size_and_time() -> None:
    assert 58_000 <= len(RESPONSES) <= 62_000
    assert sorted(MONTH.unique()) == list(MONTHS)
    assert len(MONTHS) == 24
    assert MONTHS[-1] == "2026-10"
    assert RESPONSES["time"].is_monotonic_increasing
    assert RESPONSES["time"].max() < EXPORTED
    # what a cut at midnight UTC would put into the wrong month
    assert (RESPONSES["time"].dt.strftime("%Y-%m") != MONTH).sum() > 50


def test_eight_brands_one_small_one_empty() -> None:
    counts = RESPONSES["brand"].value_counts().reindex(BRANDS, fill_value=0)
    assert len(BRANDS) == 8
    assert counts["Gildamar"] == 7
    assert counts["Hollistra"] == 0
    assert (counts[:6] > 4000).all()
    assert "&" in BRANDS[0]
    assert "ü" in BRANDS[0]


def test_the_small_brand_has_seven_valid_answers_in_the_last_month() -> None:
    small = RESPONSES[RESPONSES["brand"] == "Gildamar"]
    assert (MONTH[small.index] == MONTHS[-1]).all()
    assert small["respondent"].nunique() == 7
    for item in ("nps", "tnps", "csat", "ces"):
        low, high = SCALES[item]
        assert small[item].between(low, high).sum() == 7


def test_every_other_brand_has_a_base_in_every_month() -> None:
    valid = RESPONSES[RESPONSES["nps"].between(0, 10) & ~RESPONSES["brand"].eq("Gildamar")]
    valid = valid.assign(month=MONTH[valid.index]).drop_duplicates(["respondent", "month"])
    assert valid.groupby(["brand", "month"]).size().min() > 100


def test_customers_come_again_within_a_month_and_in_other_months() -> None:
    known = RESPONSES["respondent"].notna()
    pairs = pd.DataFrame({"respondent": RESPONSES["respondent"], "month": MONTH})[known]
    within = pairs.duplicated().mean()
    assert 0.03 < within < 0.15
    assert pairs.drop_duplicates().groupby("respondent").size().gt(1).mean() > 0.5
    assert 0.001 < (~known).mean() < 0.01


def test_refusals_and_blanks_are_there() -> None:
    for item, (low, high) in SCALES.items():
        codes = set(RESPONSES[item].dropna().unique())
        expected = {"csat": {99}, "ces": {99}, "nps": {11, 99}, "tnps": {11, 99}}.get(item, set())
        assert codes - set(range(low, high + 1)) == expected
    assert 20 < RESPONSES["nps"].eq(11).sum() < 150
    assert 100 < RESPONSES["nps"].eq(99).sum() < 1000
    assert 5 < RESPONSES["wait_time"].lt(0).sum() < 100
    assert RESPONSES[["nps", "region", "channel", "location", "respondent", "employee"]].isna().any().all()
    assert RESPONSES[["response", "time", "weight", "brand"]].notna().all().all()


def test_weights_are_positive_uneven_and_matter() -> None:
    weight = RESPONSES["weight"]
    assert weight.between(0.3, 4).all()
    assert weight.mean() == pytest.approx(1, abs=0.05)
    kish = weight.sum() ** 2 / (weight**2).sum() / len(weight)
    assert 0.7 < kish < 0.9
    for brand in BRANDS[:6]:
        rows = RESPONSES[RESPONSES["brand"] == brand]
        assert weighted_nps(rows.assign(weight=1.0)) > weighted_nps(rows)


# The truth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("brand", BRANDS[:6])
def test_the_true_score_is_in_the_sample(brand: str) -> None:
    rows = RESPONSES[(RESPONSES["brand"] == brand) & MONTH.lt(BEFORE.get(brand, "9999"))]
    assert weighted_nps(rows) == pytest.approx(TRUE_NPS[brand], abs=2.5)


@pytest.mark.parametrize("seed", [SEED, 1, 2, 3])
def test_the_planted_change_is_in_the_sample(seed: int) -> None:
    responses = sample(seed)["responses"]
    rows = responses[responses["brand"] == PLANTED.brand]
    month = rows["time"].dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m")
    change = weighted_nps(rows[month == PLANTED.month]) - weighted_nps(rows[month < PLANTED.month])
    assert PLANTED.after - PLANTED.before == -22
    # a month has about 450 effective answers, standard error about 4 points
    assert change == pytest.approx(-22, abs=3 * 4)


def test_the_truth_holds_over_many_months() -> None:
    """The months of a brand scatter around its true score as chance makes them, with no trend."""
    for brand in BRANDS[4:6]:
        rows = RESPONSES[RESPONSES["brand"] == brand]
        monthly = np.array([weighted_nps(part) for _, part in rows.groupby(MONTH[rows.index])])
        errors = monthly - TRUE_NPS[brand]
        slope = np.polyfit(np.arange(24), errors, 1)[0]
        # the standard error of a slope over 24 points is the monthly one over sqrt(1150)
        assert abs(slope) < 4 * errors.std() / np.sqrt(1150)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_a_swap_of_plans_moves_the_score_of_the_brand_and_of_no_plan(seed: int) -> None:
    responses = sample(seed)["responses"]
    rows = responses[responses["brand"] == SWAP.brand]
    after = rows["time"].dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m") == SWAP.month
    for plan, score in SWAP_NPS.items():
        assert weighted_nps(rows[(rows["plan"] == plan) & ~after]) == pytest.approx(score, abs=3.5)
    shares = [rows.loc[now, "plan"].value_counts(normalize=True) for now in (~after, after)]
    assert (shares[1] - shares[0])[[SWAP.target, SWAP.source]].tolist() == pytest.approx([0.3, -0.3], abs=0.06)
    # 450 answers in the month, of which the standard error is about 5 points
    assert weighted_nps(rows[after]) - weighted_nps(rows[~after]) == pytest.approx(-12, abs=3 * 5)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_one_brand_loses_a_point_a_month(seed: int) -> None:
    responses = sample(seed)["responses"]
    rows = responses[responses["brand"] == DRIFT.brand]
    month = rows["time"].dt.tz_convert(TIMEZONE).dt.strftime("%Y-%m")
    monthly = np.array([weighted_nps(rows[month == one]) for one in MONTHS[MONTHS.index(DRIFT.month) :]])
    slope = np.polyfit(np.arange(len(monthly)), monthly, 1)[0]
    assert slope == pytest.approx(
        DRIFT.step, abs=3 * 4.6 / np.sqrt(143)
    )  # a month's standard error is about 4.6 points


def test_price_complaints_rise_with_the_prices_and_satisfaction_does_not_fall() -> None:
    rows = RESPONSES[RESPONSES["brand"] == PLANTED.brand]
    after = MONTH[rows.index] == PLANTED.month
    complains = rows["price_complaint"].eq("yes").where(rows["price_complaint"].notna()).astype(float)
    assert complains[~after].mean() == pytest.approx(0.12, abs=0.02)
    assert complains[after].mean() == pytest.approx(0.30, abs=0.06)
    satisfied = rows["csat"].between(4, 5).where(rows["csat"].between(1, 5)).astype(float)
    assert satisfied[after].mean() == pytest.approx(satisfied[~after].mean(), abs=0.06)


# Every measure --------------------------------------------------------------------------------------------------------


def answered(column: str) -> set[object]:
    return set(RESPONSES[column].dropna().unique())


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        ("cared", {"yes", "no", "unsure"}),
        ("loyalty", {"helped", "no change", "hurt"}),
        ("recommended", {"yes", "no"}),
        ("exceeded", {"yes", "no"}),
        ("would_switch", {"yes", "no"}),
        ("price_complaint", {"yes", "no"}),
        ("emotion", {"angry", "annoyed", "neutral", "content", "delighted"}),
        ("contact_permission", {"yes", "no"}),
        ("moment", {"research", "pick", "pay", "use", "maintain"}),
        ("stage", {"before", "during", "after"}),
        ("channel", {"phone", "chat", "e-mail", "social", "messaging", "store", "web"}),
        ("channel_preferred", {"phone", "chat", "e-mail", "social", "messaging", "store", "web"}),
        ("human_or_bot", {"human", "bot", "self-service"}),
        ("age_group", {"18-29", "30-44", "45-59", "60+"}),
        ("region", {"N", "E", "S", "W"}),
        *((item, {1, 2, 3, 4, 5}) for item in ("expectation", "perceived", "knowledge", "friendliness")),
        *((f"piece_{piece}", {1, 2, 3, 4, 5}) for piece in PIECES),
    ],
)
def test_every_category_occurs_and_no_other(column: str, levels: set[object]) -> None:
    assert answered(column) == levels


def test_every_dimension_has_several_levels() -> None:
    for column in ("location", "touchpoint", "department", "employee", "manager"):
        assert len(answered(column)) >= 5
    assert {"order online", "chat", "store visit", "sales talk", "shipment", "browsing", "support call", "renewal"} <= (
        answered("touchpoint")
    )


def test_failure_reasons_are_several() -> None:
    several = RESPONSES["failure_reasons"].dropna().str.split(";")
    assert several.str.len().max() >= 3
    assert {reason for reasons in several for reason in reasons} >= {"price", "delivery", "waiting", "service"}
    assert all(len(set(reasons)) == len(reasons) for reasons in several)


def test_comments_fit_the_answers_and_need_escaping() -> None:
    said = RESPONSES[RESPONSES["comment"].notna()]
    assert 0.3 < len(said) / len(RESPONSES) < 0.4
    assert said["comment"].str.contains("<and", regex=False).any()
    assert said["comment"].str.contains("&", regex=False).any()
    unhappy = said["comment"].str.contains("nobody called back")
    assert said.loc[unhappy, "nps"].isin([11, 99, *range(7)]).sum() == said.loc[unhappy, "nps"].notna().sum()


def test_every_row_says_that_it_is_synthetic() -> None:
    for frame, column in ((RESPONSES, "response"), (TICKETS, "ticket"), (CUSTOMERS, "respondent")):
        assert frame[column].str.startswith("SYN-").all()
        assert frame[column].is_unique


# Tickets and customers ------------------------------------------------------------------------------------------------


def test_tickets_and_customers_join() -> None:
    assert RESPONSES["respondent"].dropna().isin(CUSTOMERS["respondent"]).all()
    assert TICKETS["respondent"].dropna().isin(CUSTOMERS["respondent"]).all()
    assert RESPONSES["ticket"].dropna().is_unique
    joined = RESPONSES.merge(TICKETS, on="ticket", suffixes=("", "_of_ticket"))
    assert len(joined) == RESPONSES["ticket"].notna().sum() > 10_000
    assert joined["respondent"].equals(joined["respondent_of_ticket"])
    assert joined["employee"].equals(joined["employee_of_ticket"])
    assert (joined["opened"] < joined["time"]).all()
    assert 0.3 < 1 - len(joined) / len(TICKETS) < 0.5  # tickets that nobody answered a survey about


def test_the_three_clocks() -> None:
    minutes = {
        name: (TICKETS[name] - TICKETS["opened"]).dt.total_seconds() / 60
        for name in ("first_reply", "first_resolution", "solved")
    }
    negative = minutes["first_reply"] < 0
    assert 3 < negative.sum() < 60
    known = minutes["solved"].notna()
    assert (minutes["first_resolution"][known] <= minutes["solved"][known]).all()
    later = TICKETS["reopened"].eq("yes") & known
    assert (minutes["solved"][later] > minutes["first_resolution"][later]).all()
    assert minutes["solved"].mean() > 2 * minutes["solved"].median()  # skewed, so that a mean misleads
    assert TICKETS["agent_minutes"].gt(0).all()


def test_some_tickets_are_open_and_nothing_is_known_after_the_export() -> None:
    still = TICKETS["solved"].isna()
    assert 0.005 < still.mean() < 0.05
    recent = TICKETS["opened"] > EXPORTED - pd.Timedelta(days=1)
    assert still[recent].mean() > 5 * still[~recent].mean()
    assert TICKETS[["opened", "first_reply", "first_resolution", "solved"]].max().max() <= EXPORTED


def test_three_observers_of_care_and_the_rating_of_the_help_desk() -> None:
    for column in ("cared_manager", "cared_employee"):
        assert set(TICKETS[column].dropna().unique()) == {"yes", "no", "unsure"}
    assert set(TICKETS["rating"].dropna().unique()) == {"Good", "Bad", "Offered"}


def test_customers_join_stay_and_leave() -> None:
    assert set(CUSTOMERS["plan"].unique()) == {"basic", "plus", "premium"}
    lost = CUSTOMERS["churned"].eq("yes")
    assert 0.1 < lost.mean() < 0.5
    assert CUSTOMERS["churned_on"].notna().equals(lost)
    assert (CUSTOMERS["churned_on"] >= CUSTOMERS["joined"])[lost].all()
    assert CUSTOMERS["tenure_months"].ge(0).all()
    assert CUSTOMERS["brand"].isin(BRANDS).all()
    assert CUSTOMERS["brand"].eq("Hollistra").any()
    inside = RESPONSES.merge(CUSTOMERS, on="respondent", suffixes=("", "_of_customer"))
    day = inside["time"].dt.strftime("%Y-%m-%d")
    assert (day >= inside["joined"]).all()
    assert (day <= inside["churned_on"])[inside["churned_on"].notna()].all()
    assert inside["brand"].equals(inside["brand_of_customer"])


# The files ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write(tmp_path_factory.mktemp("sample") / "new" / "folder")


def test_written_files_hold_the_sample_and_its_mapping(files: list[Path]) -> None:
    names = ["responses.csv", "tickets.csv", "customers.csv", "mapping.yaml", "tickets.yaml", "customers.yaml"]
    assert [path.name for path in files] == names
    read = pd.read_csv(files[0], dtype="str", keep_default_na=False)
    assert list(read.columns) == list(RESPONSES.columns)
    assert len(read) == len(RESPONSES)
    assert set(read["nps"]) == {"", "99", *map(str, range(12))}
    assert (pd.to_datetime(read["time"]) == RESPONSES["time"]).all()
    assert files[3].read_text(encoding="utf-8") == MAPPINGS["responses"].read_text(encoding="utf-8")
    assert files[4].read_text(encoding="utf-8") == MAPPINGS["tickets"].read_text(encoding="utf-8")


def test_writing_again_gives_the_same_bytes(files: list[Path], tmp_path: Path) -> None:
    assert [path.read_bytes() for path in write(tmp_path)] == [path.read_bytes() for path in files]


def test_the_mapping_fits_the_sample() -> None:
    mapping = load_mapping(MAPPINGS["responses"])
    columns = [item.column for item in mapping.items.values()] + [one.column for one in mapping.dimensions.values()]
    assert {*columns, *mapping.columns.named().values()} <= set(RESPONSES.columns)
    assert mapping.timezone == TIMEZONE
    assert mapping.dimensions["brand"].values == list(BRANDS)
    asked = {metric.item for metric in METRICS.values()}
    from_tickets = {"resolved", "churn", "first_response", "first_resolution", "full_resolution", "handling_time"}
    own = {name for name, item in mapping.items.items() if item.measure}
    assert set(mapping.items) - own == asked - from_tickets
    assert {name for name in set(mapping.items) - own if mapping.kind_of(name) == "relationship"} == {
        "nps", "recommended", "would_switch",
    }  # fmt: skip
    unread = set(RESPONSES.columns) - {*columns, *mapping.columns.named().values()}
    assert unread == {"failure_reasons", "ticket"}


def test_the_labels_of_the_mapping_are_the_answers_of_the_sample() -> None:
    for name, item in yaml.safe_load(MAPPINGS["responses"].read_text(encoding="utf-8"))["items"].items():
        if "labels" in item:
            assert set(item["labels"]) == answered(item["column"]), name
