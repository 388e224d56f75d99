"""What must be hidden, over all cells of a run, before anything leaves it.

Primary hiding: a cell in which too few people answered. Complementary hiding: a cell that would give a hidden one away,
because margins are published beside their parts and a reader can subtract. The same tallies always hide the same cells.

A place that the total of everybody would give away may be left out of that total instead: see `totals`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object
from scipy.sparse.csgraph import connected_components

from cxkit.analysis.cells import TENTHS, scores
from cxkit.analysis.disclosure import suppress
from cxkit.analysis.equations import Cells, Floats, Ints, Scale
from cxkit.input.mapping import BLANK
from cxkit.schema import ALL, BESIDE
from cxkit.stats.ordinal import passed
from cxkit.tallies.clusters import ABOVE
from cxkit.tallies.tallies import Tallies, untold

DEAREST = 1e12  # what a cell costs that is hidden last
SAME = 0.5  # of the answers of an item that the next smaller one has, so that both are taken for those of one people


def mask(tallies: Tallies, minimum: int | None = None) -> Tallies:
    """The tallies without the counts of cells that may not be shown.

    People are counted where respondents are known, answers otherwise: twelve answers of two customers are two people.

    Args:
        tallies: Whole tallies.
        minimum: People that a cell needs in order to be shown; empty cells hide nobody. None: as the tallies' rules
            say; any other becomes their rule.

    Returns:
        Tallies in which hidden cells have no counts, sums or pairs, and stand in `hidden` with the code of the reason.
    """
    if minimum is not None:
        rules = replace(tallies.rules, hide_below=minimum, judge_from=max(minimum, tallies.rules.judge_from))
        tallies = replace(tallies, rules=rules)
    cells, minimum = people(tallies), tallies.rules.hide_below
    known, same = _known(tallies, cells), moving(tallies, cells)
    hidden = suppress(_atoms(tallies, cells), known, minimum, same)
    few = pd.Series(known.few).groupby(same).transform("all")
    gone = _every_month(cells.assign(reason=np.where(few, "few people", "given away"))[hidden], tallies)
    gone = _with_same(gone, tallies)
    names = {name: metric.item for name, metric in tallies.metrics.items()}
    pairs = tallies.pairs.assign(item=tallies.pairs["metric"].map(names))
    for end in ("now", "before"):
        pairs = _without(pairs, gone.rename(columns={"period": end}))
    sums = _without(tallies.sums.assign(item=tallies.sums["metric"].map(names)), gone)
    if "respondent" in (roles := tallies.provenance.get("roles", ())):
        pairs = pairs[~_few(pairs, ["shared"], tallies)] if len(pairs) else pairs
    if "nn" in sums:
        sums = _pooled(sums, tallies) if "stratum" in roles else _of_many(sums, tallies)
    protected = len(gone) or len(tallies.hidden) or tallies.provenance.get("withheld")
    if protected and "cluster" not in tallies.provenance.get("roles", ()):
        sums = _of_shown(sums)
    return replace(
        tallies,
        joint=untold(),
        members=untold(),
        counts=_without(tallies.counts, gone),
        sums=sums[[*tallies.sums.columns, *(name for name in ("pooled",) if name in sums)]],
        pairs=pairs[tallies.pairs.columns],
        hidden=pd.concat([tallies.hidden, gone[tallies.hidden.columns]], ignore_index=True),
    )


def people(tallies: Tallies) -> pd.DataFrame:
    """Every cell with answers, how many they are, and how many people gave them: known as `people`, or taken as `n`."""
    keys = ["item", "period", *tallies.by, "cut"]
    cells = tallies.counts.groupby(keys, dropna=False)["n"].sum().reset_index()
    cells = cells.rename(columns={"n": "answers"}).assign(people=np.nan)
    if "people" in tallies.sums.columns:
        items = tallies.sums["metric"].map({name: metric.item for name, metric in tallies.metrics.items()})
        people = tallies.sums.assign(item=items).groupby(keys, dropna=False, as_index=False)["people"].max()
        cells = cells.drop(columns="people").merge(people, on=keys, how="left")
    return cells.assign(n=cells["people"].fillna(cells["answers"]))


def worth(cells: pd.DataFrame, by: Sequence[str]) -> np.ndarray:
    """How dear each cell is: its people; whoever left a question blank is the least loss, however many they are."""
    blank = (cells[list(by)] == BLANK).any(axis=1).to_numpy() if by else False
    dear: np.ndarray = cells["n"].to_numpy(float) - 1e15 * np.asarray(blank)
    return dear


def _of_shown(sums: pd.DataFrame) -> pd.DataFrame:
    """The sums with the people of the whole wave counted as far as they are shown: the rest are hidden.

    What it costs: a shown cell is a domain of what is shown, not of the wave. Where hidden people are a share h of the
    M of a stratum, the variance of a domain (`stats.linearised`) is that of (1 - h) M: M/(M - 1) is a little larger,
    and u^2/M, which is taken off, larger by h/(1 - h), so that limits of a cell that differs between strata are a
    little narrower. Clusters that were sampled, such as shops, are counted exactly: they tell nothing of who answered.
    """
    if "wave_clusters" not in sums:
        return sums
    keys = ["metric", "period", "stratum"]
    levels = sums.groupby([*keys, "cut"], dropna=False)["clusters"].transform("sum")
    shown = levels.groupby([sums[key] for key in keys], dropna=False).transform("max")
    return sums.assign(wave_clusters=shown.astype("int64"))


def _of_many(sums: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """The sums over people or clusters, as if those who belong together had said the same, where these are few.

    Else the digits of an interval would tell, who knows that somebody was the only one to answer twice, what both
    answers were. The products of two answers of one person are then the variance of the cell, whatever they said, and
    intervals wider than they need be where people do change. What people said here and in the rest is taken as
    unrelated. How many answered again is (sum of a)^2 / sum of a^2, a being the answers of a person beyond the first:
    the number of equally frequent people, whatever they weigh.
    """
    keys = ["item", "period", *tallies.by, "cut"]
    size = tallies.counts.groupby(keys, dropna=False)[["n", "w", "w2"]].sum().add_suffix("_").reset_index()
    made = sums.merge(size, on=keys, how="left")
    made["more"], ww = made["n_"] - made["clusters"], made["ww"].to_numpy(float)
    made["again"] = made["nn"] - made["n_"]
    clusters = "cluster" in tallies.provenance.get("roles", ())  # of few people where few are beyond the first of each
    few, mean = _few(made, ["more"] if clusters else ["more", "again"], tallies), made["s"] / made["w"]
    changed = [name for name in made if str(name).endswith(("sw", "ws", "ss")) and name in sums]
    made = made.astype(dict.fromkeys(changed, float))
    if "rest_ww" in made:
        apart, both = few | made["rest_shared"].between(1, tallies.rules.hide_below - 1), made["rest_ww"]
        for name, value in (("rest_sw", mean * both), ("rest_ws", mean * both), ("rest_ss", mean**2 * both)):
            made[name] = made[name].mask(apart, value)
    for of, rows in made[few].groupby("metric"):
        metric = tallies.metrics[str(of)]
        held = rows[keys].assign(at=np.arange(len(rows))).merge(tallies.counts[[*keys, "answer", "w", "w2"]], on=keys)
        codes, answer = np.unique(held["answer"], return_inverse=True)
        w, single = np.zeros((2, len(rows), len(codes)))
        np.add.at(w, (held["at"], answer), held["w"])
        np.add.at(single, (held["at"], answer), held["w2"])
        single += w * ((ww[rows.index] - single.sum(axis=1)) / w.sum(axis=1))[:, None]
        durations = metric.statistic == "quantile"
        for start, shares in (("", TENTHS), (ABOVE, [metric.quantile]))[: 1 + durations]:
            values = passed(w, shares) if durations else scores(metric, codes) + 0 * w
            made.loc[rows.index, f"{start}sw"] = (single * values).sum(axis=1)
            made.loc[rows.index, f"{start}ss"] = (single * values**2).sum(axis=1)
    return made[sums.columns]


def _pooled(sums: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """The sums with `pooled`: strata of so few people of a cell that its limits beside its score would tell of them.

    Or those of the rest of what holds it. M clusters with sum N_g^2 = Q hold at least M - 1 + sqrt(Q - M + 1) people,
    if all but one are alone, and at most sqrt(M Q), if all are of one size.
    """
    m, q = sums["clusters"].to_numpy(float), sums["nn"].to_numpy(float)
    made = sums.assign(least=np.round(m - 1 + np.sqrt(np.maximum(q - m + 1, 0)), 6), most=np.round(np.sqrt(m * q), 6))
    pooled = _few(made, ["least"], tallies)
    for level, finer in ((one[:-1], one) for one in tallies.levels if one[:-1] in tallies.levels and one):
        keys = ["metric", "period", "stratum", *level]
        parts = made[made["cut"] == ALL.join(finer)].reset_index(names="row")
        both = parts.merge(made[made["cut"] == ALL.join(level)], on=keys, suffixes=("", "_whole"))
        rest = both["least_whole"] - both["most"]
        pooled[both.loc[(rest > 0) & (rest < tallies.rules.hide_below), "row"]] = True
    return sums.assign(pooled=pooled)


def _few(frame: pd.DataFrame, columns: list[str], tallies: Tallies) -> np.ndarray:
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    return of_few(frame, columns, tallies.levels, tallies.rules.hide_below, left_out)


def of_few(
    frame: pd.DataFrame, columns: list[str], levels: Sequence[Sequence[str]], least: int, left_out: pd.DataFrame
) -> np.ndarray:
    """Which rows too few people determine, or are left out so that a margin less its other parts does not tell of few.

    Args:
        frame: Rows of cells, with `cut`.
        columns: Of a number of people, or of answers beyond each person's first and of pairs of answers of one person.
        levels: That the rows are of.
        least: People that are enough.
        left_out: Places that the total leaves out.
    """
    when = [name for name in ("metric", "period", "now", "before", "stratum") if name in frame]
    frame = frame.reset_index(drop=True)

    def people(rows: pd.DataFrame) -> pd.Series:
        first, last = rows[columns[0]].astype(float), rows[columns[-1]].astype(float)
        return first if len(columns) == 1 else first**2 / (last - first).clip(lower=1e-3)

    def told(rows: pd.DataFrame) -> np.ndarray:
        count = people(rows).to_numpy()
        return (count > 0) & (count < least)

    frame = frame.assign(people_=people(frame))
    kept, before = ~told(frame), np.zeros(0, dtype=bool)
    while not np.array_equal(kept, before):
        before = kept.copy()
        for level, finer in ((one, other) for one in levels for other in levels if set(one) < set(other)):
            keys = [*when, *level]
            whole = frame[kept & (frame["cut"] == ALL.join(level)).to_numpy()]
            parts = frame[kept & (frame["cut"] == ALL.join(finer)).to_numpy()].reset_index(names="row")
            parts = _without(parts, left_out) if not level else parts
            sums = parts.groupby(keys, dropna=False)[columns].sum().reset_index()
            both = whole[keys].merge(sums, on=keys, how="left")[columns].fillna(0.0)
            bad = whole.loc[told(whole[columns].reset_index(drop=True) - both), keys]
            smallest = parts.merge(bad, on=keys).sort_values("people_").drop_duplicates(keys)
            kept[smallest["row"]] = False
    return ~kept


def record(whole: Tallies, masked: Tallies, key: str) -> pd.DataFrame:
    """What is remembered of a release, so that what was late does not come out beside it by subtraction.

    It tells of hidden cells only that they changed. `cxkit.runs.history` compares records.

    Args:
        whole: Tallies before anything was hidden, with the total that is shown.
        masked: As they are shown.
        key: 16 characters that only this user's runs know.

    Returns:
        item, period, cut, <dimensions>, answer, n, w (of each answer of a shown cell how many, and their weight),
        people (of the cell), mark (a keyed hash; of a hidden cell all of it), hidden, out (which places the total
        leaves out), beside (a hash of what is told in the period beside the counts; blank where nothing is).
    """
    keys = ["item", "period", "cut", *whole.by]
    filled = dict.fromkeys(whole.by, "")
    counts = whole.counts.fillna(filled)
    texts = counts.astype(dict.fromkeys(keys, "object"))
    marks = hash_pandas_object(texts, index=False, hash_key=key).to_numpy("uint64")
    cells = people(whole).fillna(filled)[[*keys, "n"]].rename(columns={"n": "people"})
    gone = masked.hidden.fillna(filled)[keys].drop_duplicates().assign(hidden=True)
    rows = counts[[*keys, "answer", "n", "w"]].assign(mark=marks).merge(cells, on=keys).merge(gone, on=keys, how="left")
    rows["hidden"] = rows["hidden"].notna()
    hidden = rows[rows["hidden"]].groupby(keys, as_index=False)["mark"].sum().assign(hidden=True)
    left = whole.provenance.get("withheld", [])
    out = {item: json.dumps([one for one in left if one["item"] == item]) for item in rows["item"].unique()}
    told = pd.concat([rows[~rows["hidden"]], hidden], ignore_index=True)
    beside = [one for part in BESIDE for one in masked.provenance.get(part) or []]
    mark = hashlib.blake2b(json.dumps(beside).encode(), key=key.encode()).hexdigest() if beside else ""
    periods = {one["period"] for one in beside}
    marked = told["period"].isin(periods).map({True: mark, False: ""})
    found: pd.DataFrame = told.assign(out=told["item"].map(out), beside=marked)
    return found


# What a reader can add up ---------------------------------------------------------------------------------------------


def _known(tallies: Tallies, cells: pd.DataFrame) -> Cells:
    """What suppression has to know of every cell."""
    n, minimum = cells["n"].to_numpy(float), tallies.rules.hide_below
    few = (n > 0) & (n < minimum)
    once = cells["item"].isin(tallies.provenance.get("once", ())).to_numpy(bool)
    most = np.where(cells["people"].isna() | once, minimum - 1.0, np.inf)  # few people may give many answers
    item, items = pd.factorize(cells["item"])
    answers, cost = cells["answers"].to_numpy(float), worth(cells, tallies.by)
    if "monthly" in tallies.provenance:
        cost[cells["cut"] == ""] += DEAREST  # everybody less who left is everybody of the next month
    codes, scales = _codes(tallies, cells, list(items))
    who, tied = members(tallies, cells), alike(cells, tallies.by)
    return Cells(n, answers, few, most, once, cost, who, item, codes, scales, tied)


def alike(cells: pd.DataFrame, by: Sequence[str]) -> Ints:
    """A number that cells of one period and place share which about the same people answered.

    Of two items in order of size these are the half or more. They are hidden together: where one item hid a cell and
    another showed it, comparing them would tell the base of the one, and, of metrics that read one column, how many
    answered alike. Each place is judged by itself: an item may be asked only lately, or in some places.
    """
    place, n = cells.groupby(["period", *by, "cut"], dropna=False).ngroup().to_numpy(), cells["answers"].to_numpy(float)
    order = np.lexsort((n, place))
    begins = (np.diff(place[order], prepend=-1) > 0) | (np.append(0.0, n[order][:-1]) < SAME * n[order])
    tied = np.empty(len(n), np.int64)
    tied[order] = np.cumsum(begins)
    return tied


def moving(tallies: Tallies, cells: pd.DataFrame) -> Ints:
    """A number that cells share which are hidden together because the same customers are in them month after month.

    Who is there next month is who is there now, less who left, and who joined, so that months tell of each other, and
    the first hidden one would be what the month before it left. All months of a level are hidden together; of levels
    that customers pass through, such as bands of tenure, nobody knows who moved, and all of them are. Months of
    everybody tell of nobody else.
    """
    passed = tallies.provenance.get("monthly")
    if passed is None:
        return np.arange(len(cells))
    places = cells[["item", "period", *tallies.by, "cut"]].astype(object)
    places.loc[places[passed].notna().any(axis=1), passed] = BLANK
    places.loc[places["cut"] != "", "period"] = BLANK
    return places.groupby(list(places), dropna=False).ngroup().to_numpy().astype(np.int64)


def _every_month(gone: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Hidden cells, of a level with all its months: one in which nobody is left would say that all had gone."""
    if "monthly" not in tallies.provenance:
        return gone
    level = gone["cut"] != ""
    keys = ["item", *tallies.by, "cut", "reason"]
    months = gone.loc[level, keys].drop_duplicates().merge(pd.DataFrame({"period": tallies.periods}), how="cross")
    found: pd.DataFrame = pd.concat([gone[~level], months], ignore_index=True)
    return found


def _with_same(gone: pd.DataFrame, tallies: Tallies) -> pd.DataFrame:
    """Hidden cells, with those of an item that asks whether two columns say the `same` which hold one where they do.

    Where a run crosses both columns, whose answers are the same lies in the cells of that table: their share in a
    channel, less the cells that are shown, would be the base of a hidden one.
    """
    found, counts = [gone], tallies.counts
    for item, sides in tallies.provenance.get("same", {}).items():
        own = counts[counts["item"] == item]
        for level in [one for one in tallies.levels if all(set(one) & set(side) for side in sides)]:
            name, keys = ALL.join(level), ["period", *level]
            agreed = own.loc[(own["cut"] == name) & (own["answer"] == 1), keys].drop_duplicates()
            few = gone.loc[gone["cut"] == name, keys].drop_duplicates().merge(agreed)
            for other in tallies.levels:
                cells = own.loc[own["cut"] == ALL.join(other), ["item", "period", *tallies.by, "cut"]].drop_duplicates()
                shared = ["period", *(one for one in other if one in level)]
                found.append(cells.merge(few[shared].drop_duplicates()).assign(reason="given away"))
    keys = ["item", "period", *tallies.by, "cut"]
    return pd.concat(found, ignore_index=True).drop_duplicates(keys, ignore_index=True) if found[1:] else gone


def families(cells: pd.DataFrame, places: Sequence[str]) -> pd.Series:
    """A number that items share which about the same people answered in any period, where both were asked.

    Args:
        cells: Of one level, from `people`.
        places: Its dimensions.
    """
    tables = cells.pivot_table("answers", "item", ["period", *places], "sum", fill_value=0)
    n, (period, _) = tables.to_numpy(float), pd.factorize(tables.columns.get_level_values("period"))
    of = np.eye(period.max(initial=-1) + 1)[period]  # which period each cell is in
    own = np.stack([(one * (n > 0)) @ of for one in n])  # of an item, where another has answers
    near = ((own >= SAME * own.swapaxes(0, 1)) & (own.swapaxes(0, 1) >= SAME * own) & (own > 0)).any(axis=2)
    return pd.Series(connected_components(near, directed=False)[1], tables.index)


def members(tallies: Tallies, cells: pd.DataFrame) -> dict[int, frozenset[object]]:
    """Who is in each small cell, as far as the tallies know; an answer of nobody known is a person of its own."""
    if tallies.members.empty:
        return {}
    keys = ["item", "period", *tallies.by, "cut"]
    found = tallies.members.merge(cells[keys].assign(cell=np.arange(len(cells))), on=keys)
    who = found["who"].where(found["who"].notna(), pd.Series(range(len(found)), found.index).map(lambda i: (i,)))
    rows = who.groupby(found["cell"].to_numpy()).indices
    return {int(str(cell)): frozenset(who.iloc[own]) for cell, own in rows.items()}


def _codes(tallies: Tallies, cells: pd.DataFrame, items: Sequence[str]) -> tuple[Floats, list[Scale]]:
    """The answers of every cell by code, and their weights; and the scales of metrics, as `Cells` has them."""
    scaled = [metric for metric in tallies.metrics.values() if metric.values and metric.statistic != "quantile"]
    metrics = [metric for metric in scaled if metric.item in items]  # of the others nothing is left to hide
    codes = np.unique([code for metric in metrics for code in metric.values])
    keys = ["item", "period", *tallies.by, "cut"]
    counts = tallies.counts[tallies.counts["answer"].isin(codes)]
    counts = counts.merge(cells[keys].assign(cell=np.arange(len(cells))), on=keys)
    table, size = np.zeros((len(cells), 2 * len(codes))), len(codes)
    mean = counts.groupby("item")["w"].transform("sum") / counts.groupby("item")["n"].transform("sum")
    for start, each in ((0, counts["n"]), (size, counts["w"] / mean)):
        np.add.at(table, (counts["cell"], start + np.searchsorted(codes, counts["answer"])), each)
    weighted = not np.allclose(table[:, :size], table[:, size:])
    scales: list[Scale] = []
    for metric in metrics:
        order, (low, high) = sorted(metric.values, key=lambda code: metric.values[code]), metric.ends
        values = np.array([metric.values[code] for code in order]) / (high - low)
        columns = np.searchsorted(codes, order)
        scales += [(items.index(metric.item), columns + more, columns, values) for more in (0, size)[: 1 + weighted]]
    return table, scales


def _atoms(tallies: Tallies, cells: pd.DataFrame) -> dict[tuple[str, ...], Ints]:
    """The cell of each level in which every atom lies: the answers that all dimensions together tell apart.

    A total that leaves places out holds no atom of theirs. Tallies that do not know how their levels cut each other,
    such as those of a file, have the cells of their finest levels for atoms, so that only margins add up.
    """
    keys = ["item", "period"]
    atoms = tallies.joint if len(tallies.joint) else tallies.counts[[*keys, *tallies.by, "cut"]].drop_duplicates()
    left_out = pd.DataFrame(tallies.provenance.get("withheld", []))
    found: dict[tuple[str, ...], Ints] = {}
    for level in tallies.levels:
        own = cells.loc[cells["cut"] == ALL.join(level), [*keys, *level]]
        known = atoms[[*keys, *level]].merge(own.assign(cell=own.index), on=[*keys, *level], how="left")["cell"]
        found[level] = known.fillna(-1).to_numpy(np.int64, copy=True)
        if not level and len(left_out):
            names = list(left_out.columns)
            found[level][pd.MultiIndex.from_frame(atoms[names]).isin(pd.MultiIndex.from_frame(left_out))] = -1
    return found


def next_levels(level: Sequence[str], levels: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The finer levels that cut a level without another shown one between them."""
    finer = [other for other in levels if set(level) < set(other)]
    return [one for one in finer if not any(set(other) < set(one) for other in finer)]


def _without(frame: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """The rows of a frame that lie in none of some cells."""
    if frame.empty or gone.empty:
        return frame
    keys = [column for column in gone.columns if column in frame.columns and column not in ("n", "people", "reason")]
    found = frame.merge(gone[keys].drop_duplicates(), on=keys, how="left", indicator=True)["_merge"].to_numpy()
    kept: pd.DataFrame = frame[found != "both"].reset_index(drop=True)
    return kept
