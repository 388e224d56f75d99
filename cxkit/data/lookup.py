"""Rows of a tally by cell: sorted out once for each level, so that a few cells cost what a few cells cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part of a tally at one level.

    Attributes:
        columns: Column -> its values, in the order of the rows.
        places: What a cell is called -> the numbers of its rows.
    """

    columns: dict[str, NDArray[Any]]
    places: dict[Key, NDArray[np.intp]]

    def __len__(self) -> int:
        """How many rows there are."""
        return next((len(values) for values in self.columns.values()), 0)

    def at(self, cells: Iterable[Key]) -> tuple[NDArray[np.intp], dict[str, NDArray[Any]]]:
        """The rows of some cells.

        Args:
            cells: What the cells are called, each once; those without rows are left out.

        Returns:
            For each row the number of its cell, and the columns of these rows.

        >>> frame = pd.DataFrame({"period": ["a", "a", "b"], "n": [1, 2, 3]})
        >>> cell, found = by_cell(frame, ["period"]).at([("b",), ("c",), ("a",)])
        >>> cell.tolist(), found["n"].tolist()
        ([0, 2, 2], [3, 1, 2])
        """
        found = [self.places.get(key, _NONE) for key in cells]
        rows = np.concatenate(found) if found else _NONE
        cell = np.repeat(np.arange(len(found)), [len(part) for part in found])
        return cell, {name: values[rows] for name, values in self.columns.items()}


_NONE = np.empty(0, dtype=np.intp)


def by_cell(frame: pd.DataFrame, keys: Sequence[str]) -> Rows:
    """The rows of a frame by what is in its key columns."""
    columns = {str(name): frame[name].to_numpy() for name in frame.columns if name not in keys}
    found: dict[Any, Any] = frame.reset_index(drop=True).groupby(list(keys), sort=False).indices
    return Rows(columns, {key if isinstance(key, tuple) else (key,): rows for key, rows in found.items()})
