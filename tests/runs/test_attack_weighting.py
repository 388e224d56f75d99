"""A reader who knows how many answered in every cell solves scores before and after weighting for what few said.

Unknown is what each cell of brand, region and channel sums up to. Known are all scores that a run shows, of all and of
every place and segment, and those beside what weighting for the silent makes of them, whose weights the reader can work
out. Wanted are cells of few, and sums of them: a brand's in one region or through one channel.
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
from cxkit.schema import ALL
from cxkit.stats import response_weights
from cxkit.tallies.storage import load as load_tallies

Floats = npt.NDArray[np.float64]
CUTS = ["brand", "region", "channel"]
WANTED = [["brand"], ["brand", "region"], ["brand", "channel"], CUTS]
FEW = 10


def solved(folder: Path, seed: int, variant: str = "joined") -> tuple[int, list[tuple[str, ...]]]:
    """How many rows told something, and the cells of fewer than ten answers whose sum they fix."""
    ready = preparing.prepare(load(attack_data.parameters(folder, variant, seed)), folder / "work")
    tallies, given = load_tallies(ready.tallies), attack_data.answers(seed).fillna(dict.fromkeys(CUTS, "(blank)"))
    given, told, found = given[given["day"].str[:7] == ready.now], 0, list[tuple[str, ...]]()
    for metric, row in cx.estimate(tallies, by=[*tallies.levels], periods=[ready.now]).groupby("metric"):
        cells = given.assign(n=given[metric].notna() & (given[metric] != 99)).groupby(CUTS)["n"].agg(["size", "sum"])
        cells = cells.reset_index()
        left = [one["brand"] for one in tallies.provenance.get("withheld", []) if one["item"] == metric]
        places = [{name: one[name] for name in CUTS if isinstance(one.get(name), str)}
                  for one in row[row["value"].notna()].to_dict("records")]  # fmt: skip
        known = [inside(cells, place) * (1.0 if place else ~cells["brand"].isin(left)) for place in places]
        rows = [
            one for one in tallies.provenance["nonresponse"] if one["metric"] == metric and one["value"] is not None
        ]
        told += len(rows)
        for one in rows:
            where = inside(cells, {"brand": one["brand"]} if one.get("brand") else {})
            known += [where, weights(cells, where, tallies, str(metric), one)]
        equations = np.array(known, float)[:, cells["sum"].to_numpy() > 0] if known else np.zeros((0, 0))
        if len(equations):
            found += [(str(metric), *cell) for cell in fixed(cells[cells["sum"] > 0], equations)]
    return told, found


def fixed(cells: pd.DataFrame, equations: Floats) -> list[tuple[str, ...]]:
    """The cells of few answers, and sums of them, of which the equations leave nothing open."""
    found = list[tuple[str, ...]]()
    for names in WANTED:
        for values, n in cells.groupby(names)["sum"].sum().items():
            cell = (values,) if isinstance(values, str) else tuple(values)
            wanted = inside(cells, dict(zip(names, cell, strict=True)))
            fit = np.linalg.lstsq(equations.T, wanted, rcond=None)[0]
            if n < FEW and np.abs(equations.T @ fit - wanted).max() < 1e-6:
                found.append(cell)
    return found


def inside(cells: pd.DataFrame, where: dict[str, str]) -> Floats:
    """Which cells lie in a place, 1 or 0."""
    return np.logical_and.reduce([np.ones(len(cells), bool), *(cells[k] == v for k, v in where.items())]).astype(float)


def weights(cells: pd.DataFrame, where: Floats, tallies: cx.Tallies, metric: str, row: dict[str, Any]) -> Floats:
    """What an answer of each cell counts in a weighted score, by the classes that the product makes."""
    within = row["within"].split(ALL)
    own = cells[where > 0].groupby(within)[["size", "sum"]].sum().reset_index()
    hidden = tallies.hidden[(tallies.hidden["period"] == row["period"]) & (tallies.hidden["item"] == metric)]
    place = {"brand": row["brand"]} if row.get("brand") else {}
    gone = [{name: one[name] for name in within if isinstance(one[name], str)} for one in hidden.to_dict("records")
            if {name: one[name] for name in ("brand",) if isinstance(one[name], str)} == place]  # fmt: skip
    gone = [one for one in gone if len(one) == 1]
    nobody = pd.DataFrame(columns=[*within, "respondent"])
    label, _ = nonresponse._classes(own.rename(columns={"sum": metric}), nobody, metric, within, gone, FEW)
    sums = own.groupby(label)[["size", "sum"]].sum()
    weight = response_weights(sums["size"], sums["sum"], nonresponse.TRIM)[label]
    total = {tuple(key): w for key, w in zip(own[within].to_numpy(), weight, strict=True)}
    return where * np.array([total.get(tuple(key), 0.0) for key in cells[within].to_numpy()])


ONCE = ["joined_once", "joined_apart"]  # one dimension, which the pages of brands show, or do not
MANY = [pytest.param(seed, "joined", marks=pytest.mark.slow) for seed in range(10, 40)]
ALONE = [pytest.param(seed, one, marks=pytest.mark.slow) for one in ONCE for seed in range(10, 40)]


@pytest.mark.parametrize(("seed", "variant"), [(2, "joined"), (8, "joined"), *MANY, *ALONE])
def test_weighting_gives_no_small_cell_away(tmp_path: Path, seed: int, variant: str) -> None:
    assert solved(tmp_path, seed, variant)[1] == []


def five_brands(few: dict[tuple[str, str], tuple[int, int]]) -> pd.DataFrame:
    """Two months of five brands and two channels, with so many who answered and did not in some of the cells."""
    rng = np.random.default_rng(3)
    sizes = {(brand, channel): (40, 20) if channel == "x" else (15, 30) for brand in "ABCDE" for channel in "xy"} | few
    frame = pd.DataFrame([
        {"day": f"{month}-10", "brand": brand, "region": "N", "channel": channel, "said": i < answered}
        for month in attack_data.MONTHS[1:] for (brand, channel), (answered, silent) in sizes.items()
        for i in range(answered + silent)
    ])  # fmt: skip
    for name, top in (("nps", 11), ("csat", 6), ("recommended", 2)):
        frame[name] = pd.Series(rng.integers(1, top, len(frame))).where(frame["said"]).astype(object)
    return frame.drop(columns="said")


@pytest.mark.parametrize(("variant", "rows"), [("joined_once", (10, 12)), ("joined_apart", (2, 12))])
def test_classes_of_everybody_less_those_of_the_places_give_nobody_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, rows: tuple[int, int]
) -> None:
    """Told are the places beside their segments, else everybody; told both, the three answers of a cell come out."""
    monkeypatch.setattr(attack_data, "answers", lambda _: five_brands({("E", "y"): (3, 30)}))
    assert solved(tmp_path / "told", 0, variant) == (rows[0], [])
    monkeypatch.setattr(nonresponse, "_either", lambda made, *_: made)
    told, found = solved(tmp_path / "both", 0, variant)
    assert (told, ("csat", "E", "y") in found, ("nps", "E", "y") in found) == (rows[1], True, True)


def test_everybody_is_not_weighted_where_the_total_leaves_a_place_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {("E", "x"): (5, 8), ("E", "y"): (3, 0)}
    monkeypatch.setattr(attack_data, "answers", lambda _: five_brands(few))
    assert solved(tmp_path, 0, "joined_apart") == (8, [])


def test_the_reader_finds_a_small_cell_where_nobody_looks_at_margins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonresponse, "_nearly_open", lambda *_: False)
    monkeypatch.setattr(nonresponse, "_either", lambda made, *_: made)
    assert solved(tmp_path, 2) == (7, [("csat", "C", "W", "z")])
