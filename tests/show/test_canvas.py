from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.show.svg import Canvas, path, ticks


@pytest.mark.parametrize(
    ("points", "closed", "short"),
    [
        ([(40, 166.92), (418, 166.94)], False, "M40 166.9h378"),
        ([(0.52, 1), (0.52, -3.04)], False, "M.5 1v-4"),
        ([(3.04, 4), (3.04, 4)], False, "M3 4h0"),
        ([(0, 0), (10, 0.5), (9.5, 10)], True, "M0 0l10 .5-.5 9.5z"),
        ([(0, 0), (5, 0), (7, 0), (7, 2)], False, "M0 0h5 2v2"),
    ],
)
def test_straight_lines_are_written_as_short_ways(points, closed, short):
    assert path(points, closed) == short


@given(st.lists(st.tuples(st.floats(-999, 999), st.floats(-999, 999)), min_size=1, max_size=20))
def test_a_path_passes_within_a_tenth_of_its_points(points):
    x, y, passed = 0.0, 0.0, []
    for letter, numbers in re.findall(r"([Mlhv])([^Mlhv]*)", path(points)):
        found = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        for a, b in zip(found[::2], found[1::2], strict=True) if letter in "Ml" else [(v, v) for v in found]:
            x = a if letter == "M" else x + a * (letter in "lh")
            y = b if letter == "M" else y + b * (letter in "lv")
            passed.append((x, y))
    np.testing.assert_allclose(passed, points, atol=0.051)


@given(st.floats(-1000, 1000), st.floats(0.01, 1000), st.integers(3, 6))
def test_ticks_are_few_round_and_evenly_spaced(low, width, most):
    found = ticks(low, low + width, most)
    assert 2 <= len(found) <= most + 1
    assert all(low - 1e-6 <= x <= low + width + 1e-6 for x in found)
    step = found[1] - found[0]
    np.testing.assert_allclose(np.diff(found), step)
    digits = float(f"{step:e}".partition("e")[0])
    assert min(abs(digits - size) for size in (1, 2, 2.5, 5, 10)) < 1e-6
    np.testing.assert_allclose(np.round(np.array(found) / step), np.array(found) / step, atol=1e-6)


def test_what_looks_alike_is_written_together():
    ax = Canvas(40, 10, 10, x=(0, 1), y=(0, 1))
    ax.dots([0, 0.5, 1], [0, 1, 0], "line")
    ax.line([0, 1], [0, 0], "rule")
    for x in (0.0, 0.5, 1.0):
        ax.text(x, 0, "bold", bold=True)
        ax.text(x, 0, "small", small=True, role="muted", halo=True)
    made = ax.svg("key", "title", "words")
    assert len(re.findall("<path", made)) == 2  # all dots are one
    assert len(re.findall("h0", made)) == 3
    assert re.findall(r'<g [^>]*class="([^"]*)"', made) == ["cx-b", "cx-sm"]
    assert made.count("paint-order:stroke") == 1


def test_points_stand_where_the_scales_put_them():
    ax = Canvas(100, 60, 100, top=10, bottom=20, x=(0, 100), y=(-1, 1))
    assert ax.room == 200
    assert ax.at(50, 0) == (160, 45)
    ax.box((0, 50), (-1, 0), "good", gap=1)
    ax.text(100, 1, "<end>", ha="right", shift=(-3, 2))
    drawn = ElementTree.fromstring(ax.svg("key", "t", "d").replace("font_size", "font-size"))
    shape, words = drawn[2], drawn[3][0]
    assert shape.get("d") == "M61 46h98v33h-98z"
    assert (words.text, words.get("x"), words.get("y")) == ("<end>", "257", "10.8")
