"""Windows of several periods: what a place that is too small in one period can be asked over a longer time.

A window holds what is shown of its periods, and nothing else: whoever subtracts from it all that is shown is left with
nothing, so that it gives no hidden cell away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import ibis

from cxkit.input.databases import Table
from cxkit.input.responses import Responses
from cxkit.input.waves import MAPPED, Order
from cxkit.tallies.counting import within
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import tally


def window_of(tallies: Tallies, now: str, size: int) -> list[str]:
    """The periods of the window that ends with one, the earliest first.

    >>> from cxkit.tallies.tally import tally
    >>> from cxkit.input.responses import read
    >>> window_of(tally(read("sample"), ["nps"]), "2026-02", 3)
    ['2025-12', '2026-01', '2026-02']
    """
    return [tallies.calendar.shift(now, -i) for i in reversed(range(size))]


def called(periods: Sequence[str]) -> str:
    """What a window is called.

    >>> called(["2025-12", "2026-01", "2026-02"]), called(["2026-02"])
    ('2025-12 to 2026-02', '2026-02')
    """
    return periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"


def over(
    survey: Responses, shown: Tallies, places: Sequence[str], windows: Sequence[Sequence[str]], where: Mapping[str, Any]
) -> Tallies:
    """Tallies of everybody and of places over windows, each called as a wave, the earliest first, and all compared.

    Args:
        survey: The responses.
        shown: Tallies of the periods, hidden cells taken out.
        places: The dimensions of the places.
        windows: The periods of each.
        where: The filter of the run.
    """
    names = [called(one) for one in windows]
    calendar, table = shown.calendar, survey.table
    waves = shown.period == "wave"
    starts = {period: period if waves else calendar.start(period) for one in windows for period in one}
    inside = [within(table, [starts[period] for period in one], calendar) for one in windows]
    open_ = {item: _without(table, shown, item, places, starts) for item in {m.item for m in shown.metrics.values()}}
    table = table.mutate(
        wave=ibis.cases(*zip(inside, names, strict=True), else_=ibis.null("string")),
        **{
            item: gone.ifelse(ibis.null(table[item].type()), table[item])
            for item, gone in open_.items()
            if gone is not None
        },
    )
    table = table.filter(table.wave.notnull())
    levels = [tuple(places[:i]) for i in range(len(places) + 1)]
    return tally(
        replace(survey, table=table, waves=Order(names, MAPPED, names)), list(shown.metrics), places, levels, "wave",
        list(zip(names[1:], names, strict=False)), rest=True, where=where, rules=shown.rules,
    )  # fmt: skip


def _without(
    table: Table, shown: Tallies, item: str, places: Sequence[str], starts: Mapping[str, Any]
) -> Any:  # fmt: skip
    """Whether a row is of a hidden cell of an item; None where there is none."""
    hidden = shown.hidden
    hidden = hidden[hidden["item"].eq(item) & hidden["cut"].eq(shown.cut(places)) & hidden["period"].isin(list(starts))]
    *outer, last = places
    gone = []
    for (period, *levels), cells in hidden.groupby(["period", *outer]):
        here = [within(table, [starts[str(period)]], shown.calendar)]
        here += [table[name] == level for name, level in zip(outer, levels, strict=True)]
        gone.append(reduce(lambda a, b: a & b, [*here, table[last].isin(cells[last].tolist())]))
    return reduce(lambda a, b: a | b, gone) if gone else None
