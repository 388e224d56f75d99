"""What is odd about a column as a whole: scales, directions, ids, levels, repeated rows, and answers that were lost.

Each remark is a row of facts under a code; `schema.REMARKS` weighs and words the codes. Nothing here looks at rows:
counts per day, place and answer are asked of the engine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import add, or_
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxkit.input.answers import NO_NUMBER
from cxkit.input.databases import Column, Table, aggregated, collect, count, viewed
from cxkit.input.mapping import BLANK, Chosen
from cxkit.input.refusals import DUPLICATES, MISSING, are_lost, are_set_aside
from cxkit.input.responses import Responses
from cxkit.input.sources import FILE
from cxkit.input.values import indicator, text
from cxkit.input.waves import NO_WAVE
from cxkit.metrics import Metric
from cxkit.schema import LOSSES, REMARKS, WEIGHTS
from cxkit.tallies.quality import LEAST_REACH, People, Repeats
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where, chosen

COLUMNS = ["code", "weight", "about", "n", "of", "share", "cut", "level", "found", "more", "rows"]
TOLERATED = 0.1  # of answers or rows that may be lost before a run stops
NAMED = 5  # reasons, levels, answers that a remark lists
CHANCE, DOUBT = -20.7, -14.0  # log of 1 in a thousand million, by which nothing happens; of 1 in a million
ENOUGH = 30  # answers at the last place that is reached, where the next one has none; answers of a part that is judged
MANY = 0.2  # of the other answers lie where a part has none
AGAINST = 5.0  # standard errors
Row = dict[str, Any]
Counts = NDArray[np.float64]


def of_run(survey: Responses, where: Where) -> Responses:
    """The responses that a run is about."""
    return replace(survey, table=chosen(survey.table, where), judged=chosen(survey.judged, where))


def remarks(
    survey: Responses, tallies: Tallies, where: Where, people: People | None, repeats: Repeats | None
) -> pd.DataFrame:
    """Everything odd, the heaviest first: `COLUMNS`, where found and more are facts that the words name.

    Args:
        survey: The responses.
        tallies: Their tallies, whole.
        where: What was filtered before anything was counted.
        people: Who answered, from `quality`.
        repeats: Rows that repeat others, from `quality`.
    """
    metrics, own = {metric.item: metric for metric in reversed(tallies.metrics.values())}, of_run(survey, where)
    found = [
        *_rows_lost(survey), *_joins(survey), *_answers_lost(survey, own, tallies, list(metrics)),
        *_scales(own, tallies, metrics), *_directions(own, tallies), *_ids(survey), *_levels(tallies),
        *_totals(own, tallies, metrics),
        *_people(people), *_repeated(repeats),
    ]  # fmt: skip
    accepted = survey.mapping.accept
    told = {"rows": survey.mapping.rows}
    rows = [row | told | {"weight": _weight(row, accepted.get(row["about"], []))} for row in found]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame = frame.astype({"n": "Int64", "of": "Int64"} | dict.fromkeys(COLUMNS[-5:], "str"))
    frame["share"] = 100 * frame["n"].astype("float64") / frame["of"].astype("float64")
    order = frame["weight"].map({weight: i for i, weight in enumerate(WEIGHTS)})
    return frame.iloc[np.argsort(order.to_numpy(dtype="float64"), kind="stable")].reset_index(drop=True)


def listed(frame: pd.DataFrame) -> dict[str, list[Row]]:
    """Weight -> its remarks as `schema.remarked` takes them; what is not told is None."""
    rows: list[Row] = [
        {str(key): None if pd.isna(value) else value for key, value in row.items()} for row in frame.to_dict("records")
    ]
    return {weight: [row for row in rows if row["weight"] == weight] for weight in WEIGHTS}


def _remark(code: str, about: str, n: Any = None, of: Any = None, **facts: Any) -> Row:
    weight = facts.pop("weight", REMARKS[code].weight)
    facts = dict.fromkeys(COLUMNS[-5:], "") | facts
    return {"code": code, "about": about, "n": n, "of": of, "weight": weight, **facts}


def _weight(row: Row, accepted: Sequence[str | float]) -> str:
    """The weight of a remark, or "record" where the mapping accepts it: its code, or as large a share."""
    share = row["n"] / row["of"] if row["of"] else 0.0
    within = row["code"] in LOSSES and any(isinstance(one, float) and share <= one for one in accepted)
    return "record" if within or row["code"] in accepted else row["weight"]


def _names(found: Sequence[object]) -> str:
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(map(str, found[:NAMED])) + more


# What was lost --------------------------------------------------------------------------------------------------------


def _each(table: Table) -> Column:
    """How many answers a row stands for."""
    return table["count"] if "count" in table.columns else ibis.literal(1)


def _answers(table: Table) -> Column:
    """How many answers all rows stand for."""
    return table["count"].sum() if "count" in table.columns else table.count()


def _rows_lost(survey: Responses) -> Iterator[Row]:
    refused = survey.refused[survey.refused["item"] == "row"].groupby("reason", sort=False)["n"].sum()
    reasons = refused.index.to_series()
    used = int(aggregated(survey.table, _answers(survey.table))[0] or 0)
    of = used + int(refused[~are_set_aside(reasons)].sum())
    for code, gone in (("rows lost", are_lost(reasons)), ("rows blank", ~are_lost(reasons) & ~are_set_aside(reasons))):
        if n := int(refused[gone].sum()):
            weight = REMARKS[code].weight if n > TOLERATED * of else "record"
            listed = [f"{why}: {k:,}" for why, k in refused[gone].items()]
            yield _remark(code, "rows", n, of, weight=weight, found=_names(listed))
    if DUPLICATES in refused.index and (n := _differing(survey)):
        yield _remark("ids repeat", "response", n, of + n, weight="stop" if n > TOLERATED * (of + n) else "look")


def _joins(survey: Responses) -> Iterator[Row]:
    """Tables that are joined by a key that is not one."""
    for name, told in survey.joins.items():
        keyed = told["responses"] - told["keyless"]
        if not told["found"]:
            yield _remark("nothing joined", name, keyed, told["responses"])
        elif lost := keyed - told["found"]:
            yield _remark("keys not found", name, lost, keyed)
        if n := told.get("repeated"):
            yield _remark(
                "keys repeat", name, n, told["rows"], weight="stop" if n > TOLERATED * told["rows"] else "look"
            )


def _differing(survey: Responses) -> int:
    """How many rows repeat the id of a response, but not what it says."""
    roles = survey.mapping.columns
    rows = survey.rows.filter(survey.rows.problem_.isnull() | (survey.rows.problem_ == DUPLICATES))
    keys = [str(column) for column in (roles.response, roles.wave) if column]
    said = {column for item in survey.mapping.items.values() for column in item.columns.values()} | set(keys)
    said |= {dimension.column for dimension in survey.mapping.dimensions.values() if dimension.column}
    rows = rows.select(**{name: text(rows[name]) for name in sorted(said)}).filter(lambda t: t[keys[0]].notnull())
    return count(rows.distinct()) - count(rows.select(*keys).distinct())


def lost_reasons(survey: Responses, item: str) -> tuple[str, str]:
    """Why answers of an item were refused against the mapping, the most frequent first; and `labels` to write."""
    refused = survey.refused[(survey.refused["item"] == item) & are_lost(survey.refused["reason"])]
    summed = refused.groupby("reason", sort=False)["n"].sum().sort_values(ascending=False, kind="stable")
    words = [why.removeprefix(f"{NO_NUMBER}: ") for why in summed.index if why.startswith(f"{NO_NUMBER}: ")]
    labels = ", ".join(f"{word!r}: ..." for word in words[: 2 * NAMED])
    return _names([f"{why}: {n:,}" for why, n in summed.items()]), f"labels: {{{labels}}}" if labels else ""


def _answers_lost(survey: Responses, own: Responses, tallies: Tallies, items: Sequence[str]) -> Iterator[Row]:
    """What the items of the run lost: over all, in the periods that are compared, in a place."""
    refused, total = survey.refused, tallies.counts[tallies.counts["cut"] == tallies.counts["cut"].min()]
    lost = refused[are_lost(refused["reason"])].groupby("item")["n"].sum()
    each = _each(survey.table)
    sums = (survey.table[item].notnull().ifelse(each, 0).sum() for item in items)
    rows, *used = (int(n or 0) for n in aggregated(survey.table, _answers(survey.table), *sums))
    before = int(lost.get("row", 0))  # rows that are lost already: too many of them are a remark of their own
    before = before if before <= TOLERATED * (rows + before) else 0
    parts = lost_parts(own, tallies, [item for item in items if lost.get(item, 0)])
    now = tallies.compared[-1][0] if tallies.compared else None
    pair = (now, *(one for at, one in tallies.compared if at == now)) if now else tuple(tallies.periods[-1:])
    for item, answered in zip(items, used, strict=True):
        n, there = int(lost.get(item, 0)), total[total["item"] == item].groupby("period")["n"].sum()
        found, more = lost_reasons(survey, item) if n else ("", "")
        if not there.sum():
            yield _remark("nothing used", item, rows, rows, found=found, more=more)
            continue
        much = n + before > TOLERATED * (answered + n + before)
        if n:
            weight = REMARKS["answers lost"].weight if much else "record"
            yield _remark("answers lost", item, n, n + answered, found=found, more=more, weight=weight)
        part = parts[parts["item"] == item]
        gone = part[part["cut"] == ""].groupby("period")["n"].sum()
        for period in pair:
            k, of = int(gone.get(period, 0)), int(there.get(period, 0) + gone.get(period, 0))
            if not much and k >= NAMED and k > TOLERATED * of:
                yield _remark("lost in a period", item, k, of, found=period, more=more)
            elif not of and period == pair[0]:
                yield _remark("none now", item, found=period)
        cuts = survey.mapping.dimensions
        made = [name for name, cut in cuts.items() if cut.item == item]  # of the item: what it lost has no level there
        part = part[~part["cut"].isin(["", *made]) & part["period"].isin(pair[:1])]
        yield from _places_lost(part, tallies, item, n / max(n + answered, 1))


def _places_lost(own: pd.DataFrame, tallies: Tallies, item: str, usual: float) -> Iterator[Row]:
    """Places that lose more than a tenth, and much more than is lost over all."""
    counts = tallies.counts[tallies.counts["item"] == item]
    for row in own.to_dict("records"):
        cell = (counts["cut"] == row["cut"]) & (counts["period"] == row["period"])
        n, there = int(row["n"]), int(counts.loc[cell & (counts[row["cut"]] == row["level"]), "n"].sum())
        if n > max(TOLERATED, 2 * usual) * (n + there):
            yield _remark("lost in a place", item, n, n + there, cut=row["cut"], level=row["level"])


def lost_parts(survey: Responses, tallies: Tallies, items: Sequence[str]) -> pd.DataFrame:
    """Answers that were refused against the mapping: item, period, cut ("" of all), level, n."""
    columns = ["item", "period", "cut", "level", "n"]
    if not items:
        return pd.DataFrame(columns=columns)
    table = survey.judged
    names = list(survey.mapping.items)
    whys = {item: table[f"why_{names.index(item)}"] for item in items}
    kept = {
        item: (why.notnull() & ~reduce(or_, map(why.startswith, MISSING))).ifelse(_each(table), 0)
        for item, why in whys.items()
    }
    calendar, frames = tallies.calendar, []
    for name in ("", *(level[0] for level in tallies.levels if len(level) == 1)):
        level = table[name] if name else ibis.literal("")
        cells = table.select(
            period=calendar.cut(table), level=level, **{f"n_{i}": one for i, one in enumerate(kept.values())}
        )
        sums = {f"n_{i}": cells[f"n_{i}"].sum() for i in range(len(kept))}
        frame = collect(cells.group_by("period", "level").agg(**{name: n.cast("int64") for name, n in sums.items()}))
        frame["period"] = frame["period"].map(str if survey.waves else calendar.label)
        for i, item in enumerate(items):
            frames.append(frame[["period", "level"]].assign(item=item, cut=name, n=frame[f"n_{i}"])[columns])
    found = pd.concat(frames, ignore_index=True)
    return found[found["n"] > 0].sort_values(columns[:-1], kind="stable")


# Scales ---------------------------------------------------------------------------------------------------------------


class _Narrow(NamedTuple):
    """A part that never leaves a narrower range than the other answers do, and how unlikely that is by chance (log)."""

    low: float
    high: float
    chance: float
    share: float
    n: float
    different: float


def _scales(survey: Responses, tallies: Tallies, metrics: dict[str, Metric]) -> Iterator[Row]:
    """Ends of a scale that nobody says, and parts of the time, or levels, that keep to a narrower scale."""
    for item, metric in metrics.items():
        low, high = metric.scale
        if not metric.values or high - low < LEAST_REACH or survey.mapping.items[item].minus:
            continue
        each = _daily(survey, tallies, item)
        answers, counts = each.columns.to_numpy(dtype="float64"), each.to_numpy(dtype="float64")
        if not counts.size:
            continue
        said, total = partial(_said, low + high if survey.mapping.items[item].reversed else None), counts.sum(0)
        for end, at in ((low, 0), (high, -1)):
            if answers[at] != end and total[at] >= ENOUGH:
                n = int(total[at])
                yield _remark(
                    "end not reached", item, n, int(total.sum()), found=f"{said(end):g}", more=f"{said(answers[at]):g}"
                )
        part = _changed(counts, answers, each.index, survey, tallies) if len(each) > 1 else None
        if part:
            yield _narrower("scale changed", "scale may change", metric, said, *part)
        own = [level[0] for level in tallies.levels if len(level) == 1]
        # What changes with time differs between files and other levels, too: said once.
        others = [] if part else [*survey.mapping.dimensions, *({FILE} & set(survey.table.columns))]
        for name, wide in _cells(survey, tallies, item, list(dict.fromkeys([*own, *others]))).items():
            yield from _by_level(name, wide, metric, said)


def _said(turn: float | None, answer: float) -> float:
    """An answer as it stands in the data, also where the mapping reverses it."""
    return answer if turn is None else turn - answer


def _narrower(code: str, weaker: str, metric: Metric, said: Any, part: _Narrow, when: str = "", **place: str) -> Row:
    low, high = sorted((said(part.low), said(part.high)))
    natural = low in (metric.scale[0], 0, 1) and high in (metric.scale[1], 3, 4, 5, 6, 7, 10)
    sure = natural and part.chance < CHANCE and part.share >= MANY and part.n >= ENOUGH and part.different > 2
    scale = f"{low:g}-{high:g}"
    return _remark(code if sure else weaker, metric.item, int(part.n), None, found=when, more=scale, **place)


def _daily(survey: Responses, tallies: Tallies, item: str) -> pd.DataFrame:
    """How many gave each answer on each day, or in each wave, in order."""
    table = survey.table.filter(survey.table[item].notnull())
    roles = survey.mapping.columns
    when = table.wave if survey.waves else table.time.date() if roles.time else ibis.literal("")
    cells = table.select(when=when, answer=table[item], n=_each(table))
    frame = collect(cells.group_by("when", "answer").agg(n=cells.n.sum().cast("float64")))
    wide = frame.pivot(index="when", columns="answer", values="n").fillna(0)
    return wide.reindex(survey.waves.waves).dropna() if survey.waves else wide.sort_index()


def _ends(counts: Counts, answers: Counts) -> tuple[Counts, Counts]:
    """The lowest and the highest answer of each row of counts."""
    there = counts > 0
    return answers[there.argmax(axis=1)], answers[counts.shape[1] - 1 - there[:, ::-1].argmax(1)]


def _unlikely(parts: Counts, rest: Counts, answers: Counts) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    """Of each part: its ends, the log of the chance that none of it lies beyond, the share of the rest that does, n."""
    n, others = parts.sum(1), rest.sum(1)
    low, high = _ends(parts, answers)
    shares = [(rest * beyond).sum(1) / np.maximum(others, 1) for beyond in
              (answers > high[:, None], answers < low[:, None])]  # fmt: skip
    share = np.where((n > 0) & (others > 0), np.maximum(*shares), 0.0)
    with np.errstate(divide="ignore"):
        chance = np.where(n > 0, n * np.log1p(-np.minimum(share, 1 - 1e-12)), 0.0)
    return low, high, chance, share, n


def _narrowest(parts: Counts, rest: Counts, answers: Counts) -> tuple[int, _Narrow] | None:
    low, high, chance, share, n = _unlikely(parts, rest, answers)
    at = int(np.argmin(chance))
    return (
        (at, _Narrow(low[at], high[at], chance[at], share[at], n[at], (parts[at] > 0).sum()))
        if chance[at] < DOUBT
        else None
    )


def _changed(
    counts: Counts, answers: Counts, days: pd.Index, survey: Responses, tallies: Tallies
) -> tuple[_Narrow, str] | None:
    """The most unlikely narrow part of the time: until a day, from a day on, or a period."""
    after = counts[::-1].cumsum(0)[::-1][1:]
    before = counts.cumsum(0)[:-1]
    label: Callable[[Any], str] = str if survey.waves else tallies.calendar.label
    names = np.array([label(day) for day in days])
    order = list(dict.fromkeys(names))
    periods = np.stack([counts[names == name].sum(0) for name in order])
    kinds = (
        (after, before, [f"from {day} on" for day in days[1:]]),
        (before, after, [f"until {day}" for day in days[:-1]]),
        (periods, counts.sum(0) - periods, [f"in {name}" for name in order]),
    )
    found = [(one[1], said[one[0]]) for *parts, said in kinds if (one := _narrowest(parts[0], parts[1], answers))]
    return min(found, key=lambda one: one[0].chance) if found else None


def _cells(survey: Responses, tallies: Tallies, item: str, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Per dimension, whether the run cuts by it or not, or for the files: how many gave each answer in each level."""
    counts, table = tallies.counts[tallies.counts["item"] == item], survey.table
    asked = [name for name in names if (name,) not in tallies.levels]
    parts = [table.select(cut=ibis.literal(name), level=table[name].cast("string"), answer=table[item], n=_each(table))
             for name in asked]  # fmt: skip
    rows = ibis.union(*parts, distinct=False).filter(lambda t: t.answer.notnull()) if parts else None
    given = {"n": lambda t: t.n.sum().cast("float64")}
    frame = counts if rows is None else collect(rows.group_by("cut", "level", "answer").agg(**given))
    found = {}
    for name in names:
        key, of = ("level", frame) if name in asked else (name, counts)
        of = of[of["cut"] == name]
        of = of.assign(level=of["level"].astype("int64")) if name == FILE else of
        wide = of.pivot_table(index=key, columns="answer", values="n", aggfunc="sum", fill_value=0)
        found[name] = wide.rename(index=lambda i: Path(str(survey.files[i]["path"])).name) if name == FILE else wide
    return found


def _by_level(name: str, wide: pd.DataFrame, metric: Metric, said: Any) -> Iterator[Row]:
    """Levels of a dimension, or files, that keep to a narrower scale than the others."""
    low, high = metric.scale
    parts, answers = wide.to_numpy(dtype="float64"), wide.columns.to_numpy(dtype="float64")
    if len(parts) < 2:
        return
    ends = np.sort(np.stack(_ends(parts, answers), axis=1), axis=0)
    if (ends[1:, 0] > ends[:-1, 1]).all():  # made of the answers, as promoters and detractors are
        return
    lows, highs, chance, share, n = _unlikely(parts, parts.sum(0) - parts, answers)
    cut = "file" if name == FILE else name
    for i in np.flatnonzero((chance < CHANCE) & ((parts > 0).sum(1) > 1)):
        # A poor place says little above the middle, but then it does not pile up where a shorter scale would end.
        top = parts[i][answers == highs[i]].sum() / n[i]
        short = highs[i] - lows[i] <= 0.6 * (high - low) and top >= MANY and n[i] >= 2 * ENOUGH
        one = _Narrow(lows[i], highs[i], chance[i] if short else 0.0, share[i], n[i], (parts[i] > 0).sum())
        yield _narrower("scale differs", "scale may differ", metric, said, one, cut=cut, level=str(wide.index[int(i)]))


# Directions -----------------------------------------------------------------------------------------------------------


def _directions(survey: Responses, tallies: Tallies) -> Iterator[Row]:
    """The item that runs against the others, over all or in a period: it is probably counted from the other end."""
    table, places = survey.table, {}
    for item, declared in survey.mapping.items.items():
        if isinstance(declared, Chosen) or declared.minus:  # options of one question, or items, run against each other
            continue
        metric = next(iter(survey.mapping.metrics_of(item).values()))
        values = [metric.values[answer] for answer in sorted(metric.values)]
        (low, high), steps = metric.scale, np.diff(values)
        if len(values) > 1 and metric.better and ((steps >= 0).all() or (steps <= 0).all()):
            place = (table[item] - low) / (high - low)
            rising = (steps >= 0).all() == (metric.better == "higher")
            places[item] = place if rising else 1 - place
    if len(places) < 2 or "count" in table.columns:
        return
    when = tallies.calendar.cut(table) if {"time", "wave"} & set(table.columns) else ibis.literal("")
    cells = table.select(when=when, **{f"x_{i}": place.cast("float64") for i, place in enumerate(places.values())})
    with viewed(cells) as named, viewed(_totalled(named, len(places))) as cells:  # else each sum spells out all places
        sums: dict[str, Any] = {}
        for i in range(len(places)):
            x = cells[f"x_{i}"]
            both = x.notnull() & (cells.answered > 1)
            y = (cells.total - x) / (cells.answered - 1).cast("float64").nullif(0.0)
            products = {"n": indicator(both).cast("float64"), "x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y}
            sums |= {f"{name}_{i}": one.sum(where=both) for name, one in products.items()}
        frame = collect(cells.group_by("when").agg(**sums)).fillna(0.0).sort_values("when")
    label = str if survey.waves else tallies.calendar.label
    whole = frame.drop(columns="when").sum().to_frame().T
    names = list(places)
    for part, words in [(whole, None), *((frame[i : i + 1], label) for i in range(len(frame)))]:
        against = [(_correlation(part, i), i) for i in range(len(names))]
        (r, n), i = min(against, key=lambda one: one[0][0])
        if r < -MANY and r * np.sqrt(n) < -AGAINST:
            period = words(part["when"].iloc[0]) if words else ""
            yield _remark("runs against", names[i], int(n), None, found=period, more=f"{r:.2f}")
            if not period:
                return


def _totalled(cells: Table, n: int) -> Table:
    """With how many of `n` columns are answered in each row, and their sum."""
    columns = [cells[f"x_{i}"] for i in range(n)]
    answered = reduce(add, (indicator(column.notnull()) for column in columns))
    return cells.mutate(answered=answered, total=reduce(add, (column.fill_null(0.0) for column in columns)))


def _correlation(sums: pd.DataFrame, i: int) -> tuple[float, float]:
    n, x, y, xx, yy, xy = (float(sums[f"{name}_{i}"].iloc[0]) for name in ("n", "x", "y", "xx", "yy", "xy"))
    if n < ENOUGH or n * xx - x * x <= 1e-9 * n or n * yy - y * y <= 1e-9 * n:
        return 0.0, n
    return (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)), n


# Ids, people, levels, rows --------------------------------------------------------------------------------------------


def _ids(survey: Responses) -> Iterator[Row]:
    """Ids that differ by capitals or a `.0` only: one of two files has lost the form of a number, or of a word."""
    table = survey.table
    for role in ("response", "respondent", "cluster"):
        if role not in table.columns or not table[role].type().is_string():
            continue
        raw, folded = table[role], table[role].lower().re_replace(r"\.0$", "")
        if not aggregated(table, ((raw != raw.lower()) | raw.endswith(".0")).any())[0]:
            continue
        each = table.select(id=table[role], folded=folded).filter(lambda t: t.id.notnull()).distinct()
        alike = each.group_by("folded").agg(k=lambda t: t.count(), one=lambda t: t.id.min())
        k, n, example = aggregated(alike, (alike.k > 1).sum(), alike.count(), alike.one.min(where=alike.k > 1))
        if k:
            yield _remark("ids alike", role, int(k), int(n), found=str(example))


def _people(people: People | None) -> Iterator[Row]:
    if people and people.most >= ENOUGH and people.most >= 0.02 * people.n:
        others = (people.n - people.most) / max(people.people - 1, 1)
        if people.most >= 10 * others:
            yield _remark("one respondent", "respondent", people.most, people.n)


def _repeated(repeats: Repeats | None) -> Iterator[Row]:
    if not repeats:
        return
    if repeats.whole:
        yield _remark("rows repeat", "rows", repeats.whole, repeats.rows, found=repeats.span)
    elif repeats.known and repeats.n >= max(NAMED, 0.01 * repeats.rows):
        yield _remark("rows repeat", "rows", repeats.n, repeats.rows)


def _totals(survey: Responses, tallies: Tallies, metrics: dict[str, Metric]) -> Iterator[Row]:
    """Levels of a table of counts that are the sum of all others, answer for answer, as `England` beside its trusts."""
    names = list(survey.mapping.dimensions) if "count" in survey.table.columns else []
    held = [(item, _cells(survey, tallies, item, names)) for item in metrics]
    for item, name, wide in ((item, name, wide) for item, cells in held for name, wide in cells.items()):
        whole = wide.sum()
        many = len(wide) > 2 and whole.sum() >= 2 * ENOUGH and (whole > 0).sum() > 2
        for level in wide.index[(2 * wide == whole).all(axis=1)] if many else ():
            yield _remark("level is a total", item, int(whole.sum() / 2), int(whole.sum()), cut=name, level=str(level))


def _levels(tallies: Tallies) -> Iterator[Row]:
    """Levels that only look different, and levels that stand for nothing."""
    for name in tallies.by:
        folded: dict[str, list[str]] = {}
        for level in tallies.values[name]:
            key = " ".join(unicodedata.normalize("NFKC", level).casefold().split())
            folded.setdefault(key.removesuffix(".0"), []).append(level)
        alike = [" / ".join(map(repr, levels)) for levels in folded.values() if len(levels) > 1]
        if alike:
            yield _remark("levels alike", name, found=_names(alike))
        nothing = [level for level in tallies.values[name] if level != BLANK and level.strip().casefold() in NO_WAVE]
        if nothing:
            yield _remark("stands for nothing", name, found=_names(list(map(repr, nothing))))
