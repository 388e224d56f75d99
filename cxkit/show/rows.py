"""Frames as rows: the columns, the dimensions, what a row is called; durations in the unit that fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxkit.metrics import Metric, Unit
from cxkit.schema import COLUMNS, MONTH, MONTHS, OF_REST

Row = dict[str, Any]


def rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame as dicts, in its order, every kind of missing value as None.

    >>> rows(pd.DataFrame({"metric": ["nps"], "value": [float("nan")]}))
    [{'metric': 'nps', 'value': None}]
    """
    names = [str(column) for column in frame.columns]
    columns = [[None if pd.isna(value) else value for value in frame[column].tolist()] for column in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def as_change(row: Row) -> Row:
    """A contrast under the names that a change has; `rest` is what it is compared with."""
    told = {change: row[name] for change, name in OF_REST.items() if name in row}
    return {**row, **told, "rest": "the rest", "verdict": "changed" if row["verdict"] == "differs" else row["verdict"]}


def as_apart(row: Row) -> Row:
    """A score beside what it is set against, under the names that a change has."""
    limits = {"low": row["difference_low"], "high": row["difference_high"], "change": row["difference"]}
    against = "all others" if row.get("raw_difference") is not None else "predicted"
    return {**row, **limits, "rest": against, "verdict": "changed" if row["verdict"] == "differs" else row["verdict"]}


def spoken(frame: pd.DataFrame, period: str) -> pd.DataFrame:
    """A frame in which months are called as a reader says them; other periods stay as they are written.

    A wave may be called "2011-12" and be a year, so that the name alone does not tell.

    >>> spoken(pd.DataFrame({"metric": ["nps"], "since": ["2026-07"]}), "month")["since"].item()
    'July 2026'
    """
    kept = [name for name in ("period", "now", "before", "since") if name in frame.columns]
    called = {one: when(one, period) for name in kept for one in frame[name].dropna().unique()}
    return frame.assign(**{name: frame[name].map(called) for name in kept})


def when(label: Any, period: str) -> Any:
    """A period as a reader says it, where it is a month.

    >>> when("2026-07", "month"), when("2011-12", "wave"), when("2026-05 to 2026-10", "month")
    ('July 2026', '2011-12', 'May to October 2026')
    """
    first, _, last = str(label).partition(" to ")
    if last and period == "month":  # a window of several
        begin, end = when(first, period), str(when(last, period))
        return f"{str(begin).removesuffix(end[-5:])} to {end}"
    found = re.fullmatch(r"(\d{4})-(\d\d)", str(label), re.ASCII) if period == "month" else None
    return f"{MONTHS[int(found[2]) - 1]} {found[1]}" if found else label


def dimensions(frame: pd.DataFrame) -> list[str]:
    """The columns that are dimensions: all that are not of the vocabulary.

    >>> dimensions(pd.DataFrame(columns=["metric", "period", "brand", "n", "value"]))
    ['brand']
    """
    return [str(column) for column in frame.columns if str(column) not in COLUMNS]


def varying(found: Sequence[Row], names: Iterable[str]) -> list[str]:
    """The columns in which the rows differ: only these need to be named to tell the rows apart."""
    return [name for name in names if len({row.get(name) for row in found}) > 1]


def cut_by(frame: pd.DataFrame, dimension: str) -> pd.Series[bool]:
    """The rows of a dimension and of the whole, without those that another dimension cuts."""
    others = varying(rows(frame), [name for name in dimensions(frame) if name != dimension])
    return frame[dimension].notna() | frame[others].isna().all(axis=1)


def shares(found: Sequence[Row], groups: Iterable[str]) -> dict[str, float]:
    """The share of each class of answers in the rows of one bar."""
    return {group: sum(row["share"] or 0 for row in found if str(row["group"]) == group) for group in groups}


def answered(found: Sequence[Row]) -> int | None:
    """The answers in the rows of one bar; None where they are hidden."""
    return None if any(row.get("n") is None for row in found) else sum(row["n"] for row in found)


def metrics_of(found: Iterable[Row], metrics: Mapping[str, Metric]) -> list[Metric]:
    """The metrics that occur in the rows, in the order of `metrics`."""
    present = {row["metric"] for row in found}
    return [metric for key, metric in metrics.items() if key in present]


def of_metric(frame: pd.DataFrame, metric: Metric) -> list[Row]:
    """The rows of one metric."""
    return [row for row in rows(frame) if row["metric"] == metric.name]


def level(row: Row, dimension: str) -> str:
    """The level of a row in a dimension; "All" where it is the whole."""
    return "All" if row.get(dimension) is None else str(row[dimension])


MINUTES: dict[Unit, float] = {"seconds": 1 / 60, "minutes": 1.0, "hours": 60.0, "days": 1440.0, "months": MONTH}


UPTO: tuple[tuple[float, Unit], ...] = ((2.0, "seconds"), (180.0, "minutes"), (4320.0, "hours"), (130_000.0, "days"))


TIMES = ("value", "value_before", "value_rest", "answer")


LIMITS = ("low", "high")  # of a score; those of a change are no times


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
    return next((unit for end, unit in UPTO if middle < end), "months")


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
