"""Durations in the unit that fits, and the words of their changes.

Frames hold minutes; a table or figure shows each metric in one unit. A change is told in pairs of a case of now and one
of before, with the medians beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxkit.metrics import Metric, Unit
from cxkit.show import wording
from cxkit.show.rows import Row

MINUTES: dict[Unit, float] = {"seconds": 1 / 60, "minutes": 1.0, "hours": 60.0, "days": 1440.0}
UPTO: tuple[tuple[float, Unit], ...] = ((2.0, "seconds"), (180.0, "minutes"), (4320.0, "hours"))  # minutes; then days
TIMES = ("value", "value_before", "value_rest", "answer")
LIMITS = ("low", "high")  # of a score; those of a change are no times
EVEN = 50.0  # of 100 pairs: as often longer as not


def fitted(metrics: Mapping[str, Metric], *frames: pd.DataFrame | None) -> tuple[Mapping[str, Metric], list[Any]]:
    """Frames with every duration in the unit that fits what is shown of it, and the metrics with that unit.

    Args:
        metrics: What is measured, by name.
        frames: Estimates, comparisons or distributions that are shown together; None stays None.

    >>> from cxkit.metrics import METRICS
    >>> frame = pd.DataFrame({"metric": ["wait_time"], "value": [90.0 * 60], "low": [80.0 * 60], "high": [99.0 * 60]})
    >>> metrics, (shown,) = fitted(METRICS, frame)
    >>> metrics["wait_time"].unit, shown["value"].item()
    ('days', 3.75)
    """
    made, shown = dict(metrics), list(frames)
    held = {name for frame in frames if frame is not None for name in frame["metric"].unique()}
    for name, metric in metrics.items():
        if metric.unit == "minutes" and name in held:
            made[name] = replace(metric, unit=fitting(_all(name, frames)))
            shown = [_scaled(frame, name, MINUTES[made[name].unit]) for frame in shown]
    return made, shown


def fitted_one(metric: Metric, *frames: pd.DataFrame | None) -> tuple[Metric, list[Any]]:
    """The same for what is shown of one metric."""
    metrics, shown = fitted({metric.name: metric}, *frames)
    return metrics[metric.name], shown


def fitting(minutes: Sequence[float]) -> Unit:
    """The unit for some durations, by the middle one of them.

    >>> fitting([1.1, 1.4]), fitting([180, 120]), fitting([9_000]), fitting([])
    ('seconds', 'minutes', 'days', 'minutes')
    """
    known = np.abs([one for one in minutes if np.isfinite(one) and one])
    middle = float(np.median(known)) if len(known) else 60.0
    return next((unit for end, unit in UPTO if middle < end), "days")


def _all(name: str, frames: Sequence[pd.DataFrame | None]) -> list[float]:
    """Every duration of a metric that some frames show."""
    kept = [frame[frame["metric"] == name] for frame in frames if frame is not None]
    return [one for frame in kept for key in TIMES if key in frame for one in frame[key].astype(float)]


def _scaled(frame: Any, name: str, minutes: float) -> Any:
    if frame is None or minutes == 1:
        return frame
    own = (frame["metric"] == name).to_numpy()
    moves = [key for key in ("change", "difference") if key in frame]
    score = own & frame[moves].isna().all(axis=1).to_numpy()
    columns = {key: own for key in (*TIMES, "shift") if key in frame} | {key: score for key in LIMITS if key in frame}
    return frame.assign(**{
        key: frame[key].astype(float).where(~rows, frame[key].astype(float) / minutes) for key, rows in columns.items()
    })  # fmt: skip


def in_pairs(metric: Metric) -> bool:
    """Whether a change is told in pairs of a case of now and one of before."""
    return metric.statistic == "quantile"


def far(size: float) -> str:
    """The pairs that a detectable change is away from as often as not."""
    return wording.number(min(EVEN + size, 100.0), 0)


def medians(row: Row, metric: Metric) -> str:
    """The quantiles of durations that a change stands beside; empty for what changes in its own unit.

    >>> from cxkit.metrics import METRICS
    >>> medians({"value": 180.0, "value_before": 120.0}, METRICS["wait_time"])
    'median 180 min against 120 min'
    """
    before = row.get("value_rest") if row.get("value_before") is None else row["value_before"]
    if not in_pairs(metric) or row.get("value") is None or before is None:
        return ""
    least = min(row["value"], before)
    places = 0 if least >= 10 else 1 if least >= 1 else 2
    both = (wording.quantity(value, metric.unit, places) for value in (row["value"], before))
    return f"{wording.quantile_words(metric)} {' against '.join(both)}"
