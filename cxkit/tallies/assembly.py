"""What the queries counted -> the frames of a tally: periods by name, rows at their level, found by their cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.input.responses import Responses
from cxkit.tallies import counting
from cxkit.tallies.batches import Level, Used
from cxkit.tallies.ranks import ranked

ALL = " × "  # joins the dimensions of a level in the column `cut`


def blank_frame(columns: Sequence[str]) -> pd.DataFrame:
    """A frame of text columns without rows."""
    return pd.DataFrame({column: pd.Series(dtype="str") for column in columns})


def replaced(item: str, n: int) -> pd.DataFrame:
    """The audit's row on answers that a later one of the same respondent replaced."""
    return pd.DataFrame(
        {"item": [item], "reason": ["replaced by a later answer of the same respondent in the period"], "n": [n]}
    )


def finest_of(levels: Sequence[Level]) -> list[Level]:
    """The levels that no other one holds; the counts of the rest are sums of theirs."""
    return [level for level in levels if not any(set(level) < set(other) for other in levels)]


def counts_of(
    item: str, level: Level, finest: Sequence[Level], raw: pd.DataFrame, names: Mapping[Any, str], by: Sequence[str]
) -> pd.DataFrame:
    """The counts of one level: its own, or added up from the finest level that holds it."""
    raw = raw if "open" in raw.columns else raw.assign(open=0)
    source = next(i for i, other in enumerate(finest) if set(level) <= set(other))
    keys = ["period_", *level, "answer_"]
    frame = raw[raw["level_"] == source].groupby(keys, as_index=False, sort=True)[["n", "open", "w", "w2"]].sum()
    frame = frame.assign(item=item, period=frame["period_"].map(names)).rename(columns={"answer_": "answer"})
    frame = frame.astype({"n": "int64", "open": "int64", "w": "float64", "w2": "float64", "answer": "float64"})
    return placed(frame, level, by)[["item", "period", *by, "cut", "answer", "n", "open", "w", "w2"]]


def placed(frame: pd.DataFrame, level: Sequence[str], by: Sequence[str]) -> pd.DataFrame:
    """The frame with a column for every dimension, blank where the level does not cut by it."""
    blank = {name: pd.Series([None] * len(frame), dtype="str", index=frame.index) for name in by if name not in level}
    return frame.assign(cut=ALL.join(level), **blank).astype(dict.fromkeys(level, "str"))


def sums_of(
    survey: Responses,
    used: Mapping[str, Used],
    wave: Mapping[str, Used],
    levels: Sequence[Level],
    by: Sequence[str],
    names: Mapping[Any, str],
    compared: Sequence[tuple[str, str]],
    rest: bool,
    counts: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cluster sums per cell, and sums over shared respondents per cell and pair, of every item that has them.

    `wave` holds all answers of each item, of which the used ones may be a part: what the design drew.
    """
    numbers = {ALL.join(level): number for number, level in enumerate(levels)}
    starts = {name: start for start, name in names.items()}
    asked = [(starts[now], starts[before]) for now, before in compared if now in starts and before in starts]
    sums = [blank_frame(["metric", "period", *by, "cut"])]
    shared = [blank_frame(["metric", "now", "before", *by, "cut"])]
    for item, one in used.items():
        if not one.n:
            continue
        one, repeated = ranked(one, counts[counts["item"] == item], numbers, starts, by), survey.mapping.kind_of(item)
        found, both = _linked(survey, one, wave[item], repeated == "transactional", levels, by, asked, rest)
        for level, part in _by_level(found, levels):
            part["period"] = part.pop("period_").map(names)
            sums.append(placed(part, level, by))
        for level, part in _by_level(both, levels):
            part = part.assign(now=part.pop("now_").map(names), before=part.pop("before_").map(names))
            shared.append(placed(part, level, by))
    return tuple(pd.concat(parts, ignore_index=True) for parts in (sums, shared))  # type: ignore[return-value]


def _linked(
    survey: Responses,
    one: Used,
    wave: Used,
    repeated: bool,
    levels: Sequence[Level],
    by: Sequence[str],
    asked: list[Any],
    rest: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sums of one item over clusters, with the number of people, and over shared respondents."""
    roles = survey.mapping.columns
    stratum = roles.stratum is not None
    repeated = repeated and roles.respondent is not None
    cluster = "cluster" if roles.cluster else "respondent" if repeated else "own_" if stratum else None
    pairs = asked if roles.respondent else None
    if cluster == "own_":  # strata only: every answer is a cluster of its own
        one, wave = one.each_alone("own_"), wave.each_alone("own_")
    together = cluster == "respondent" and not stratum
    sums = shared = pd.DataFrame()
    if cluster:
        own = pairs if together else None
        sums, shared = counting.linked_sums(one, by, levels, cluster, stratum, own, True, rest)
    if pairs and not together:
        _, shared = counting.linked_sums(one, by, levels, "respondent", False, pairs, False)
    if repeated and together:
        sums = sums.assign(people=sums["clusters"])
    elif repeated:
        people = counting.different(one, by, levels, "respondent", "people").drop(columns="stratum")
        sums = sums.merge(people, on=["level_", "period_", *by], how="left")
    if cluster and (roles.cluster or stratum):
        sums = _of_wave(sums, counting.different(wave, (), [()], cluster, "wave_clusters", stratum))
    return sums, shared


def _of_wave(sums: pd.DataFrame, wave: pd.DataFrame) -> pd.DataFrame:
    """The sums with how many clusters their stratum has in the whole wave, with answers in the cell or not."""
    found = sums.merge(wave.drop(columns="level_"), on=["period_", "stratum"], how="left")
    # A filter may keep another answer of a person as the latest, and with it a cluster that the wave has not got.
    most = found[["clusters", "wave_clusters"]].max(axis=1)
    return found.assign(wave_clusters=most.astype("int64"))


def _by_level(frame: pd.DataFrame, levels: Sequence[Level]) -> Iterator[tuple[Level, pd.DataFrame]]:
    for number, level in enumerate(levels):
        if len(frame) and len(part := frame[frame["level_"] == number]):
            yield level, part.drop(columns="level_").reset_index(drop=True)


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
