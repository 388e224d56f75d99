"""What the calls on lists of answers return: one estimate, one change, which word and show themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxkit.analysis.comparisons import NO_EVIDENCE
from cxkit.metrics import Metric


@dataclass(frozen=True, slots=True)
class Estimate:
    """One value with its base, interval and method; NaN and a note where there is none."""

    metric: Metric
    value: float
    low: float
    high: float
    n: int
    n_eff: float
    level: float
    method: str
    note: str = ""

    def __repr__(self) -> str:
        metric, (row,) = _rows(self.metric, _frame(self))
        return f"{metric.label} {_words(row, metric)}"

    def _repr_html_(self) -> str:
        from cxkit import present

        return str(present.style() + present.tiles(_frame(self), None, {self.metric.name: self.metric}))


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two estimates, with its test and verdict."""

    metric: Metric
    change: float
    low: float
    high: float
    pvalue: float
    now: Estimate
    before: Estimate
    detectable: float
    verdict: str
    method: str
    note: str = ""

    @property
    def shift(self) -> float:
        """The value of now less that of before; for durations, whose change is a rank effect, not tested."""
        return self.now.value - self.before.value

    def __repr__(self) -> str:
        from cxkit.present import verdicts

        metric, (row, now, before) = _rows(self.metric, _comparison(self), _frame(self.now), _frame(self.before))
        verdict = verdicts.verdict(row, metric).words
        if self.verdict == NO_EVIDENCE:
            verdict = f"{verdict}; {verdicts.detectable(row, metric)}"
        size = verdicts.change(row, metric)
        first = f"{self.metric.label} {size} ({verdicts.interval(row, metric)}): {verdict}"
        return f"{first}\n  now {_words(now, metric)}\n  before {_words(before, metric)}"

    def _repr_html_(self) -> str:
        from cxkit import present

        tiles = present.tiles(_frame(self.now), _comparison(self), {self.metric.name: self.metric})
        return str(present.style() + tiles)


def _words(row: dict[str, Any], metric: Metric) -> str:
    from cxkit.present import wording

    return wording.estimate_words(row, metric).replace(wording.HARD, " ")  # a terminal is no page


def _rows(metric: Metric, *frames: pd.DataFrame) -> tuple[Metric, list[dict[str, Any]]]:
    """The only row of each frame, in the unit that fits all."""
    from cxkit.present import rows, times

    fitting, shown = times.fitted_one(metric, *frames)
    return fitting, [row for frame in shown for row in rows.rows(frame)]


def _frame(found: Estimate) -> pd.DataFrame:
    """The estimate as a row of the vocabulary that frames have."""
    fields = ("value", "low", "high", "n", "n_eff", "level", "method", "note")
    return pd.DataFrame([{"metric": found.metric.name, "period": "now", **{f: getattr(found, f) for f in fields}}])


def _comparison(found: Change) -> pd.DataFrame:
    """The change as a row of the vocabulary that frames have; it is a family of one."""
    fields = ("change", "low", "high", "pvalue", "detectable", "verdict", "method", "note")
    sides: dict[str, float] = {"n": found.now.n, "n_before": found.before.n}
    sides |= {"n_eff": found.now.n_eff, "n_eff_before": found.before.n_eff}
    if found.metric.statistic == "quantile":
        sides |= {"value": found.now.value, "value_before": found.before.value}
    rest = {"now": "now", "before": "before", "pvalue_adj": found.pvalue, "family": 1, "level": found.now.level}
    return pd.DataFrame([{"metric": found.metric.name, **rest, **sides, **{f: getattr(found, f) for f in fields}}])
