"""The summary of a run as a workbook: first what each report says of the period, then every estimate and comparison.

Nothing is computed here, so nothing that is hidden can come back: a number that a row borrows from another one (the
score beside its change) stands in the summary itself, and where it is hidden there is none to borrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cxkit.metrics import Metric
from cxkit.runs.banner import banner
from cxkit.runs.spreadsheet import Cell, Head, lines, saved, sheet
from cxkit.schema import COLUMNS as VOCABULARY
from cxkit.schema import SECOND
from cxkit.show import verdicts, wording
from cxkit.show.rows import MINUTES, Row, as_apart, as_change, fitted, rows
from cxkit.show.wording import EVEN, in_pairs

if TYPE_CHECKING:
    import pandas as pd


class Column(NamedTuple):
    """A column as it is headed and explained; `kind` says how its numbers are shown."""

    head: str
    told: str
    kind: str = ""
    width: int = 10


COLUMNS = {
    "metric": Column("Metric", "what is measured; its question stands below", width=17),
    "unit": Column("Unit", "unit of the scores and changes; the cells of a percentage hold 62.5, not 0.625", width=8),
    "period": Column("Period", "the period of a score"),
    "now": Column("Period", "the period of a comparison"),
    "before": Column("Compared with", "the period compared with"),
    "value": Column("Score", "the score, of a comparison that of the later period", "score"),
    "unweighted": Column("Score as answered", "of who answered; beside it the score that is weighted for who did not, "
                         "and what it differs by", "score"),
    "low": Column("Score from", "lower limit of the interval of the score", "score"),
    "high": Column("Score to", "upper limit of the interval of the score", "score"),
    "value_before": Column("Score before", "the score in the period compared with, where the run has it", "score"),
    "change": Column("Change", "the later score minus the one before; of durations, in how many of 100 pairs a "
                     "case of the later period took longer: 50 is as often as not", "change"),
    "difference": Column("Difference", "the score of a group minus that of all other groups together", "change"),
    "difference_low": Column("Difference from", "lower limit of the interval of the difference", "change"),
    "difference_high": Column("Difference to", "upper limit of the interval of the difference", "change"),
    "change_low": Column("Change from", "lower limit of the interval of the change", "change"),
    "change_high": Column("Change to", "upper limit of the interval of the change", "change"),
    "shrunk": Column("Shrunken score", "the score pulled to the mean of all by how little is known of it", "score"),
    "shrunk_low": Column("Shrunken from", "lower limit of its interval, which holds on average over places", "score"),
    "shrunk_high": Column("Shrunken to", "upper limit of its interval", "score"),
    "target": Column("Target", "what the score should be, as the parameters of the run set it", "score"),
    "gap": Column("Above target by", "the score less the target", "change"),
    "contribution": Column("Contribution", "what this part brings to the change of all", "change"),
    "contribution_low": Column("Contribution from", "lower limit of the interval of the contribution", "change"),
    "contribution_high": Column("Contribution to", "upper limit of the interval of the contribution", "change"),
    "by_mix": Column("By mix", "of the contribution, what the part's share of the answers brings", "change"),
    "by_rate": Column("By score", "of the contribution, what the part's own score brings", "change"),
    "composition": Column("Composition", "of the change of all, what is due to who answered", "change"),
    "movement": Column("Movement", "of the change of all, what is due to how they scored", "change"),
    "cause": Column("Due to", "composition, movement, both, or opposite: one hides the other"),
    "others": Column("All others", "what all other parts together bring", "change"),
    "total_change": Column("Change of all", "the change that is taken apart", "change"),
    "expected": Column("Expected", "the score of the periods that it is compared with; of a cell what all others "
                       "predict", "score"),
    "raw_difference": Column("Difference as it is", "without making the mix of another dimension alike", "change"),
    "within_levels": Column("Compared in", "the number of levels inside which both sides have answers", "n"),
    "share": Column("Share", "of the row of a table, or of customers, in percent", "share"),
    "share_low": Column("Share from", "lower limit of its interval", "share"),
    "share_high": Column("Share to", "upper limit of its interval", "share"),
    "dimension": Column("Dimensions", "which of them, rows first", width=26),
    "since": Column("Since about", "the likely start of the change"),
    "direction": Column("Is now", "higher or lower than expected, or back where it was"),
    "evidence": Column("Evidence", "that it has changed for good; 20 is a signal of one series", "size"),
    "pvalue": Column("p alone", "p-value of this comparison alone", "p"),
    "pvalue_adj": Column("Adjusted p", "p-value after correction for all comparisons of its family", "p"),
    "n": Column("Base n", "answers used; of a comparison in the later period", "n"),
    "n_before": Column("Base n before", "answers used in the period compared with", "n"),
    "n_rest": Column("Base n of the rest", "answers used of all other groups", "n"),
    "n_eff": Column("Effective n", "what the answers are worth after weights and clusters", "n"),
    "n_eff_before": Column("Effective n before", "the same in the period compared with", "n"),
    "n_eff_rest": Column("Effective n of the rest", "the same of all other groups", "n"),
    "verdict": Column("Verdict", "what the comparison says, in words, or why it says nothing", width=37),
    "detectable": Column("Detectable", "where there is no evidence: the smallest change that the bases could have "
                         "shown, at 80% power", "size"),
    **{f"second_{name}": Column(f"{head}, second", f"the same of the second comparison: {told}", kind, width)
       for name, head, told, kind, width in (
           ("before", "Compared with", "the period compared with", "", 10),
           ("value_before", "Score before", "the score then", "score", 10),
           ("change", "Change", "the later score minus that one", "change", 10),
           ("change_low", "Change from", "lower limit of its interval", "change", 10),
           ("change_high", "Change to", "upper limit of its interval", "change", 10),
           ("pvalue_adj", "Adjusted p", "after correction for both comparisons together", "p", 10),
           ("n_before", "Base n before", "answers used then", "n", 10),
           ("verdict", "Verdict", "what it says, in words", "", 37))},
    "family": Column("Family", "number of comparisons that the p-value is corrected for", "n"),
    "level": Column("Level", "level of the intervals", "level"),
    "note": Column("Note", "why a number is absent, or what to know about it", width=48),
    "method": Column("Method", "how interval and test were made", width=46),
    "part": Column("Row is about", "a report (page) as a whole, or a segment inside it", width=9),
    "report": Column("Page", "name of the page (NAME.html) that the row belongs to", width=18),
}  # fmt: skip
_TEST = ("pvalue", "pvalue_adj", "family")
_ENDS = ("level", "note", "part", "report", "method")
SUMMARY = ("metric", "unit", "value", "low", "high", "n", "n_eff", "value_before", "change", "change_low",
           "change_high", "pvalue_adj", "verdict", "detectable", "note", "report", "method")  # fmt: skip
TWICE = tuple(name for name in COLUMNS if name.startswith("second_"))
SHEETS = {
    "estimate": ("Estimates", ("metric", "unit", "period", "value", "low", "high", "n", "n_eff", *_ENDS)),
    "comparison": ("Comparisons", (
        "metric", "unit", "now", "before", "value", "value_before", "change", "change_low", "change_high", *_TEST, "n",
        "n_before", "n_eff", "n_eff_before", "verdict", "detectable", *_ENDS)),
    "contrast": ("Against the rest", (
        "metric", "unit", "period", "difference", "difference_low", "difference_high", *_TEST, "n", "n_rest", "n_eff",
        "n_eff_rest", "verdict", "detectable", *_ENDS)),
    "peer": ("Against all others", (
        "metric", "unit", "period", "difference", "difference_low", "difference_high", *_TEST, "n", "n_rest", "n_eff",
        "n_eff_rest", "verdict", "detectable", "shrunk", "shrunk_low", "shrunk_high", *_ENDS)),
    "target": ("Against the target", (
        "metric", "unit", "period", "value", "low", "high", "target", "gap", *_TEST, "n", "n_eff", "verdict",
        "detectable", *_ENDS)),
    "weighted": ("Weighted for the silent", (
        "metric", "unit", "period", "unweighted", "value", "low", "high", "difference", "difference_low",
        "difference_high", "n", "n_eff", *_ENDS)),
    "contribution": ("Why the total moved", (
        "metric", "unit", "now", "before", "contribution", "contribution_low", "contribution_high", "by_mix", "by_rate",
        "others", "total_change", "composition", "movement", "cause", "pvalue", "pvalue_adj", "n", "n_before",
        "verdict", *_ENDS)),
    "watch": ("Signals", (
        "metric", "unit", "period", "value", "expected", "since", "direction", "evidence", "n", "n_eff", *_ENDS[1:])),
    "margins": ("Against the margins", (
        "metric", "unit", "dimension", "period", "value", "low", "high", "expected", "difference", "difference_low",
        "difference_high", *_TEST, "n", "n_eff", "verdict", "detectable", *_ENDS)),
    "standardised": ("Like with like", (
        "metric", "unit", "dimension", "period", "raw_difference", "difference", "difference_low", "difference_high",
        *_TEST, "within_levels", "n", "n_rest", "n_eff", "n_eff_rest", "verdict", "detectable", *_ENDS)),
    "flows": ("From one to the next", (
        "metric", "unit", "dimension", "period", "share", "share_low", "share_high", "value", "low", "high", "n",
        "n_eff", *_ENDS)),
    "weakest": ("Weakest links", (
        "metric", "dimension", "period", "share", "share_low", "share_high", "n", "n_eff", *_ENDS)),
}  # fmt: skip
AS_THEY_ARE = ("weighted", "estimate", "watch", "flows", "weakest")  # rows of scores or shares, and of no change
FILLS = {"better": "CFE3F5", "worse": "FBDCC4", "moved": "E4DDF0", "few": "EEF0F2"}  # blue and orange: for all eyes
MARKS = {"percent": '"%"', **{unit: f'" {wording.UNITS[unit]}"' for unit in MINUTES}}
SIGNS = f"{wording.UP} {wording.DOWN} changed, after correction for several comparisons   {wording.NONE} no evidence "\
        f"of change   {wording.FEW} hidden, no answers, or too few of them"  # fmt: skip


def workbook(summary: pd.DataFrame, record: Mapping[str, Any], metrics: Mapping[str, Metric]) -> bytes:
    """A summary as an XLSX file: Summary, Estimates, Comparisons, a sheet for each other part, Crosstab, Notes.

    Args:
        summary: Estimates and comparisons of all reports, with columns `report` and `part`.
        record: The manifest of the run: `title`, `name`, `now`, `before`, `as_of`, `filters` are told.
        metrics: What is measured, by name.

    >>> import pandas as pd
    >>> workbook(pd.DataFrame({"report": ["=1+1"], "part": ["estimate"], "metric": ["nps"]}), {}, {})[:2]
    b'PK'
    """
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    metrics, (shown,) = fitted(metrics, summary)
    found = [row for row in rows(shown) if row.get("metric") is not None]
    places = [str(column) for column in summary.columns if str(column) not in VOCABULARY | set(COLUMNS)]
    scores = {_key(row, row.get("period"), places): row for row in found if _kind(row) == "estimate"}
    first = _first(found, scores, places, str(record.get("now") or ""))
    twice = any(row["second"].get("part") for row in first)
    heads = [*SUMMARY[:-3], *TWICE * twice, *SUMMARY[-3:]]
    cut = _sheet(book, "Summary", heads, first, places, metrics, above=(_title(record), SIGNS))
    for kind, (title, names) in SHEETS.items():
        part = [row for row in found if _kind(row) == kind]
        if kind == "estimate":
            part = _latest_first(part)
        elif kind == "comparison":
            part = [_with_scores(row, scores, places) for row in part]
        if part or kind in ("estimate", "comparison"):
            made = part if kind in AS_THEY_ARE else map(_as_change, part)
            cut += _sheet(book, title, names, made, places, metrics)
    cut += banner(book, found, metrics, places, str(record.get("now") or ""), _format, FILLS)
    absent = {*(() if twice else TWICE), *({"unweighted"} - set(summary))}
    told = {name: column for name, column in COLUMNS.items() if name not in absent}
    lines(book, "Notes", (30, 22, 100), _notes(summary, record, metrics, places, told, cut))
    return saved(book, str(record.get("as_of") or "1980-01-01"))


# Rows -----------------------------------------------------------------------------------------------------------------


def _kind(row: Row) -> str:
    return str(row["part"]).split(" ")[-1]


def _key(row: Row, period: Any, places: Sequence[str]) -> tuple[Any, ...]:
    return (row["report"], row["metric"], period, *(row.get(place) for place in places))


def _first(found: Sequence[Row], scores: Mapping[Any, Row], places: Sequence[str], now: str) -> list[Row]:
    """A row per metric and report: its score in the period of the run, and what has become of it; totals go first."""
    moves, seconds = ({_key(row, None, places): row for row in found if row["part"] == part}
                      for part in ("comparison", SECOND))  # fmt: skip
    made = []
    for row in found:
        if row["part"] == "estimate" and str(row.get("period")) == now:
            move = _as_change(_with_scores(moves.get(_key(row, None, places), {}), scores, places))
            methods = [row.get("method"), f"change: {move['method']}" if move.get("method") else None]
            again = move.get("reason") == row.get("reason") and (
                row["value"] is None or move.get("reason_side") == "now"
            )
            notes = dict.fromkeys(str(one["note"]) for one in ((row,) if again else (row, move)) if one.get("note"))
            own = ("change", "change_low", "change_high", "pvalue", "pvalue_adj", "family", "verdict", "detectable")
            made.append(
                {**row, **{name: move.get(name) for name in (*own, "value_before", "said")}, "note": "; ".join(notes),
                 "method": "; ".join(text for text in methods if text),
                 "second": _as_change(_with_scores(seconds.get(_key(row, None, places), {}), scores, places))}
            )  # fmt: skip
    order = list(dict.fromkeys(row["metric"] for row in made))
    return sorted(made, key=lambda row: (order.index(row["metric"]), sum(row.get(p) is not None for p in places)))


def _latest_first(found: list[Row]) -> list[Row]:
    order = {period: number for number, period in enumerate(dict.fromkeys(row.get("period") for row in found))}
    return sorted(found, key=lambda row: -order[row.get("period")])


def _with_scores(row: Row, scores: Mapping[Any, Row], places: Sequence[str]) -> Row:
    """A comparison with the scores of both periods, as far as the summary shows them."""
    if not row:
        return row
    sides = {"value": row.get("now"), "value_before": row.get("before")}
    shown = {name: scores.get(_key(row, period, places), {}).get("value") for name, period in sides.items()}
    return {**row, **{name: row[name] if row.get(name) is not None else value for name, value in shown.items()}}


def _as_change(row: Row) -> Row:
    """A comparison or contrast with limits under names of their own, so that a score's can stand in the same row.

    `said` is the row as the words of a verdict need it.
    """
    said = _SAID.get(_kind(row), dict)(row) if row else row
    seen = row.get("detectable") if said.get("verdict") == "no evidence" else None
    tested = {"family": row.get("family") or None, "detectable": seen}  # a row that was not tested has no family
    what = "change" if row.get("difference") is None else "difference"
    if row.get("contribution") is not None:
        tested |= {"contribution_low": row.get("low"), "contribution_high": row.get("high")}
    limits = {f"{what}_{end}": said.get(end) for end in ("low", "high")}
    return {**row, **tested, **limits, "said": said}


def _as_reached(row: Row) -> Row:
    """A test against a target as a change from it."""
    verdict = {"above": "changed", "below": "changed", "not told apart": "no evidence"}.get(
        row["verdict"], row["verdict"]
    )
    return {**row, "change": row.get("gap"), "verdict": verdict}


_SAID = {"contrast": as_change, "peer": as_change, "target": _as_reached, "margins": as_apart, "standardised": as_apart}


# Cells ----------------------------------------------------------------------------------------------------------------


def _sheet(
    book: Any, title: str, names: Sequence[str], part: Iterable[Row], places: Sequence[str],
    metrics: Mapping[str, Metric], above: Sequence[str] = (),
) -> int:  # fmt: skip
    part = list(part)
    cut_by = [place for place in places if any(row.get(place) is not None for row in part)]
    heads = [Head(place.replace("_", " ").capitalize() if place.isidentifier() else place, 18) for place in cut_by]
    heads += [Head(COLUMNS[name].head, COLUMNS[name].width, _align(name)) for name in names]
    body = (
        [*(Cell("All" if row.get(place) is None else row[place]) for place in cut_by),
         *(_cell(row, name, metrics.get(row["metric"])) for name in names)]
        for row in part
    )  # fmt: skip
    return sheet(book, title, heads, body, above=above, frozen=len(cut_by) + 1)


def _cell(row: Row, name: str, metric: Metric | None) -> Cell:
    if name in TWICE:
        return _cell(row["second"], name.removeprefix("second_"), metric) if row["second"].get("part") else Cell(None)
    value, kind = row.get(name), COLUMNS[name].kind
    if name == "metric":
        return Cell(metric.label if metric else value)
    if name == "unit":
        return Cell(_unit(metric) if metric else None)
    if name == "part":
        return Cell("segment" if str(value).startswith("segment") else "report")
    if name == "verdict":
        return _verdict(row, metric) if metric else Cell(value)
    if name in ("note", "method"):
        return Cell(value or None, wrap=name == "note", align=_align(name))
    if kind in ("change", "size") and value is not None and metric and in_pairs(metric):
        value += EVEN
    return Cell(value, _format(row, kind, metric)) if kind and value is not None else Cell(value)


def _align(name: str) -> str:
    return "right" if COLUMNS[name].kind else "indent" if name in ("verdict", "note") else ""


def _format(row: Row, kind: str, metric: Metric | None) -> str:
    """How a number is shown: with its unit, and the decimals that its interval supports, as on the pages."""
    if kind in ("p", "n", "level", "share"):
        return {"p": '[<0.001]"< 0.001";0.000', "n": "#,##0", "level": "0.0%", "share": '0.0"%"'}[kind]
    of_change = kind in ("change", "size")
    what = "difference_" if row.get("difference") is not None else "change_"
    low, high = (f"{what if of_change else ''}{end}" for end in ("low", "high"))
    ends, pairs = (row.get(low), row.get(high)), of_change and metric is not None and in_pairs(metric)
    places = wording.change_decimals(*ends, fewer=int(pairs)) if of_change else wording.decimals(*ends)
    mark = MARKS.get(metric.unit, "") if metric else ""
    mark = mark.replace("%", " pp") if of_change else mark
    if pairs:
        return f'0{"." * bool(places)}{"0" * places}" of 100"'
    digits = f"#,##0{'.' * bool(places)}{'0' * places}{mark}"
    return f'{"+" * (kind == "change")}{digits};"{wording.MINUS}"{digits};{digits}'


def _verdict(row: Row, metric: Metric) -> Cell:
    """The verdict as sign and words, tinted; where there is none, the reason."""
    said = row.get("said") or {}
    if _kind(row) == "contribution":
        return Cell("accounts for the change" if row.get("explains") else row.get("verdict"))
    found = verdicts.verdict(said, metric)
    words = found.words if found.tone != "few" else _reason(said) or found.words
    if _kind(row) == "target" and found.tone != "few":
        words = f"{row['verdict']}{' the target' * (found.tone != 'none')}"
    return Cell(f"{found.sign} {words}", fill=FILLS.get(found.tone, ""), wrap=True, align=_align("verdict"))


def _reason(said: Row) -> str:
    """Why nothing is said where more answers of this very group would not help, or nobody may know how many."""
    before = " before" if said.get("reason_side") == "before" else ""
    if verdicts.unsaid(said) == "hidden":
        return f"hidden{before}: {wording.why(said)}"
    return f"no answers{before}" if verdicts.unsaid(said) == "empty" else ""


def _unit(metric: Metric) -> str:
    return wording.UNITS[metric.unit] or f"{metric.scale[0]:g} to {metric.scale[1]:g}"


# Notes ----------------------------------------------------------------------------------------------------------------


def _title(record: Mapping[str, Any]) -> str:
    title = str(record.get("title") or record.get("name") or "Summary")
    since = f" against {_befores(record)}" if record.get("before") else ""
    return f"{title}: {record['now']}{since}" if record.get("now") else title


def _befores(record: Mapping[str, Any]) -> str:
    return " and ".join([str(record["before"]), *record.get("further", ())])


def _notes(
    summary: pd.DataFrame, record: Mapping[str, Any], metrics: Mapping[str, Metric], places: Sequence[str],
    explained: Mapping[str, Column], cut: int,
) -> list[tuple[str, ...]]:  # fmt: skip
    """What a reader of the sheets has to know, as lines of one to three cells."""
    told = [(word, "", _befores(record) if key == "before" else str(record[key])) for key, word in (
        ("title", "Run"), ("name", "Name"), ("now", "Period"), ("before", "Compared with"), ("as_of", "As of"),
        ("filters", "Filters")) if record.get(key)]  # fmt: skip
    lost = [("Not in here", "", f"{cut:,} rows did not fit into a sheet; summary.csv has them all")] if cut else []
    codes = {f"{of}_{end}": end for of in ("change", "difference", "contribution") for end in ("low", "high")}
    codes |= {"unit": "", "value_before": ""} | dict.fromkeys(TWICE, "")
    columns = [(place, place, "dimension: the level of the row; All where it is summed over") for place in places]
    columns += [(column.head, codes.get(name, name), column.told) for name, column in explained.items()]
    asked = [(metric.label, name, _asked(metric)) for name, metric in metrics.items()]
    few = wording.rule(rows(summary), "hide_below")
    methods = sorted({str(text) for text in summary["method"].dropna()} - {""}) if "method" in summary else []
    return [
        ("About this workbook",), *told, *lost,
        ("Summary", "", "One row per report and metric, for the period of the run. The other sheets have all periods "
         "and all segments inside the reports, the latest period first."),
        ("Numbers", "", "are shown with the decimals that their interval supports; the cells hold them in full. Every "
         "score stands with its interval, its base and its method in its row."),
        ("Hidden", "", f"Where fewer than {few} people answered, neither score nor base is shown, and so it "
         "is where a number would give such a group away; the verdict and the note say so."),
        ("No evidence", "", "is not evidence of no change; Detectable says what could have been seen."),
        ("Metric", "Code in summary.csv", "Question"), *asked,
        ("Column", "Code in summary.csv", "What it holds"), *columns,
        ("Methods",), *(("", "", method) for method in methods),
    ]  # fmt: skip


def _asked(metric: Metric) -> str:
    unit = wording.UNITS[metric.unit] or f"on a scale of {metric.scale[0]:g} to {metric.scale[1]:g}"
    better = {"higher": "higher is better", "lower": "lower is better", None: "neither direction is better"}
    return f"in {unit}: {wording.asked(metric)}; {better[metric.better]}".replace("in on", "on").replace(
        "in %", "in percent"
    )
