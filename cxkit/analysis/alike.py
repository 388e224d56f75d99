"""Whether the parts of a place changed differently; only then is any of them named.

What is picked out because it is large is exaggerated. So one test comes first, and what it picks has a change that is
shrunken, and an interval that allows for the picking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxkit.analysis.comparisons import CORRECTIONS, NO_EVIDENCE, TOO_FEW, Correction, compare
from cxkit.analysis.estimates import chosen
from cxkit.analysis.frames import Frame
from cxkit.data.tallies import Tallies
from cxkit.stats import Heterogeneity, cochran_q, shrink

DIFFERENT = "differently"
COLUMNS = ("alike_q", "alike_df", "alike_pvalue", "alike_pvalue_adj", "alike_detectable", "alike_verdict", "named",
           "named_change", "named_low", "named_high", "named_level")  # fmt: skip


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

    Formula: `stats.cochran_q`; `stats.shrink`, towards the change of the whole; limits at 1 - R alpha / m, R of m parts
    being named. Source: Cochran (1954), doi 10.2307/3001666; Benjamini and Yekutieli (2005), doi
    10.1198/016214504000001907.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> frame = cx.alike(tallies, "2026-10", "2026-09", "brand")
    >>> frame.loc[frame["named"], ["brand", "change", "named_change"]].round(1)
          brand  change  named_change
    1  Brimvale   -31.0         -27.0
    """
    names = [dimension] if isinstance(dimension, str) else list(dimension)
    cuts = [(name,) for name in names]
    given: dict[str, Any] = {"where": where, "minimum": minimum, "metrics": metrics, "lead": lead}
    frame = compare(tallies, now, before, level, correction, by=cuts, **given)
    tests = {(m.name, name): _test(frame, m.name, name, level) for m in chosen(tallies, metrics) for name in names}
    raw, leads = np.array([t.pvalue for t in tests.values()]), np.array([key[0] == lead for key in tests])
    adjusted = np.full(len(raw), np.nan)
    for family in (leads, ~leads):
        adjusted[family] = CORRECTIONS[correction](raw[family])
    blank: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan) | {"alike_verdict": TOO_FEW, "named": False}
    frame = frame.assign(**blank)
    for ((name, by), test), p in zip(tests.items(), adjusted, strict=True):
        rows = (frame["metric"] == name) & frame[by].notna()
        different = p < 1 - level
        verdict = TOO_FEW if np.isnan(p) else DIFFERENT if different else NO_EVIDENCE
        frame.loc[rows, [*COLUMNS[:4]]] = test.q, test.df, test.pvalue, p
        frame.loc[rows, "alike_verdict"] = verdict
        frame.loc[rows, "alike_detectable"] = test.apart
        frame.loc[rows, "named"] = test.singled & different
    return Frame.of(_told(tallies, frame, tests, level, given), tallies.metrics)


def _test(frame: pd.DataFrame, metric: str, dimension: str, level: float) -> Heterogeneity:
    rows = frame[(frame["metric"] == metric) & frame[dimension].notna()]
    tested = rows["verdict"].ne(TOO_FEW)
    change, low, high = (rows[name].where(tested) for name in ("change", "low", "high"))
    return cochran_q(change, low, high, level)


def _told(
    tallies: Tallies,
    frame: pd.DataFrame,
    tests: Mapping[tuple[str, str], Heterogeneity],
    level: float,
    given: Mapping[str, Any],
) -> pd.DataFrame:
    """The frame with what is said of the parts that are named: pulled in, with limits that allow for the picking."""
    for _, family in frame.groupby(frame["metric"] == given["lead"], sort=False):
        named = family.index[family["named"]]
        if not len(named):
            continue
        now, before = frame["now"].iloc[0], frame["before"].iloc[0]
        wide = 1 - len(named) / family["verdict"].ne(TOO_FEW).sum() * (1 - level)
        whole = compare(tallies, now, before, level, by=(), **given).set_index("metric")["change"]
        cuts = [(name,) for name in dict.fromkeys(by for _, by in tests)]
        again = compare(tallies, now, before, wide, by=cuts, **given)
        frame.loc[named, ["named_low", "named_high"]] = again.loc[named, ["low", "high"]].to_numpy()
        frame.loc[named, "named_level"] = wide
        for (metric, by), test in tests.items():
            rows = family.index[(family["metric"] == metric) & family[by].notna()]
            if len(own := named.intersection(rows)):
                known = frame.loc[rows, "change"].where(test.error > 0)
                pulled = shrink(known, test.error**2, towards=whole[metric]).value
                frame.loc[own, "named_change"] = pd.Series(pulled, index=rows)[own]
    return frame
