"""Planning tables, against the sizes that are published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.power import TTestIndPower
from typer.testing import CliRunner

import cxkit as cx
from cxkit.analysis.planning import answers_needed, detectable_changes
from cxkit.cli import app
from cxkit.errors import CxError


def test_two_shares_need_what_the_formula_gives_by_hand():
    # (1.959964 + .841621)^2 (.25 + .25) / .2^2 = 98.1, by hand, rounded up
    needed = answers_needed("csat", 20, families=[1], powers=[0.8])
    assert needed["n"].item() == 99
    # From 50 %, in either direction: .25 + .7 * .3 in place of .25 + .25, so 90.3, and with t (178 degrees) for z 91.4.
    assert answers_needed("csat", 20, share=50, families=[1], powers=[0.8])["n"].item() == 92


@pytest.mark.parametrize(("metric", "variance"), [("nps", 0.67), ("csat", 0.25)])
def test_what_can_be_seen_with_the_usual_spread_is_the_textbook_s(metric, variance):
    """(z of alpha / comparisons + z of power) sqrt(2 V / n), in points; by scipy."""
    table = detectable_changes(metric, power=0.9, level=0.9)
    assert table["n"].unique().tolist() == [30, 50, 100, 200, 300, 500, 1000, 2000, 5000]
    assert table["comparisons"].unique().tolist() == [1, 5, 10, 20]
    z = norm.isf(0.1 / table["comparisons"] / 2) + norm.isf(0.1)
    assert table["detectable"].to_numpy() == pytest.approx(100 * z * (2 * variance / table["n"]) ** 0.5, rel=1e-9)
    assert answers_needed(metric, 20)["power"].unique().tolist() == [0.8, 0.9]


@pytest.mark.parametrize("n", [5, 30, 400])
def test_a_mean_needs_what_a_t_test_needs(n):
    """statsmodels.stats.power.TTestIndPower, by the noncentral t."""
    size = TTestIndPower().solve_power(nobs1=n, alpha=0.05 / 5, power=0.8)
    found = detectable_changes("ces", sd=0.8, bases=[n], families=[5])["detectable"].item()
    assert found == pytest.approx(0.8 * size, rel=0.05 if n == 5 else 0.005)


def test_more_comparisons_and_more_power_need_more_answers():
    needed = answers_needed("nps", 5).pivot(index="comparisons", columns="power", values="n")
    assert needed.index.is_monotonic_increasing
    assert needed[0.8].is_monotonic_increasing
    assert (needed[0.9] > needed[0.8]).all()


def test_what_is_needed_is_just_what_can_be_detected():
    n = answers_needed("nps", 8, families=[3], powers=[0.8])["n"].item()
    seen = detectable_changes("nps", bases=[n - 1, n], families=[3])["detectable"]
    assert seen.iloc[0] > 8 >= seen.iloc[1]


@given(
    shares=st.tuples(st.integers(1, 60), st.integers(0, 60), st.integers(1, 60)),
    change=st.floats(3, 40),
    family=st.sampled_from([1, 5, 20]),
)
@settings(max_examples=25)
def test_a_plan_is_the_inverse_of_a_promise(shares, change, family) -> None:
    percent = [100 * part / sum(shares) for part in shares]
    n = answers_needed("nps", change, shares=percent, families=[family], powers=[0.8])["n"].item()
    now, before = detectable_changes("nps", shares=percent, bases=[n, n - 1], families=[family])["detectable"]
    assert now <= change * (1 + 1e-9)
    assert n == 2 or not before <= change


def test_a_plan_says_what_a_page_says() -> None:
    answers = [3] * 20 + [8] * 60 + [10] * 320
    page = cx.change("nps", answers, answers).detectable
    planned = detectable_changes("nps", shares=[5, 15, 80], bases=[400], families=[1])["detectable"].item()
    assert planned == pytest.approx(page, rel=1e-9)


UNSOUND = [(20, 30, 40), (20, 30, 49), (20, 30, 51), (-1, 51, 50), (50, 50), (20, 30, 25, 25)]


@pytest.mark.parametrize("asked", [{"shares": (20, 30, 49.5)}, {"shares": (20, 30, 50.5)}, {"shares": (0, 50, 50)}, {}])
def test_rounded_shares_an_empty_class_and_the_whole_scale_can_be_planned(asked):
    assert answers_needed("nps", 200 if not asked else 20, families=[1], **asked)["n"].gt(1).all()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"metric": "npss"}, "did you mean 'nps'"),
        ({"metric": "nps", "change": 0}, "more than 0"),
        ({"metric": "nps", "change": 201}, "at most 200"),
        ({"metric": "ces"}, "standard deviation"),
        ({"metric": "nps", "sd": 1}, "sd: is for means"),
        ({"metric": "csat", "shares": (20, 30, 50)}, "shares: is for net scores"),
        *(({"metric": "ces", "sd": sd}, "above 0") for sd in (0.0, -1.0, float("inf"), float("nan"))),
        *(({"metric": "nps", "shares": shares}, "100 together") for shares in UNSOUND),
        ({"metric": "csat", "share": 0}, "between 0 and 100"),
        ({"metric": "csat", "share": 100}, "between 0 and 100"),
        ({"metric": "wait_time"}, "no plan"),
    ],
)
def test_what_cannot_be_planned_is_refused(asked, words):
    with pytest.raises(CxError, match=words):
        answers_needed(**{"change": 5, **asked})


def test_the_command_prints_both_tables():
    result = CliRunner().invoke(app, ["plan", "--metric", "nps", "--change", "5"])
    assert result.exit_code == 0
    assert "4,207" in result.stdout
    assert "Smallest change" in result.stdout


def test_the_command_refuses_in_words():
    result = CliRunner().invoke(app, ["plan", "--metric", "ces", "--change", "1"])
    assert result.exit_code == 2
    assert "standard deviation" in result.output
