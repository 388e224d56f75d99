from __future__ import annotations

import pandas as pd
from present_made import HOSTILE, Words

from cxkit.metrics import METRICS
from cxkit.show import comments

NPS = METRICS["nps"]
COLUMNS = ["group", "comment", "note"]


def test_comments_stand_below_their_class_with_the_rule():
    frame = pd.DataFrame([("Detractors (0-6)", "Slow.", ""), ("Passives (7-8)", "Fine.", "")], columns=COLUMNS)
    text = Words(comments(frame, NPS)).text
    for words in ("Detractors (0-6), NPS", "Slow.", "Passives (7-8), NPS", "Picked by a fixed rule", "are masked"):
        assert words in text


def test_hostile_comments_are_text():
    frame = pd.DataFrame([("Detractors (0-6)", text, "") for text in HOSTILE], columns=COLUMNS)
    made = comments(frame, NPS)
    assert "<script" not in made
    assert "<img" not in made


def test_too_few_people_is_said_and_nothing_where_nothing_was_asked_for():
    few = pd.DataFrame([("", "", "not shown: fewer than 30 people answered")], columns=COLUMNS)
    assert Words(comments(few, NPS)).text == "Comments are not shown: fewer than 30 people answered."
    assert Words(comments(pd.DataFrame(columns=COLUMNS), NPS)).text == ""
