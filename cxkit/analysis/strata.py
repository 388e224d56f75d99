"""Sums over clusters of cells, by the strata of the sample: what a design is computed from.

A cell of a sample with clusters or strata is a domain of the whole wave. How many clusters a stratum has there stands
beside its sums, so that a segment is estimated without looking at everybody, who may be hidden or in another job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxkit.metrics import Metric
from cxkit.stats import Cross, Design, Lonely, Sums, cell_design, domain_correlation, raked_design
from cxkit.stats.core import FloatArray
from cxkit.tallies.clusters import ABOVE
from cxkit.tallies.tallies import Key, Tallies

LONELY_WORDS = {"centre": " (strata of one cluster centred)", "certainty": " (strata of one cluster taken as certain)"}
_SUMS = ("w", "s", "ww", "sw", "ss", "clusters")
_ABOVE = ("w", f"{ABOVE}s", "ww", f"{ABOVE}sw", f"{ABOVE}ss", "clusters")
_SHARED = ("rest_ww", "rest_sw", "rest_ws", "rest_ss")


@dataclass(frozen=True, slots=True)
class Strata:
    """Sums of the cells of one metric over clusters, with a row for each cell and a column for each stratum.

    Attributes:
        names: The strata; one without a name where there are none.
        sums: Over the clusters that have answers in the cell.
        wave: Clusters of the stratum in the whole wave; None where clusters are the people who happened to answer.
        lonely: What a stratum of one cluster counts for.
        shared: What a cell shares with the rest of the one that holds it, and in how many clusters; None where this
            was not tallied.
        above: The sums of whether a duration lies above the quantile of its cell; None of everything else.
        pooled: Strata of a cell that hold too few people to be told apart from its largest one; None where nothing was
            hidden.
        raked: Whether the sums are of what margins leave unexplained, so that they can be smaller than of as many plain
            answers.
    """

    names: list[str]
    sums: Sums
    wave: FloatArray | None = None
    lonely: Lonely = "centre"
    shared: tuple[Cross, FloatArray] | None = None
    above: Sums | None = None
    pooled: NDArray[np.bool_] | None = None
    raked: bool = False

    @property
    def total(self) -> Sums:
        """The sums over all strata."""
        return Sums(*(np.sum(part, axis=1) for part in self.sums))

    @property
    def words(self) -> list[str]:
        """What the design is called: stratified or not, and how lonely strata were taken."""
        if len(self.names) < 2:
            return []
        (clusters,), wave = self._together(self.pooled, [self.sums.clusters])
        alone = wave is not None and bool(((wave == 1) & (clusters > 0)).any())
        return ["stratified" + (LONELY_WORDS.get(self.lonely, "") if alone else "")]

    def design(self, n: FloatArray, variance: FloatArray, kish: FloatArray, sums: Sums | None = None) -> Design:
        """Effective bases of cells with these sums, or with others over the same clusters; `kish` of their weights."""
        tables, wave = self._together(self.pooled, self.sums if sums is None else sums)
        if self.raked:
            return raked_design(n, np.nan_to_num(variance), Sums(*tables), kish, axis=1, wave=wave)
        return cell_design(n, np.nan_to_num(variance), Sums(*tables), axis=1, wave=wave, lonely=self.lonely)

    def correlation(self, other: Strata) -> FloatArray | None:
        """Of the estimates of each cell and the rest of what holds it; None where nothing but people is shared."""
        if self.wave is None or other.wave is None or self.shared is None:
            return None
        whole = replace(self, wave=np.maximum(self.wave, other.wave))
        pooled = None if self.pooled is None or other.pooled is None else self.pooled | other.pooled
        tables, wave = whole._together(pooled, [*self.sums, *other.sums, *self.shared[0]])
        if wave is None:
            return None
        return domain_correlation(
            Sums(*tables[:6]), Sums(*tables[6:12]), Cross(*tables[12:]), wave, self.lonely, axis=1
        )

    def _together(
        self, pooled: NDArray[np.bool_] | None, tables: Sequence[Any]
    ) -> tuple[list[FloatArray], FloatArray | None]:
        """Tables and the wave, in which those strata of each cell are one with its largest."""
        given = [np.asarray(table, float) for table in tables]
        if pooled is None or not pooled.any():
            return given, self.wave
        clusters, row = np.asarray(self.sums.clusters, float), np.arange(len(pooled))
        largest = np.argmax(np.where(pooled, 0.5, 1.0) * clusters, axis=1)
        some = pooled & (np.arange(pooled.shape[1]) != largest[:, None])

        def one(table: FloatArray) -> FloatArray:
            found = np.where(some, 0.0, table)
            found[row, largest] += np.where(some, table, 0.0).sum(axis=1)
            return found

        return [one(table) for table in given], None if self.wave is None else one(self.wave)

    def taken(self, at: NDArray[np.intp]) -> Strata:
        """Some of the cells, in another order or several times."""
        return self._each(lambda table: table[at])

    def over(self, names: Sequence[str]) -> Strata:
        """With a column for each of these strata, which hold its own."""
        column = np.searchsorted(names, self.names)

        def wide(table: FloatArray) -> FloatArray:
            found = np.zeros((len(table), len(names)))
            found[:, column] = table
            return found

        return replace(self._each(wide), names=list(names))

    def _each(self, change: Callable[[Any], FloatArray]) -> Strata:
        def each(sums: Sums) -> Sums:
            return Sums(*(change(np.asarray(part, float)) for part in sums))

        return replace(
            self,
            sums=each(self.sums),
            above=self.above and each(self.above),
            pooled=None if self.pooled is None else change(self.pooled).astype(bool),
            wave=None if self.wave is None else change(self.wave),
            shared=self.shared and (Cross(*map(change, self.shared[0])), change(self.shared[1])),
        )


def strata_of(tallies: Tallies, metric: Metric, dimensions: Sequence[str], places: Sequence[Key]) -> Strata | None:
    """The sums of some cells; None where the tallies hold none of the metric.

    Args:
        tallies: Tallies in which the level was declared.
        metric: One of their metrics.
        dimensions: Of the level.
        places: What the cells are called: period and dimensions.
    """
    if not tallies.holds("sums", metric.name):
        return None
    held = tallies.rows("sums", metric.name, dimensions)
    cell, rows = held.at(places)
    names, stratum = np.unique(rows["stratum"].astype(str), return_inverse=True)
    shape = (len(places), max(len(names), 1))

    def table(column: str) -> FloatArray:
        flat = np.bincount(cell * shape[1] + stratum, rows[column], shape[0] * shape[1])
        return flat.reshape(shape).astype(np.float64, copy=False)

    known = set(_SHARED) <= set(rows) and not np.isnan(held.columns["rest_ww"]).any()
    return Strata(
        names=names.tolist() or [""],
        sums=Sums(*map(table, _SUMS)),
        above=Sums(*map(table, _ABOVE)) if metric.statistic == "quantile" else None,
        wave=table("wave_clusters") if "wave_clusters" in rows else None,
        pooled=table("pooled").astype(bool) if "pooled" in rows else None,
        raked=metric.item in tallies.provenance.get("raked", ()),
        lonely=tallies.provenance.get("lonely", "centre"),
        shared=(Cross(*map(table, _SHARED)), table("rest_shared")) if known else None,
    )
