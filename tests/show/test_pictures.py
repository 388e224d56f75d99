"""seaborn and matplotlib on a page: the intervals of the kit, equal bytes each time, words beside the picture."""

from __future__ import annotations

import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import cxkit as cx
from cxkit import show

mpl.use("agg")


@pytest.fixture(autouse=True)
def closed():
    with mpl.rc_context():
        yield
    plt.close("all")


def frame(**columns: object) -> pd.DataFrame:
    rows = {"metric": "nps", "period": ["1", "2", "3"], "n": [50, 9, 40], "n_judged": [50, 9, 40],
            "value": [10.0, 20.0, np.nan], "low": [5.0, np.nan, np.nan], "high": [15.0, 50.0, np.nan]}  # fmt: skip
    return pd.DataFrame(rows | columns)


def test_dots_and_limits_are_those_of_the_frame() -> None:
    grid = show.intervals(frame(), "period")
    first, second = grid.ax.containers  # the third has no number
    assert [list(first[0].get_xydata()[0]), list(second[0].get_xydata()[0])] == [[0, 10], [1, 20]]
    ends = [sorted(point[1] for point in container[2][0].get_segments()[0]) for container in (first, second)]
    assert ends == [[5, 15], [20, 50]]  # an absent limit leaves its side out
    assert mpl.colors.to_hex(second[0].get_markerfacecolor()) == "#ffffff"  # hollow: too few for a verdict
    assert mpl.colors.to_hex(first[0].get_markerfacecolor()) != "#ffffff"


def test_panels_hues_and_changes() -> None:
    tallies = cx.tally(cx.read("sample"), ["nps", "csat"], by=["brand"])
    moves = cx.compare(tallies, "2026-10", "2026-09", by=["brand"])
    grid = show.intervals(moves, "brand", col="metric")
    assert list(grid.axes_dict) == ["nps", "csat"]
    assert all(
        any(line.get_ydata()[0] == 0 == line.get_ydata()[-1] for line in ax.lines) for ax in grid.axes_dict.values()
    )
    scores = cx.estimate(tallies, by=["brand"], periods=["2026-09", "2026-10"], metrics=["nps"])
    grid = show.intervals(scores, "period", hue="brand")
    assert len(grid.legend.texts) == scores.loc[scores["value"].notna(), "brand"].nunique()


@pytest.mark.parametrize(("given", "words"), [
    ({"x": "perod"}, "the frame has no column 'perod'; did you mean 'period'?"),
    ({"x": "period", "hue": "brand"}, "the frame has no column 'brand'"),
])  # fmt: skip
def test_a_column_that_is_none_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(cx.CxError, match=re.escape(words)):
        show.intervals(frame(), **given)
    with pytest.raises(cx.CxError, match="no row with a number"):
        show.intervals(frame(value=np.nan), "period")


DRAWN = """
from matplotlib import pyplot as plt
from cxkit import show
show.theme()
_, ax = plt.subplots()
ax.plot([1, 2], [3, 4], label="a"); ax.legend()
print(str(show.figure(ax, "Rise", 'It rises from 3 to "4".')))
"""


def test_a_figure_is_the_same_in_every_process_and_is_shown_once() -> None:
    made = {
        subprocess.run(
            [sys.executable, "-c", DRAWN],
            capture_output=True,
            text=True,
            check=True,
            env={"MPLBACKEND": "agg", "PATH": ""},
        ).stdout
        for _ in range(2)
    }
    assert len(made) == 1
    (page,) = made
    assert 'alt="It rises from 3 to &quot;4&quot;."' in page
    assert page.startswith('<figure id="figure-rise')
    figure, ax = plt.subplots()
    show.figure(ax, "x", "y")
    assert not plt.fignum_exists(figure.number)


def test_what_is_no_figure_or_has_no_words_is_refused() -> None:
    with pytest.raises(cx.CxError, match="expected a figure, axes or grid, found list"):
        show.figure([1], "x", "y")
    with pytest.raises(cx.CxError, match="expected a description"):
        show.figure(plt.figure(), "x", " ")


def test_show_alone_loads_neither_library() -> None:
    code = "import sys; from cxkit import show; print(sorted({'seaborn', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
