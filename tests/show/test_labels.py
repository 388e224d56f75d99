from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from present_made import ENDLESS, HOSTILE

from cxkit.show.html import clean
from cxkit.show.labels import lines, plural, together, width

TEAMS = [
    f"Customer service centre, region {('North', 'South')[i % 2]}, team number {i:02d}, specialised in complaints"
    for i in range(36)
]
FIRMS = [f"Vereinigte Norddeutsche Versicherungs- und Finanzgesellschaft {city} mbH & Co. KG auf Aktien"
         for city in ("Hamburg", "Hannover")]  # fmt: skip


@pytest.mark.parametrize(
    "names", [TEAMS, FIRMS, HOSTILE, [ENDLESS + str(i) for i in range(5)], ["x" * n for n in range(50, 60)]]
)
def test_names_of_a_set_stay_apart_in_any_room(names):
    for limit in (10, 20, 34, 60):
        short = together(names, limit)
        assert len(set(short.values())) == len(names)
        assert max(map(len, short.values())) <= limit


def test_what_tells_names_apart_can_be_read():
    assert [text[:18] for text in together(FIRMS).values()] == ["Vereinig…Hamburg m", "Vereinig…Hannover "]
    assert together([*TEAMS, "A"])[TEAMS[1]].startswith("Customer…South, team number 01")
    assert together(["North", "South"]) == {"North": "North", "South": "South"}


@given(st.lists(st.text(st.sampled_from("ab -…\u202e\u2069"), max_size=60), max_size=12), st.integers(9, 34))
def test_any_names_that_differ_stay_apart(names, limit):
    short = together(names, limit)
    assert set(short) == set(names)
    assert len(set(short.values())) == len(set(map(clean, names)))
    assert all(len(text) <= limit for text in short.values())


def test_numbers_are_the_last_resort():
    assert list(together(["a" * 40 + "b" * n for n in (1, 2, 3)], 8).values()) == ["aaaaaaa…", "aaa… (2)", "aaa… (3)"]


@given(st.text(max_size=34))
def test_lines_hold_the_whole_label(label):
    found = lines(label)
    assert len(found) <= 2
    assert "".join(found).replace(" ", "") == clean(label).replace(" ", "") or not label.isprintable()


def test_wide_characters_take_the_room_of_two():
    firm = "株式会社東京海上日動火災保険ホールディングスカスタマーエクスペリエンス"
    assert width(together([firm])[firm]) <= 20


@pytest.mark.parametrize(
    ("column", "said"),
    [("team", "teams"), ("branch", "branches"), ("country", "countries"), ("product_category", "product categories"),
     ("staff", "levels of staff"), ("Marke", "levels of Marke")],
)  # fmt: skip
def test_only_of_common_nouns_a_plural_is_made(column, said):
    assert plural(column) == said
