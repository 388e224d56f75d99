"""Frames as rows: the column vocabulary, the dimensions beside it, and what a row is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxkit.metrics import Metric

Row = dict[str, Any]

_VOCABULARY = """metric period n n_eff value low high level method note now before n_before n_eff_before change pvalue
pvalue_adj family detectable verdict answer group share report part alike_q alike_df alike_pvalue alike_pvalue_adj
alike_detectable alike_verdict named named_change named_low named_high named_level contribution by_mix by_mix_low
by_mix_high by_rate by_rate_low by_rate_high others others_low others_high others_pvalue total_change explains
hide_below judge_from value_before value_rest shift n_judged n_judged_before n_judged_rest"""
COLUMNS = frozenset(_VOCABULARY.split())


def rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame as dicts, in its order, every kind of missing value as None.

    >>> rows(pd.DataFrame({"metric": ["nps"], "value": [float("nan")]}))
    [{'metric': 'nps', 'value': None}]
    """
    names = [str(column) for column in frame.columns]
    columns = [[None if pd.isna(value) else value for value in frame[column].tolist()] for column in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def dimensions(frame: pd.DataFrame) -> list[str]:
    """The columns that are dimensions: all that are not of the vocabulary.

    >>> dimensions(pd.DataFrame(columns=["metric", "period", "brand", "n", "value"]))
    ['brand']
    """
    return [str(column) for column in frame.columns if str(column) not in COLUMNS]


def varying(found: Sequence[Row], names: Iterable[str]) -> list[str]:
    """The columns in which the rows differ: only these need to be named to tell the rows apart."""
    return [name for name in names if len({row.get(name) for row in found}) > 1]


def place(row: Row, names: Iterable[str]) -> str:
    """What a row is about, in words: its levels, or "All" where every dimension is summed over.

    >>> place({"area": "C", "sex": None}, ["area", "sex"])
    'C'
    """
    return " · ".join(str(row[name]) for name in names if row.get(name) is not None) or "All"


def shares(found: Sequence[Row], groups: Iterable[str]) -> dict[str, float]:
    """The share of each class of answers in the rows of one bar."""
    return {group: sum(row["share"] or 0 for row in found if str(row["group"]) == group) for group in groups}


def metrics_of(found: Iterable[Row], metrics: Mapping[str, Metric]) -> list[Metric]:
    """The metrics that occur in the rows, in the order of `metrics`."""
    present = {row["metric"] for row in found}
    return [metric for key, metric in metrics.items() if key in present]


def of_metric(frame: pd.DataFrame, metric: Metric) -> list[Row]:
    """The rows of one metric."""
    return [row for row in rows(frame) if row["metric"] == metric.name]
