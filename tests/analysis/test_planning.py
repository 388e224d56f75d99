"""Planning tables, against the sizes that are published."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cxkit.analysis.planning import answers_needed, detectable_changes
from cxkit.cli import app
from cxkit.errors import CxError


def test_two_shares_need_what_the_formula_gives_by_hand():
    # (1.959964 + .841621)^2 (.25 + .25) / .2^2 = 98.1, by hand, rounded up
    needed = answers_needed("csat", 20, share=50, families=[1], powers=[0.8])
    assert needed["n"].item() == 99


def test_more_comparisons_and_more_power_need_more_answers():
    needed = answers_needed("nps", 5).pivot(index="comparisons", columns="power", values="n")
    assert needed.index.is_monotonic_increasing
    assert needed[0.8].is_monotonic_increasing
    assert (needed[0.9] > needed[0.8]).all()


def test_what_is_needed_is_just_what_can_be_detected():
    n = answers_needed("nps", 8, families=[3], powers=[0.8])["n"].item()
    seen = detectable_changes("nps", bases=[n - 1, n], families=[3])["detectable"]
    assert seen.iloc[0] > 8 >= seen.iloc[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"metric": "npss"}, "did you mean 'nps'"),
        ({"metric": "nps", "change": 0}, "more than 0"),
        ({"metric": "nps", "change": 201}, "at most 200"),
        ({"metric": "ces"}, "standard deviation"),
        ({"metric": "nps", "sd": 1}, "sd: is for means"),
        ({"metric": "csat", "share": 100}, "between 0 and 100"),
        ({"metric": "wait_time"}, "no plan"),
    ],
)
def test_what_cannot_be_planned_is_refused(given, words):
    with pytest.raises(CxError, match=words):
        answers_needed(**{"change": 5, **given})


def test_the_command_prints_both_tables():
    result = CliRunner().invoke(app, ["plan", "--metric", "nps", "--change", "5"])
    assert result.exit_code == 0
    assert "4,207" in result.stdout
    assert "Smallest change" in result.stdout


def test_the_command_refuses_in_words():
    result = CliRunner().invoke(app, ["plan", "--metric", "ces", "--change", "1"])
    assert result.exit_code == 2
    assert "standard deviation" in result.output
