"""Windows of several periods: what a place that is too small in one period can be asked over a longer time.

A window holds the answers that are shown of its periods, and nothing else: whoever subtracts from it all that is shown
is left with nothing, so that it gives no hidden cell away. So of a relationship item the latest answer of a respondent
in each period counts, not that of the whole window, and respondents link their answers as those of transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis
import pandas as pd

from cxkit.input.responses import Responses
from cxkit.input.waves import MAPPED, Order
from cxkit.tallies.counting import SPAN, within
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
    survey: Responses,
    shown: Tallies,
    places: Sequence[str],
    windows: Sequence[Sequence[str]],
    where: Mapping[str, Any],
    population: Mapping[str, Mapping[str, int]] | None = None,
) -> Tallies:
    """Tallies of everybody and of places over windows, each called as a wave, the earliest first, and all compared.

    Args:
        survey: The responses.
        shown: Tallies of the periods, hidden cells taken out.
        places: The dimensions of the places.
        windows: The periods of each.
        where: The filter of the run.
        population: As for `tally`, of windows of one period.
    """
    names = [called(one) for one in windows]
    calendar, table = shown.calendar, survey.table
    waves = shown.period == "wave"
    starts = {period: period if waves else calendar.start(period) for one in windows for period in one}
    inside = [within(table, [starts[period] for period in one], calendar) for one in windows]
    in_window = ibis.cases(*zip(inside, names, strict=True), else_=ibis.null("string"))
    table = table.mutate(**{SPAN: calendar.cut(table), "wave": in_window})
    table = table.filter(table.wave.notnull())
    gone = shown.hidden[shown.hidden["cut"].eq(shown.cut(places)) & shown.hidden["period"].isin(list(starts))]
    gone = gone[["item", *places]].assign(**{SPAN: gone["period"].map(starts)})
    levels = [tuple(places[:i]) for i in range(len(places) + 1)] + [(name,) for name in population or ()]
    return tally(  # by all dimensions, which settle as in `shown` which of two answers of one moment counts
        replace(survey, table=table, waves=Order(names, MAPPED, names)), list(shown.metrics), shown.by, levels, "wave",
        list(zip(names[1:], names, strict=False)), rest=True, where=where, without=gone, rules=shown.rules,
        population=population,
    )  # fmt: skip


def noted(frame: pd.DataFrame, shown: Tallies, places: Sequence[str]) -> pd.DataFrame:
    """Rows of windows with a note where a place is shown in fewer periods than the window has.

    Args:
        frame: Estimates or comparisons of windows by the places.
        shown: Tallies of the periods, hidden cells taken out.
        places: The dimensions of the places.
    """
    cells = shown.counts.loc[shown.counts["cut"].eq(shown.cut(places)), ["item", "period", *places]]
    there = set(cells.itertuples(index=False, name=None))
    ends = [name for name in ("period", "now", "before") if name in frame]

    def note(row: Mapping[Any, Any]) -> str:
        said = [row["note"]] if row["note"] else []
        for end in ends:
            span = shown.calendar.span(row[end].split(" to "))
            item, place = shown.metrics[row["metric"]].item, [row[name] for name in places]
            held = sum((item, one, *place) in there for one in span)
            side = "" if end == "period" else f"{end}: "
            said += [f"{side}shown in {held} of {len(span)} {shown.period}s"] if held < len(span) else []
        return "; ".join(said)

    return frame.assign(note=[note(row) for row in frame.to_dict("records")])
