"""The audit of a run's data: what was read, what was not, whether parts add up, and what to know first."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import pandas as pd

from cxkit.input.answers import answer
from cxkit.input.databases import aggregated, collect
from cxkit.input.refusals import MISSING, are_lost, are_set_aside, followed
from cxkit.input.responses import Responses
from cxkit.input.shapes import NUMBER
from cxkit.input.sources import read_as
from cxkit.schema import ALL
from cxkit.tallies import quality
from cxkit.tallies.remarks import remarks
from cxkit.tallies.tallies import Tallies
from cxkit.tallies.tally import Where

SUMS = "they would with a misread column, too"
SHOWN_ROWS = 3  # first rows that are named for each reason
FEW_LEVELS = 60  # levels of a dimension that are compared between waves


def audit(
    survey: Responses, tallies: Tallies, *, invited: Mapping[str, int] | None = None, where: Where | None = None
) -> dict[str, pd.DataFrame]:
    """What a run's data are like, as small frames by part.

    Args:
        survey: The responses.
        tallies: Their tallies, whole: nothing hidden yet.
        invited: Period -> how many people were asked, where that is known.
        where: As `tally` took it.

    Returns:
        remarks: code, weight, about, n, of, share, found, more: what is odd, as `schema.REMARKS` words it.
        files: file, rows, read: the layout, and what was left out.
        joins: fact, value: of each table that the mapping joins, what found a partner and what did not; only with some.
        answers: item, column, rows, used, missing, refused, share (percent used); rows that are refused count.
        refused: item, reason, n, rows: the first rows, as numbers from 1 below the headers.
        respondents: fact, value: people, repeat answers, rows that repeat others.
        straightlining: items, answered, alike: how many gave every answer at one place of its scale.
        weights: fact, value: range, design effect, effective share.
        time: fact, value: zone, first and last day, whether the last period is whole.
        response: period, invited, answered, rate (percent).
        waves: dimension, period, before, gone, new: levels that do not occur in both of two successive waves.
        reports: dimension, level, n, share: of all answers of the first item, in percent; absent where too few to show.
        checks: check, held, detail: sums and totals that have to fit together.

    >>> import cxkit as cx
    >>> survey = cx.read("sample")
    >>> found = audit(survey, cx.tally(survey, ["nps"], by=["brand"]))
    >>> bool(found["checks"]["held"].all())
    True
    """
    known, repeated = quality.people(survey), quality.repeats(survey)
    return {
        "remarks": remarks(survey, tallies, where or {}, known, repeated),
        "files": _files(survey),
        **({"joins": joins} if len(joins := _joins(survey)) else {}),
        "answers": _answers(survey),
        "refused": _refused(survey),
        "respondents": quality.respondents(survey, known, repeated),
        "straightlining": quality.straightlining(survey),
        "weights": quality.weights(survey),
        "time": quality.time(survey, tallies),
        "response": response(tallies, invited or {}),
        "waves": _waves(survey),
        "reports": reports(tallies),
        "checks": checks(tallies),
    }


def kept(found: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """The audit as JSON-ready data, to lie in the provenance of tallies."""
    return {name: json.loads(frame.to_json(orient="split", index=False)) for name, frame in found.items()}


def audited(tallies: Tallies) -> dict[str, pd.DataFrame]:
    """The audit that a run has put beside its tallies; empty where there is none.

    >>> import cxkit as cx
    >>> audited(cx.tally(cx.read("sample"), ["nps"]))
    {}
    """
    data = tallies.provenance.get("audit", {})
    return {name: pd.DataFrame(part["data"], columns=part["columns"]) for name, part in data.items()}


def spelled(found: Mapping[str, pd.DataFrame]) -> list[str]:
    """The audit in lines of text, for a terminal."""
    lines = []
    for name, frame in found.items():
        if name == "remarks":  # they come last, where they are seen
            continue
        if name == "checks":
            lines.append(f"checks: {int(frame['held'].sum())} of {len(frame)} sums hold; {SUMS}")
            frame = frame[~frame["held"].astype(bool)]
        for row in frame.to_dict("records"):
            words = [f"{key} {_word(value)}" for key, value in row.items() if _word(value)]
            lines.append(f"{name}: {_line(name, row) or ', '.join(words)}")
    return lines


_FACT = "{fact}: {value}"
_LINES = {
    "joins": _FACT, "respondents": _FACT, "weights": _FACT, "time": _FACT,
    "checks": "BROKEN: {check}: {detail}",
    "answers": "{item} ({column}): {used:,} of {rows:,} used ({share:.1f} %), {missing:,} missing, {refused:,} refused",
    "straightlining": "{items}: {alike:,} of {answered:,} who answered all gave one answer throughout",
}  # fmt: skip


def _line(name: str, row: Mapping[Any, Any]) -> str:
    if name in _LINES:
        return _LINES[name].format_map(row)
    if name == "files":
        return f"{row['file']}: {_word(row['rows'])} rows{'; ' if row['read'] else ''}{row['read']}"
    if name == "reports":
        few = pd.isna(row["n"])
        said = "too few answers to say how many" if few else f"{row['n']:,.0f} answers, {row['share']:.1f} %"
        return f"{row['dimension']} {row['level']}: {said}"
    if name == "refused":
        rows = f", first in rows {row['rows']}" if row["rows"] else ""
        return f"{row['item']}: {row['reason']}: {row['n']:,}{rows}"
    return ""


def _word(value: Any) -> str:
    if value is None or pd.isna(value):
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if isinstance(value, float) else str(value)


# Files, answers and refusals ------------------------------------------------------------------------------------------


def _files(survey: Responses) -> pd.DataFrame:
    """What was read, and how: layout, columns that were left out, zone."""
    read = [(str(file["path"]), file["rows"], "; ".join(read_as(file))) for file in survey.files]
    return pd.DataFrame(read, columns=["file", "rows", "read"])


def _joins(survey: Responses) -> pd.DataFrame:
    """What was joined, seen from both sides."""
    facts = {}
    for name, told in survey.joins.items():
        strangers = told["responses"] - told["keyless"] - told["found"]
        twice = f"{told.get('repeated', 0):,} that share theirs with another row"
        left = f"{told['later']:,} later than what counts" if "later" in told else twice
        facts[f"{name}: responses that found a row"] = (
            f"{_of(told['found'], told['responses'])}; {told['keyless']:,} have no {told['key']}, "
            f"{strangers:,} one that is not there or not once"
        )
        facts[f"{name}: rows that a response names"] = (
            f"{_of(told['used'], told['rows'])}; {told['blank']:,} without a key and {left} are joined to none"
        )
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="str")


def _of(n: int, of: int) -> str:
    return f"{n:,} of {of:,} ({100 * n / max(of, 1):.1f} %)"


def _answers(survey: Responses) -> pd.DataFrame:
    items = survey.mapping.items
    table = survey.table
    each = table["count"] if "count" in table.columns else ibis.literal(1)
    used = aggregated(table, *(table[item].notnull().ifelse(each, 0).sum().cast("int64") for item in items))
    refused = survey.refused.assign(lost=are_lost(survey.refused["reason"]))
    by_item = refused[~are_set_aside(refused["reason"])].groupby(["item", "lost"])["n"].sum()
    missing, lost = (int(by_item.get(("row", gone), 0)) for gone in (False, True))
    frame = pd.DataFrame(
        {
            "item": list(items),
            "column": [
                item.column or (" to " if item.start else ", ").join(item.columns.values()) for item in items.values()
            ],
            "used": [n or 0 for n in used],
            "missing": [missing + int(by_item.get((item, False), 0)) for item in items],
            "refused": [lost + int(by_item.get((item, True), 0)) for item in items],
        }
    )
    frame.insert(2, "rows", frame["used"] + frame["missing"] + frame["refused"])
    frame["share"] = 100 * frame["used"] / frame["rows"].clip(lower=1)
    return frame


def _refused(survey: Responses) -> pd.DataFrame:
    frame = survey.refused.groupby(["item", "reason"], sort=False)[["n"]].sum().reset_index()
    wanted = frame.loc[~frame["reason"].str.startswith(MISSING[:2]), "item"].unique()  # those need no example
    first = {(item, reason): rows for item in wanted for reason, rows in _first_rows(survey, str(item)).items()}
    rows = [first.get((item, reason), "") for item, reason in zip(frame["item"], frame["reason"], strict=True)]
    return frame.assign(rows=pd.Series(rows, dtype="str"))


def _first_rows(survey: Responses, item: str) -> dict[str, str]:
    """Reason -> the numbers of the first rows that it refused."""
    rows = survey.rows  # numbered before its repeated ids were looked for, which disturbs the order
    numbered = rows if NUMBER in rows.columns else rows.mutate(row_=ibis.row_number())
    if item == "row":
        why = numbered.select("row_", reason=numbered.problem_)
    else:
        usable = followed(numbered.filter(numbered.problem_.isnull()), survey.mapping)
        why = usable.select("row_", reason=answer(usable, survey.mapping, item)[1])
    why = why.filter(why.reason.notnull())
    ranked = why.mutate(rank_=ibis.row_number().over(group_by="reason", order_by="row_"))
    frame = collect(ranked.filter(ranked.rank_ < SHOWN_ROWS).order_by("reason", "row_"))
    names = frame["row_"].map(lambda row: _place(survey, int(row)))
    return {str(reason): ", ".join(part) for reason, part in names.groupby(frame["reason"])}


def _place(survey: Responses, row: int) -> str:
    """The number of a row from 1, with its file where there are several."""
    files = [file for file in survey.files if "joined" not in file]
    if len(files) == 1 or any(file["rows"] is None for file in files):
        return str(row + 1)
    ends = list(itertools.accumulate(int(file["rows"]) for file in files))
    i = next((i for i, end in enumerate(ends) if row < end), len(ends) - 1)
    return f"{files[i]['path']}:{row + 1 - (ends[i - 1] if i else 0)}"


# Rates, waves and shares ----------------------------------------------------------------------------------------------


def response(tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    """The response rate, where it is known how many were asked."""
    item = _first_item(tallies)
    place = tallies.counts["item"].eq(item) & tallies.counts["cut"].eq(tallies.counts["cut"].min())
    answered = tallies.counts[place].groupby("period")["n"].sum()
    rows = [(period, int(asked), int(answered.get(period, 0))) for period, asked in invited.items()]
    frame = pd.DataFrame(rows, columns=["period", "invited", "answered"])
    return frame.assign(rate=100 * frame["answered"] / frame["invited"].where(frame["invited"] > 0))


def _waves(survey: Responses) -> pd.DataFrame:
    """Levels that one of two successive waves (or years) does not have: most often, codes that changed."""
    table, found, years = survey.table, [], survey.mapping.calendar("wave" if survey.waves else "year")
    for name in survey.mapping.dimensions if {"wave", "time"} & set(table.columns) else ():
        pairs = collect(table.select(wave_=years.cut(table), level_=table[name]).distinct())
        named = pairs["wave_"].map(years.label if survey.waves is None else str)
        levels = {str(wave): set(part) for wave, part in pairs.groupby(named)["level_"]}
        if max(map(len, levels.values()), default=0) > FEW_LEVELS:
            continue
        order = [wave for wave in survey.waves.waves if wave in levels] if survey.waves else sorted(levels)
        for before, now in itertools.pairwise(order):
            gone, new = levels[before] - levels[now], levels[now] - levels[before]
            if gone or new:
                found.append((name, now, before, ", ".join(sorted(gone)), ", ".join(sorted(new))))
    return pd.DataFrame(found, columns=["dimension", "period", "before", "gone", "new"], dtype="str")


def reports(tallies: Tallies) -> pd.DataFrame:
    """How much of the data each value of a dimension uses."""
    if not len(tallies.counts):
        return pd.DataFrame({"dimension": [], "level": [], "n": [], "share": []})
    counts = tallies.counts[tallies.counts["item"] == _first_item(tallies)]
    frames = []
    for name in (level[0] for level in tallies.levels if len(level) == 1):
        n = counts[counts["cut"] == name].groupby(name)["n"].sum()
        total, n = max(int(n.sum()), 1), n.astype("Int64").mask(n < tallies.rules.hide_below)
        share = 100 * n.astype("Float64") / total
        frames.append(pd.DataFrame({"dimension": name, "level": n.index, "n": n.to_numpy(), "share": share.to_numpy()}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _first_item(tallies: Tallies) -> str:
    return next(iter(tallies.metrics.values())).item


def checks(tallies: Tallies) -> pd.DataFrame:
    """Sums and totals that have to fit together, because a blank is a level of its own.

    Args:
        tallies: Whole tallies: nothing hidden yet.

    Returns:
        check, held, detail: one row for each kind of sum, metric and pair of levels.
    """
    rows = []
    for metric in tallies.metrics.values():
        counts = tallies.counts[tallies.counts["item"] == metric.item]
        if not len(counts) or not metric.values:
            continue
        scored = counts.assign(s=counts["w"] * counts["answer"].map(dict(metric.values)))
        cells = scored.groupby(["cut", "period", *tallies.by], dropna=False, as_index=False)[["n", "w", "s"]].sum()
        for small, large in _nested(tallies):
            wide, narrow = (cells[cells["cut"] == tallies.cut(level)] for level in (small, large))
            rows += _nest_checks(metric.name, tallies, wide, narrow, small, large)
        share = counts["w"] / counts.groupby(["cut", "period", *tallies.by], dropna=False)["w"].transform("sum")
        sums = share.groupby([counts[key] for key in ["cut", "period", *tallies.by]], dropna=False).sum()
        worst = (100 * sums - 100).abs().max()
        rows.append((f"{metric.name}: shares sum to 100 in {len(sums):,} cells", worst < 1e-6, f"off by {worst:.1g}"))
    frame = pd.DataFrame(rows, columns=["check", "held", "detail"])
    return frame.assign(detail=frame["detail"].where(~frame["held"].astype(bool), ""))


def _nested(tallies: Tallies) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    levels = tallies.levels
    return [(a, b) for a in levels for b in levels if set(a) < set(b) and len(b) == len(a) + 1]


def _nest_checks(
    metric: str, tallies: Tallies, wide: pd.DataFrame, narrow: pd.DataFrame, small: Sequence[str], large: Sequence[str]
) -> list[tuple[str, bool, str]]:
    """That the parts of a cell sum up to it, and that its mean lies between theirs."""
    keys = ["period", *small]
    mean = narrow.assign(mean=narrow["s"] / narrow["w"])
    parts = mean.groupby(keys).agg(n=("n", "sum"), low=("mean", "min"), high=("mean", "max")).reset_index()
    both = wide.assign(mean=wide["s"] / wide["w"]).merge(parts, on=keys, how="outer", suffixes=("", "_parts"))
    words = f"{ALL.join(large)} within {ALL.join(small) or 'everybody'}"
    off = (both["n"].fillna(0) - both["n_parts"].fillna(0)).abs()
    slack = 1e-9 * (1 + both[["low", "high"]].abs().max(axis=1))
    outside = (both["mean"] < both["low"] - slack) | (both["mean"] > both["high"] + slack)
    return [
        (f"{metric}: counts of {words} add up", bool((off == 0).all()), f"{int((off > 0).sum())} cells differ"),
        (f"{metric}: totals lie between their parts, {words}", not outside.any(), f"{int(outside.sum())} cells do not"),
    ]
