from __future__ import annotations

import re

import pytest

from cxkit.present.canvas import axes, dots, put, stroke
from cxkit.present.svg import _path, svg


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ("M 40 166.92 L 418 166.94", "M40 166.9h378"),
        ("M 0.52 1 L 0.52 -3.04", "M.5 1v-4"),
        ("M 3.04 4 L 3.04 4 M 5 4 L 5 4", "M3 4h0M5 4h0"),
        ("M 0 0 \nL 10 0.5 \nL 9.5 10 \nL 0 0 z \n", "M0 0l10 .5-.5 9.5-9.5-10z"),
        ("M 0 0 L 5 0 L 7 0 L 7 2", "M0 0h5 2v2"),
        ("M 0 2.54 C 0.7 2.5 1.3 2.2 1.8 1.8 z", "M0 2.5C0.7 2.5 1.3 2.2 1.8 1.8z"),
    ],
)
def test_paths_of_straight_lines_are_written_as_short_ways(given, short):
    assert _path(given) == short


def test_what_looks_alike_is_written_together():
    def draw():
        figure, ax = axes(40, 10, 10)
        dots(ax, [0, 0.5, 1], [0, 1, 0], "line")
        stroke(ax, [0, 1], [0, 0], "rule")
        for x in (0.0, 0.5, 1.0):
            put(ax, x, 0, "bold", bold=True)
            put(ax, x, 0, "small", small=True, role="muted", halo=True)
        return figure

    made = svg(draw, "key", "title", "words")
    assert len(re.findall("<path", made)) == 2  # all dots are one
    assert len(re.findall("h0", made)) == 3
    assert re.findall(r'<g [^>]*class="([^"]*)"', made) == ["cx-b", "cx-sm"]
    assert made.count("paint-order:stroke") == 1
