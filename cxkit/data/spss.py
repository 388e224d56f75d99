"""SPSS files: values with their labels, and the codes that the file itself declares to mean no answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cxkit.data.layouts import Head
from cxkit.errors import CxError


def read_sav(path: Path) -> tuple[pd.DataFrame, Head]:
    """The rows of a .sav or .zsav file as they are, missing codes included, with what the file says of them.

    Args:
        path: The file.

    Raises:
        CxError: A damaged file, or pyreadstat is not installed.
    """
    try:
        import pyreadstat  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise CxError(f"{path}: needs the package pyreadstat: pip install 'cxkit[spss]'") from None
    try:
        frame, about = pyreadstat.read_sav(str(path), user_missing=True)
    except Exception as error:  # pyreadstat raises its own class and plain ones
        raise CxError(f"{path}: is not readable as an SPSS file: {error}") from None
    labels = {c: {_code(v): str(t) for v, t in values.items()} for c, values in about.variable_value_labels.items()}
    missing = {
        column: {code: labels.get(column, {}).get(code, "by the file") for code in _missing(frame[column], ranges)}
        for column, ranges in about.missing_ranges.items()
    }
    questions = {name: text for name, text in about.column_names_to_labels.items() if text}
    names = [str(name) for name in frame.columns]
    frame = frame.astype({name: _kind(frame[name]) for name in names if frame[name].dtype == object})
    return frame, Head("spss", names, rows=0, questions=questions, missing=missing, labels=labels)


def _missing(values: pd.Series, ranges: Sequence[Any]) -> list[str]:
    """The codes that occur and lie in one of the declared ranges."""
    found = values.dropna().unique()
    inside = [v for v in found if any(_within(v, limits["lo"], limits["hi"]) for limits in ranges)]
    return [_code(value) for value in sorted(inside)]


def _within(value: Any, low: Any, high: Any) -> bool:
    if isinstance(value, str) or isinstance(low, str):
        return str(value).strip() == str(low).strip()
    return bool(low <= value <= high)


def _kind(values: pd.Series) -> str:
    """Dates stay dates; whatever else has no type of its own is text."""
    filled = values.dropna()
    is_date = len(filled) > 0 and all(hasattr(value, "year") for value in filled)
    return "datetime64[us]" if is_date else "string"


def _code(value: Any) -> str:
    """A code as a mapping would write it: 99, not 99.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
