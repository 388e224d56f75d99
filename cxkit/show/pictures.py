"""seaborn and matplotlib on pages: colours of the kit, intervals that are computed already, any figure with its words.

They are the analyst's canvas, and are loaded when something is drawn.
"""

from __future__ import annotations

import io
import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cxkit.errors import CxError, nearest
from cxkit.show.html import Html, clean, plain, slug, tag
from cxkit.show.rows import rows
from cxkit.show.svg import CSS
from cxkit.show.wording import is_small

ROLES = ("line", "bad", "mid", "ink", "faint")
INK = "#1c2126"
APART = 0.16  # of the way to the next value on the axis, between the marks of two hues


def theme() -> None:
    """Give seaborn and matplotlib the colours and the quiet axes of the kit's pages."""
    import seaborn

    rule, ink, muted = map(_colour, ("rule", "ink", "muted"))
    seaborn.set_theme(style="whitegrid", palette=list(map(_colour, ROLES)), rc={
        "axes.edgecolor": rule, "grid.color": rule, "text.color": ink, "axes.labelcolor": muted, "xtick.color": muted,
        "ytick.color": muted, "axes.spines.top": False, "axes.spines.right": False,
    })  # fmt: skip


def _colour(role: str) -> str:
    """The colour of a role on a light page; ink is there what the browser has."""
    found = re.search(r"#\w+", CSS[role])
    return found[0] if found else INK


def intervals(
    frame: pd.DataFrame, x: str, *, hue: str | None = None, col: str | None = None, **facets: Any
) -> Any:  # fmt: skip
    """The intervals of a frame as a grid of seaborn, which would compute intervals of its own from answers.

    Args:
        frame: Estimates (value, low, high), comparisons (change) or contrasts (difference).
        x: Column along the axis, in the order of the frame.
        hue: Column that is told by colour.
        col: Column of which each value has a panel of its own.
        facets: What else `seaborn.FacetGrid` takes, such as `height` or `col_wrap`.

    Returns:
        A `seaborn.FacetGrid`: filled dots have enough answers for a verdict, hollow ones have not; what has no number
        is left out.

    Raises:
        CxError: A column that the frame does not have, or no row with a number.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> grid = intervals(cx.estimate(tallies, by=["brand"], periods=["2026-10"]), "brand")
    >>> len(grid.ax.containers)  # a dot with its line for each of six brands with enough answers, and one hollow
    7
    """
    import seaborn

    value = next(
        (name for name in ("change", "difference", "value") if name in frame and frame[name].notna().any()), ""
    )
    if not value:
        raise CxError("intervals: the frame has no row with a number in value, change or difference")
    for name in filter(None, (x, hue, col)):
        if name not in frame:
            raise CxError(f"intervals: the frame has no column {name!r}; {nearest(name, map(str, frame.columns))}")
    shown = frame[frame[value].notna()]
    shown = shown.assign(small_=list(map(is_small, rows(shown))))
    grid = seaborn.FacetGrid(shown, col=col, sharey=col is None or value != "value", **facets)
    places = {key: at for at, key in enumerate(dict.fromkeys(shown[x]))}
    hues: list[Any] = list(dict.fromkeys(shown[hue])) if hue else [None]
    colours = seaborn.color_palette(n_colors=len(hues))
    for panel, ax in grid.axes_dict.items() if col else [(None, grid.ax)]:
        part = shown if panel is None else shown[shown[col] == panel]
        for number, one in enumerate(hues):
            own = part if one is None else part[part[hue] == one]
            _marks(
                ax,
                own,
                value,
                [places[key] + APART * (number - (len(hues) - 1) / 2) for key in own[x]],
                colours[number],
            )
        if value != "value":
            ax.axhline(0, color=INK, linewidth=1)
        ax.set_xticks(list(places.values()), [plain(key, 18) for key in places], rotation=45, ha="right")
    grid.set_axis_labels(x.replace("_", " "), value)
    if hue:
        _legend(grid, [plain(one, 30) for one in hues], colours)
    return grid


def _marks(ax: Any, part: pd.DataFrame, value: str, at: Sequence[float], colour: Any) -> None:
    """Dots with their intervals; an absent limit leaves its side out."""
    for place, row in zip(at, rows(part), strict=True):
        ends = [row[value] if row.get(end) is None else row[end] for end in ("low", "high")]
        arms = np.array([[max(row[value] - ends[0], 0.0)], [max(ends[1] - row[value], 0.0)]])
        fill = "#ffffff" if row["small_"] else colour
        ax.errorbar(
            [place], [row[value]], arms, fmt="o", color=colour, markerfacecolor=fill, markersize=5, linewidth=1.6
        )


def _legend(grid: Any, names: Sequence[str], colours: Sequence[Any]) -> None:
    from matplotlib.lines import Line2D

    marks = [Line2D([], [], color=colour, marker="o") for colour in colours]
    grid.add_legend(dict(zip(names, marks, strict=True)))


def figure(drawn: Any, title: str, description: str) -> Html:
    """A figure of matplotlib or seaborn for a page: as SVG, the same bytes for the same drawing, with words for it.

    Args:
        drawn: A figure, axes or grid. The figure is closed, so that it is not shown twice.
        title: What it shows.
        description: What a reader is told who does not see it: the finding and its numbers.

    Raises:
        CxError: Something that is no figure, or no description.

    >>> from matplotlib.figure import Figure
    >>> drawn = Figure(); _ = drawn.subplots().plot([1, 2], [3, 4])
    >>> 'alt="It rises from 3 to 4."' in figure(drawn, "Rise", "It rises from 3 to 4.")
    True
    """
    import matplotlib as mpl
    from matplotlib import pyplot

    made = getattr(drawn, "figure", drawn)
    if not hasattr(made, "savefig"):
        raise CxError(f"figure: expected a figure, axes or grid, found {type(drawn).__name__}")
    if not clean(description).strip():
        raise CxError("figure: expected a description, for readers who do not see the figure; found none")
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "cxkit"}):  # else ids are drawn at random
        made.savefig(
            file, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight", facecolor="white"
        )
    pyplot.close(made)
    coded = b64encode(file.getvalue()).decode()
    alt = escape(plain(description, 1000))
    image = Html(f'<img src="data:image/svg+xml;base64,{coded}" alt="{alt}">')
    return tag("figure", tag("figcaption", tag("strong", title)), image, id=slug("figure", title), class_="cx-figure")
