"""The audit of a run's data: what was read, what was not, and what a reader should know before trusting a number.

Every fact is a query that the database answers; only its counts reach Python. Each part is one function and one entry
of `PARTS`; a part that has nothing to say about these data gives an empty frame.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ibis
import pandas as pd

from cxkit.data import periods
from cxkit.data.coherence import checks
from cxkit.data.periods import UNITS
from cxkit.data.responses import Responses, reading
from cxkit.data.rules import NUMBER
from cxkit.data.sources import Table, collect, count
from cxkit.data.tallies import Tallies

SHOWN_ROWS = 3  # first rows that are named for each reason
SEARCHED = 5_000_000  # rows in which repeated ones are looked for; beyond, one would sort the whole table
FEW_LEVELS = 60  # levels of a dimension that are compared between waves
LEAST = 10  # answers, below which a page may not say how many there are
EXPECTED = ("empty", "declared missing")  # reasons that need no example


def audit(survey: Responses, tallies: Tallies, *, invited: Mapping[str, int] | None = None) -> dict[str, pd.DataFrame]:
    """What a run's data are like, as small frames by part.

    Args:
        survey: The responses.
        tallies: Their tallies, whole: nothing hidden yet.
        invited: Period -> how many people were asked, where that is known.

    Returns:
        answers: item, column, rows, used, missing, refused, share (percent used).
        refused: item, reason, n, rows: the first rows, as numbers from 1 below the headers.
        respondents: fact, value: people, repeat answers, rows that repeat others, straight-lining.
        weights: fact, value: range, design effect, effective share.
        time: fact, value: zone, first and last moment, whether the ends are whole periods.
        response: period, invited, answered, rate (percent).
        waves: dimension, period, before, gone, new: levels that do not occur in both of two successive waves.
        reports: dimension, level, n, share: of all answers of the first item, in percent; absent below ten.
        checks: check, held, detail: sums and totals that have to fit together.

    >>> import cxkit as cx
    >>> survey = cx.read("sample")
    >>> found = audit(survey, cx.tally(survey, ["nps"], by=["brand"]))
    >>> bool(found["checks"]["held"].all())
    True
    """
    return {name: part(survey, tallies, invited or {}) for name, part in PARTS.items()}


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
        if name == "checks":
            lines.append(f"checks: {int(frame['held'].sum())} of {len(frame)} hold")
            frame = frame[~frame["held"].astype(bool)]
        for row in frame.to_dict("records"):
            words = [f"{key} {_word(value)}" for key, value in row.items() if _word(value)]
            lines.append(f"{name}: {_line(name, row) or ', '.join(words)}")
    return lines


def _line(name: str, row: Mapping[Any, Any]) -> str:
    if name in ("respondents", "weights", "time"):
        return f"{row['fact']}: {row['value']}"
    if name == "checks":
        return f"BROKEN: {row['check']}: {row['detail']}"
    if name == "answers":
        return (
            f"{row['item']} ({row['column']}): {row['used']:,} of {row['rows']:,} used ({row['share']:.1f} %), "
            f"{row['missing']:,} missing, {row['refused']:,} refused"
        )
    if name == "reports" and pd.isna(row["n"]):
        return f"{row['dimension']} {row['level']}: fewer than {LEAST} answers"
    if name == "refused":
        rows = f", first in rows {row['rows']}" if row["rows"] else ""
        return f"{row['item']}: {row['reason']}: {row['n']:,}{rows}"
    return ""


def _word(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


# Answers and refusals -------------------------------------------------------------------------------------------------


def _answers(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    items = survey.mapping.items
    filled = {f"i{i}": survey.table[item].count() for i, item in enumerate(items)}
    row = survey.table.agg(rows=survey.table.count(), **filled).to_pyarrow().to_pylist()[0]
    refused = survey.refused.assign(expected=survey.refused["reason"].str.startswith(EXPECTED))
    by_item = refused.groupby(["item", "expected"])["n"].sum()
    frame = pd.DataFrame(
        {
            "item": list(items),
            "column": [item.column for item in items.values()],
            "rows": row["rows"],
            "used": [row[f"i{i}"] for i in range(len(items))],
            "missing": [int(by_item.get((item, True), 0)) for item in items],
            "refused": [int(by_item.get((item, False), 0)) for item in items],
        }
    )
    frame["share"] = 100 * frame["used"] / max(row["rows"], 1)
    return frame


def _refused(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    frame = survey.refused.groupby(["item", "reason"], sort=False)[["n"]].sum().reset_index()
    wanted = frame.loc[~frame["reason"].str.startswith(EXPECTED), "item"].unique()
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
        usable = numbered.filter(numbered.problem_.isnull())
        why = usable.select("row_", reason=reading(usable, survey.mapping, item)[1])
    why = why.filter(why.reason.notnull())
    ranked = why.mutate(rank_=ibis.row_number().over(group_by="reason", order_by="row_"))
    frame = collect(ranked.filter(ranked.rank_ < SHOWN_ROWS).order_by("reason", "row_"))
    names = frame["row_"].map(lambda row: _place(survey, int(row)))
    return {str(reason): ", ".join(part) for reason, part in names.groupby(frame["reason"])}


def _place(survey: Responses, row: int) -> str:
    """The number of a row from 1, with its file where there are several."""
    if len(survey.files) == 1 or any(file["rows"] is None for file in survey.files):
        return str(row + 1)
    ends = list(itertools.accumulate(int(file["rows"]) for file in survey.files))
    i = next((i for i, end in enumerate(ends) if row < end), len(ends) - 1)
    return f"{survey.files[i]['path']}:{row + 1 - (ends[i - 1] if i else 0)}"


# People, weights, time ------------------------------------------------------------------------------------------------


def _facts(facts: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"fact": list(facts), "value": list(facts.values())}, dtype="str")


def _respondents(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    table, facts = survey.table, {}
    rows = count(table)
    if "respondent" in table.columns:
        known = table.filter(table.respondent.notnull())
        each = known.group_by("respondent").agg(n=lambda t: t.count())
        row = each.agg(people=each.count(), most=each.n.max(), repeated=(each.n > 1).sum(), n=each.n.sum())
        found = row.to_pyarrow().to_pylist()[0]
        facts["people"] = f"{found['people']:,} gave {found['n'] or 0:,} responses"
        facts["without a respondent"] = f"{rows - (found['n'] or 0):,} responses, each counted as a person of its own"
        facts["repeat respondents"] = f"{found['repeated'] or 0:,}, at most {found['most'] or 0:,} responses of one"
    keys = [c for c in table.columns if c not in ("response", "weight")]
    if rows <= SEARCHED and {"respondent", "time"} & set(keys):
        repeats = rows - count(table.select(*keys).distinct())
        facts["rows that repeat another in every mapped column"] = f"{repeats:,} of {rows:,}; none was left out for it"
    scale = {item: next(iter(survey.mapping.metrics_of(item).values())).scale for item in survey.mapping.items}
    for ends in dict.fromkeys(scale.values()):
        alike = [item for item, other in scale.items() if other == ends]
        if len(alike) >= 3 and ends[1] < float("inf"):
            facts[f"straight-lining ({', '.join(alike)})"] = _straight(table, alike)
    return _facts(facts)


def _straight(table: Table, items: Sequence[str]) -> str:
    """How many gave one and the same answer to every question of a scale."""
    whole = table.filter([table[item].notnull() for item in items])
    same = ibis.literal(True)
    for item in items[1:]:
        same = same & (whole[item] == whole[items[0]])
    row = whole.agg(n=whole.count(), same=same.sum()).to_pyarrow().to_pylist()[0]
    return f"{row['same'] or 0:,} of {row['n']:,} who answered all of them gave one answer throughout"


def _weights(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    if "weight" not in survey.table.columns:
        return _facts({})
    w = survey.table.weight
    sums = survey.table.agg(n=w.count(), low=w.min(), high=w.max(), w=w.sum(), w2=(w * w).sum())
    row = sums.to_pyarrow().to_pylist()[0]
    if not row["n"]:
        return _facts({})
    effect = row["n"] * row["w2"] / row["w"] ** 2  # Kish (1965): what unequal weights cost
    return _facts(
        {
            "range": f"{row['low']:.4g} to {row['high']:.4g}, mean {row['w'] / row['n']:.4g}",
            "design effect (Kish)": f"{effect:.3f}: {row['n']:,} responses are worth {row['n'] / effect:,.0f}",
        }
    )


def _time(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    facts = {}
    for file in survey.files:
        if file.get("times") or file.get("zone"):
            forms = ", ".join(f"{column} as {form}" for column, form in file.get("times", {}).items())
            facts[f"written in {file['path']}"] = " in ".join(filter(None, [forms, file.get("zone", "")]))
    if "time" not in survey.table.columns:
        return _facts(facts)
    mapping = survey.mapping
    facts["time zone"] = f"periods are cut in {mapping.timezone}" + (
        f"; times without an offset were recorded in {mapping.recorded_in}" if mapping.recorded_in else ""
    )
    ends = survey.table.agg(first=survey.table.time.min(), last=survey.table.time.max()).to_pyarrow().to_pylist()[0]
    if ends["first"] is None:
        return _facts(facts)
    facts["first and last"] = f"{ends['first']:%Y-%m-%d %H:%M} to {ends['last']:%Y-%m-%d %H:%M}"
    if tallies.period in UNITS:
        last = periods.label(_start(ends["last"].date(), tallies.period), tallies.period)
        until = periods.start(periods.shift(last, tallies.period, 1), tallies.period)
        days = (until - ends["last"].date()).days - 1
        facts["last period"] = f"{last}" + (
            f" may be partial: nobody answered in its last {days} days" if days > 1 else " reaches its end"
        )
    return _facts(facts)


def _start(day: Any, period: str) -> Any:
    """The first day of the period that holds a day."""
    return pd.Timestamp(day).to_period({"week": "W-SUN"}.get(period, UNITS[period])).start_time.date()


def _response(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    """The response rate, where it is known how many were asked."""
    item = tallies.counts["item"].iloc[0] if len(tallies.counts) else ""
    place = tallies.counts["item"].eq(item) & tallies.counts["cut"].eq(tallies.counts["cut"].min())
    answered = tallies.counts[place].groupby("period")["n"].sum()
    rows = [(period, int(asked), int(answered.get(period, 0))) for period, asked in invited.items()]
    frame = pd.DataFrame(rows, columns=["period", "invited", "answered"])
    return frame.assign(rate=100 * frame["answered"] / frame["invited"].where(frame["invited"] > 0))


# Between waves and reports --------------------------------------------------------------------------------------------


def _waves(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    """Levels that one of two successive waves (or years) does not have: most often, codes that changed."""
    table, found = survey.table, []
    wave = (
        table.wave if "wave" in table.columns else table.time.year().cast("string") if "time" in table.columns else None
    )
    for name in survey.mapping.dimensions if wave is not None else ():
        pairs = collect(table.select(wave_=wave, level_=table[name]).distinct())
        levels = {str(w): set(part) for w, part in pairs.groupby("wave_")["level_"]}
        if max(map(len, levels.values()), default=0) > FEW_LEVELS:
            continue
        order = sorted(levels, key=periods.natural)
        for before, now in itertools.pairwise(order):
            gone, new = levels[before] - levels[now], levels[now] - levels[before]
            if gone or new:
                found.append((name, now, before, ", ".join(sorted(gone)), ", ".join(sorted(new))))
    return pd.DataFrame(found, columns=["dimension", "period", "before", "gone", "new"], dtype="str")


def _reports(survey: Responses, tallies: Tallies, invited: Mapping[str, int]) -> pd.DataFrame:
    """How much of the data each value of a dimension uses."""
    if not len(tallies.counts):
        return pd.DataFrame({"dimension": [], "level": [], "n": [], "share": []})
    counts = tallies.counts[tallies.counts["item"] == tallies.counts["item"].iloc[0]]
    frames = []
    for name in (level[0] for level in tallies.levels if len(level) == 1):
        n = counts[counts["cut"] == name].groupby(name)["n"].sum()
        total, n = max(int(n.sum()), 1), n.astype("Int64").mask(n < LEAST)
        share = 100 * n.astype("Float64") / total
        frames.append(pd.DataFrame({"dimension": name, "level": n.index, "n": n.to_numpy(), "share": share.to_numpy()}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


Part = Callable[[Responses, Tallies, Mapping[str, int]], pd.DataFrame]
PARTS: dict[str, Part] = {
    "answers": _answers,
    "refused": _refused,
    "respondents": _respondents,
    "weights": _weights,
    "time": _time,
    "response": _response,
    "waves": _waves,
    "reports": _reports,
    "checks": lambda survey, tallies, invited: checks(tallies),
}
