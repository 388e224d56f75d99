"""Whether the parts of a place changed differently; only then is any of them named.

What is picked out because it is large is exaggerated. So one test comes first, and what it picks has a change that is
shrunken, and an interval that allows for the picking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.analysis.cells import FloatArray, crossed, require_whole
from cxkit.analysis.comparisons import CORRECTIONS, NO_EVIDENCE, TOO_FEW, Correction, compare
from cxkit.analysis.estimates import chosen
from cxkit.analysis.frames import Frame
from cxkit.schema import ALIKE
from cxkit.stats import Heterogeneity, cochran_q, shrink
from cxkit.tallies.tallies import Tallies

DIFFERENT = "differently"


def alike(
    tallies: Tallies,
    now: str,
    before: str,
    dimension: str | Sequence[str],
    level: float = 0.95,
    correction: Correction = "holm",
    *,
    where: Mapping[str, str] | None = None,
    metrics: Sequence[str] | None = None,
    lead: str | None = None,
    minimum: float | None = None,
) -> pd.DataFrame:
    """The changes of the parts of a place, as `compare` has them, and one test whether they are different.

    Args:
        tallies: Tallies in which the levels and the pair of periods were declared.
        now: The later period, as it is written in `tallies.periods`.
        before: The period it is compared with.
        dimension: Whose levels are the parts; of several, each is tested by itself.
        level: Confidence level of the intervals; 1 - level is the significance level of the verdicts.
        correction: "holm" or "bh", for the comparisons as for the tests.
        where: One level per other dimension: the place.
        metrics: Names; None for all.
        lead: The metric that the report is about, a family of its own.
        minimum: Effective answers that either side needs for a verdict, and a part for the test; None: as the
            tallies' rules say.

    Returns:
        The columns of `compare`, and alike_q, alike_df, alike_pvalue, alike_pvalue_adj: Cochran's Q of the parts of the
        dimension with enough answers, corrected for the tests of its metrics; alike_detectable: by how much this part
        alone would have to differ for Q to find it with 80 % power; alike_verdict: "differently", "no evidence" or "too
        few"; named: whether the part is among those without which the others are alike; and of these named_change,
        shrunken towards the change of the place, and named_low, named_high at named_level, which allow for the picking.

    Raises:
        CxError: As `compare`.

    Formula: `stats.cochran_q`; `stats.shrink`, towards the change of the whole, or where that is hidden towards their
    mean; limits at 1 - R alpha / m, R of m parts being named. Source: Cochran (1954), doi
    10.2307/3001666; Benjamini and Yekutieli (2005), doi 10.1198/016214504000001907.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> frame = cx.alike(tallies, "2026-10", "2026-09", "brand")
    >>> frame.loc[frame["named"], ["brand", "change", "named_change"]].round(1)
          brand  change  named_change
    1  Brimvale   -26.0         -22.6
    """
    names = [dimension] if isinstance(dimension, str) else list(dimension)
    cuts = [(name,) for name in names]
    require_whole(tallies, crossed(tallies, names, where))
    given: dict[str, Any] = {"where": where, "minimum": minimum}
    frame = compare(tallies, now, before, level, correction, by=cuts, metrics=metrics, lead=lead, **given)
    metric, judged = frame["metric"].to_numpy(), frame["verdict"].to_numpy() != TOO_FEW
    places = {
        (one.name, name): np.flatnonzero((metric == one.name) & frame[name].notna().to_numpy())
        for one in chosen(tallies, metrics)
        for name in names
    }
    values = [np.where(judged, frame[name].to_numpy(), np.nan) for name in ("change", "low", "high")]
    tests = {key: cochran_q(values[0][rows], values[1][rows], values[2][rows], level) for key, rows in places.items()}
    raw, leads = np.array([t.pvalue for t in tests.values()]), np.array([key[0] == lead for key in tests])
    adjusted = np.full(len(raw), np.nan)
    for family in (leads, ~leads):
        adjusted[family] = CORRECTIONS[correction](raw[family])
    made = _Columns(len(frame))
    for (key, test), p in zip(tests.items(), adjusted, strict=True):
        made.add(places[key], test, p, level)
    for family in (metric == lead, metric != lead):
        if (picked := family & made.found["named"]).any():
            wide = 1 - picked.sum() / (family & judged).sum() * (1 - level)
            for key, rows in places.items():
                if picked[rows].any():
                    again = [
                        compare(tallies, now, before, wide, by=by, metrics=[key[0]], **given) for by in ((), [key[1]])
                    ]
                    made.name(rows[picked[rows]], rows, values[0][rows], tests[key].error, again, wide)
    return Frame.of(frame.assign(**made.found), tallies.metrics)


class _Columns:
    """The columns that `alike` adds, filled in for the parts of one dimension after another."""

    def __init__(self, size: int) -> None:
        self.found: dict[str, Any] = {name: np.full(size, np.nan) for name in ALIKE}
        self.found |= {"alike_verdict": np.full(size, TOO_FEW, dtype=object), "named": np.zeros(size, dtype=bool)}

    def add(self, rows: NDArray[np.intp], test: Heterogeneity, adjusted: float, level: float) -> None:
        """What the test says of some parts."""
        different = adjusted < 1 - level
        said = TOO_FEW if np.isnan(adjusted) else DIFFERENT if different else NO_EVIDENCE
        told = (test.q, test.df, test.pvalue, adjusted, test.apart, said, test.singled & different)
        for name, value in zip(ALIKE, told, strict=False):
            self.found[name][rows] = value

    def name(
        self, picked: NDArray[np.intp], rows: NDArray[np.intp], change: FloatArray, error: FloatArray,
        again: Sequence[pd.DataFrame], level: float,
    ) -> None:  # fmt: skip
        """What is said of parts that are named: pulled in, with limits that allow for the picking."""
        whole, parts = again
        towards = None if np.isnan(of_all := float(whole["change"].iloc[0])) else of_all
        pulled = shrink(change, error**2, towards=towards).value
        own = np.isin(rows, picked)
        self.found["named_change"][picked] = pulled[own]
        for end in ("low", "high"):
            self.found[f"named_{end}"][picked] = parts[end].to_numpy()[own]
        self.found["named_level"][picked] = level
