from __future__ import annotations

import pytest
from present_made import comparison, plain

from cxkit.metrics import METRICS
from cxkit.show import verdicts
from cxkit.show.rows import Row

NPS, CSAT, CHURN, HANDLING = (METRICS[name] for name in ("nps", "csat", "churn", "handling_time"))


def row(*args: object, **rest: object) -> Row:
    made = comparison(*args, **rest)
    return {key: None if value != value else value for key, value in made.items()}


@pytest.mark.parametrize(
    ("metric", "change", "expected"),
    [
        (NPS, 8.0, ("▲", "increased", "better")),
        (NPS, -8.0, ("▼", "decreased", "worse")),
        (CHURN, 3.0, ("▲", "increased (worse)", "worse")),
        (CHURN, -3.0, ("▼", "decreased (better)", "better")),
        (HANDLING, 3.0, ("▲", "increased", "moved")),
    ],
)
def test_a_change_has_sign_words_and_tone(metric, change, expected):
    assert verdicts.verdict(row(metric.name, change, 2.0, "changed"), metric) == expected


def test_without_evidence_nothing_is_said_to_have_moved():
    found = row("nps", -4.0, 9.0, "no evidence")
    assert verdicts.verdict(found, NPS) == ("–", "no evidence of change", "none")
    said = verdicts.claim(found, NPS) + verdicts.proof(found, NPS)
    assert "could be missed" in said
    assert not {"increased", "decreased", "changed"} & set(said.replace(",", " ").split())


def test_a_change_that_the_correction_takes_away_is_named_and_its_interval_labelled():
    # area C of the airport survey: raw p about .011, Holm over seven about .075
    found = row("nps", -20.1, 15.0, "no evidence", pvalue=0.011, pvalue_adj=0.075, family=7)
    assert verdicts.corrected_away(found)
    assert verdicts.verdict(found, NPS).words == "not distinguishable after correction for 7 comparisons"
    assert verdicts.claim(found, NPS) == "NPS: not distinguishable from 2026-09 after correction for 7 comparisons"
    assert verdicts.interval(found, NPS) == "95% interval of this comparison alone −35 to −5"
    assert verdicts.span(found, NPS) == "−35 to −5 (alone)"
    assert plain(verdicts.corrected(found)) == "adjusted p = .075 for 7 comparisons: NPS by brand (p = .011 alone)"
    assert "could be missed" in verdicts.proof(found, NPS)


def test_too_few_says_what_is_needed_and_gives_no_change():
    found = row("nps", None, 1.0, "too few")
    assert verdicts.claim(found, NPS) == "NPS: too few answers to say"
    said = plain(verdicts.proof(found, NPS))
    assert said.startswith("An effective base of 30 is needed in both periods; n 22 in 2026-10")
    assert verdicts.short(found, NPS) == "none"


def test_many_answers_are_never_too_few():
    bases = {"n": 1301.0, "n_before": 1250.0, "reason": "one cluster"}
    one = row("nps", None, 1.0, "too few", **bases, note="now: all answers come from one cluster")
    assert verdicts.claim(one, NPS) == "NPS: answers worth too little to say"
    assert verdicts.proof(one, NPS).startswith("Now: all answers come from one cluster; n")
    assert verdicts.tally([one]) == "Of 1 comparison, 1 has answers worth too little to say."


def test_percentages_change_by_percentage_points():
    found = row("csat", -1.3, 3.4, "no evidence")
    assert verdicts.change(found, CSAT) == "−1.3 percentage points"
    assert verdicts.short(found, CSAT) == "−1.3 pp"
    assert verdicts.detectable(found, CSAT) == "a change under about 4.9 percentage points could be missed"


def test_what_cannot_be_detected_is_not_invented():
    assert (
        verdicts.detectable(row("nps", 1.0, 5.0, "no evidence", detectable=None), NPS) == "any change could be missed"
    )
    assert verdicts.could(row("nps", 1.0, 5.0, "no evidence", detectable=None), NPS) == "none"
    assert verdicts.could(row("nps", 9.0, 5.0, "changed"), NPS) == ""


def test_the_tally_counts_every_comparison_and_why_nothing_is_said_of_some():
    kinds = ["changed", "changed", "no evidence", None]
    why = ["few answers", "few people", "no answers", "given away"]
    found = [*({"verdict": kind} for kind in kinds), *({"verdict": "too few", "reason": code} for code in why)]
    assert verdicts.tally(found) == (
        "Of 8 comparisons, 2 show a change; 1 shows no evidence of change; 1 has too few answers to say; 1 is hidden; "
        "1 is hidden to protect a smaller group; 1 has nobody to compare; 1 could not be made."
    )


def test_reach_spans_the_detectable_changes():
    rows = [{"verdict": "no evidence", "detectable": 3.0}, {"verdict": "changed", "detectable": 1.0}]
    assert (
        verdicts.reach(rows, CSAT)
        == "With no evidence of change, a change under about 3.0 percentage points could be missed."
    )
    assert verdicts.reach([], NPS) == ""


def test_a_large_group_hidden_for_a_small_one_is_not_called_too_few():
    row = {"verdict": "too few", "change": None, "reason": "given away", "reason_side": "before"}
    assert verdicts.verdict(row, NPS).words == "hidden to protect a smaller group"
    own = {"verdict": "too few", "change": None, "reason": "few people", "reason_side": "now"}
    assert verdicts.verdict(own, NPS).words == "hidden"
