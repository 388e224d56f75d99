"""A reader who knows how many answered in every cell solves scores before and after weighting for what few said.

Unknown is what each cell of brand, region and channel sums up to. Known are all scores that a run shows, of all and of
every place and segment, and what weighting for the silent makes of them, whose weights the reader can work out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attack_data
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

import cxkit as cx
from cxkit.analysis import nonresponse
from cxkit.runs import prepare as preparing
from cxkit.runs.params import load
from cxkit.stats import response_weights
from cxkit.tallies.storage import load as load_tallies

Floats = npt.NDArray[np.float64]
CUTS, WITHIN = ["brand", "region", "channel"], ["region", "channel"]
FEW = 10


def solved(folder: Path, seed: int) -> tuple[int, list[tuple[str, ...]]]:
    """How many rows told something, and the cells of fewer than ten answers whose sum they fix."""
    ready = preparing.prepare(load(attack_data.parameters(folder, "joined", seed)), folder / "work")
    tallies, given = load_tallies(ready.tallies), attack_data.answers(seed).fillna(dict.fromkeys(CUTS, "(blank)"))
    given, told, found = given[given["day"].str[:7] == ready.now], 0, list[tuple[str, ...]]()
    for metric, row in cx.estimate(tallies, by=[*tallies.levels], periods=[ready.now]).groupby("metric"):
        cells = given.assign(n=given[metric].notna() & (given[metric] != 99)).groupby(CUTS)["n"].agg(["size", "sum"])
        cells = cells.reset_index()
        known = [inside(cells, {name: one[name] for name in CUTS if isinstance(one.get(name), str)})
                 for one in row[row["value"].notna()].to_dict("records")]  # fmt: skip
        rows = [
            one for one in tallies.provenance["nonresponse"] if one["metric"] == metric and one["value"] is not None
        ]
        told += len(rows)
        for one in rows:
            where = inside(cells, {"brand": one["brand"]} if one.get("brand") else {})
            known.append(weights(cells, where, tallies, str(metric), one))
        equations = np.array(known, float)[:, cells["sum"].to_numpy() > 0] if known else np.zeros((0, 0))
        for i, cell in enumerate(cells[cells["sum"] > 0].to_dict("records")):
            wanted = np.eye(equations.shape[1])[i] if len(equations) else np.ones(1)
            if cell["sum"] < FEW and len(equations):
                fit = np.linalg.lstsq(equations.T, wanted, rcond=None)[0]
                if np.abs(equations.T @ fit - wanted).max() < 1e-6:
                    found.append((str(metric), *(cell[name] for name in CUTS)))
    return told, found


def inside(cells: pd.DataFrame, where: dict[str, str]) -> Floats:
    """Which cells lie in a place, 1 or 0."""
    return np.logical_and.reduce([np.ones(len(cells), bool), *(cells[k] == v for k, v in where.items())]).astype(float)


def weights(cells: pd.DataFrame, where: Floats, tallies: cx.Tallies, metric: str, row: dict[str, Any]) -> Floats:
    """What an answer of each cell counts in a weighted score, by the classes that the product makes."""
    own = cells[where > 0].groupby(WITHIN)[["size", "sum"]].sum().reset_index()
    hidden = tallies.hidden[(tallies.hidden["period"] == row["period"]) & (tallies.hidden["item"] == metric)]
    place = {"brand": row["brand"]} if row.get("brand") else {}
    gone = [{name: one[name] for name in WITHIN if isinstance(one[name], str)} for one in hidden.to_dict("records")
            if {name: one[name] for name in ("brand",) if isinstance(one[name], str)} == place]  # fmt: skip
    gone = [one for one in gone if len(one) == 1]
    label, _ = nonresponse._classes(own.rename(columns={"sum": metric}), metric, WITHIN, gone, FEW)
    sums = own.groupby(label)[["size", "sum"]].sum()
    weight = response_weights(sums["size"], sums["sum"], nonresponse.TRIM)[label]
    total = {tuple(key): w for key, w in zip(own[WITHIN].to_numpy(), weight, strict=True)}
    return where * np.array([total.get(tuple(key), 0.0) for key in cells[WITHIN].to_numpy()])


@pytest.mark.parametrize("seed", [2, 8, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 40))])
def test_weighting_gives_no_small_cell_away(tmp_path: Path, seed: int) -> None:
    assert solved(tmp_path, seed)[1] == []


def test_the_reader_finds_a_small_cell_where_nobody_looks_at_margins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonresponse, "_nearly_open", lambda *_: False)
    assert solved(tmp_path, 2) == (7, [("csat", "C", "W", "z")])
