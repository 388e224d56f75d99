"""The parts of a page around its numbers: header, comments, audit, methods, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import pandas as pd

from cxkit.metrics import BANDS_SOURCE, Metric
from cxkit.schema import FIRST, remarked
from cxkit.show import wording
from cxkit.show.html import LONG, Html, absent, clean, described, full, join, name, shorten, tag
from cxkit.show.labels import heading
from cxkit.show.rows import Row, metrics_of, rows
from cxkit.show.tables import table

SYNTHETIC = "Synthetic sample data: no real customer answered"


def header(
    title: str,
    *,
    now: str,
    before: str | Sequence[str] | None = None,
    where: Mapping[str, object] | None = None,
    filters: Mapping[str, object] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Html:
    """The head of a page: what it is about, the period, what it is compared with, and the filters.

    Args:
        title: What the page is about; becomes its only first-level heading.
        now: The period shown.
        before: The period compared with, or both.
        where: The place of this page, dimension -> level.
        filters: What was filtered before anything was counted, column -> value or values.
        provenance: Of the data; `data_date`, `months`, `partial` and `synthetic` are printed here where they are given.
    """
    data = provenance or {}
    spelled = {period: f" ({words})" for period, words in data.get("months", {}).items()}
    facts: list[tuple[object, object]] = [("Period", name(f"{now}{spelled.get(now, '')}"))]
    facts += compared_facts(before, spelled)
    facts += [(heading(key), name(level)) for key, level in (where or {}).items()]
    facts += filter_facts(filters or {})
    facts += [("Data of", name(data["data_date"]))] if data.get("data_date") else []
    gaps = [f"{period}: {words}" for period, words in data.get("partial", {}).items()]
    facts += [("May be partial", "; ".join(gaps))] if gaps else []
    place = " · ".join(map(str, (where or {}).values()))
    of = title.removeprefix(f"{place} · ") if place and title.startswith(f"{place} · ") else ""
    return head(place if of else title, facts, synthetic=bool(data.get("synthetic")), of=of)


def head(title: object, facts: Iterable[tuple[object, object]], *, synthetic: bool, of: str = "") -> Html:
    """A title with its facts, and a mark where the data are made up; smaller beside it what it is a part `of`."""
    text = clean(title)
    cut = tag("details", tag("summary", "Full name"), tag("bdi", text), class_="cx-full") if len(text) > LONG else None
    mark = tag("p", SYNTHETIC, class_="cx-badge") if synthetic else None
    beside = join([" ", tag("small", tag("bdi", shorten(of, LONG)))]) if of else None
    called = tag("h1", tag("bdi", shorten(text, LONG)), beside)
    return tag("header", called, cut, mark, described(facts, class_="cx-facts"), class_="cx-header")


def compared_facts(
    before: str | Sequence[str] | None, months: Mapping[str, str] | None = None
) -> list[tuple[object, object]]:
    """What a page compares its period with, as terms and values for its head."""
    befores = [before or ""] if isinstance(before, str | None) else before
    if FIRST in befores:
        return [("Changes", "none: this is the first wave")]
    told = [name(f"{one}{(months or {}).get(one, '')}") for one in befores if one]
    return [("Compared with", join(told, " and "))] if told else []


def filter_facts(filters: Mapping[str, object]) -> list[tuple[object, object]]:
    """What was filtered before anything was counted, as terms and values for the head of a page."""
    return [(f"Filter: {heading(str(key))}", _values(value)) for key, value in filters.items()]


def audit(frame: pd.DataFrame, provenance: Mapping[str, Any] | None = None) -> Html:
    """What a run refused and why, counted.

    Args:
        frame: Columns item, reason, n.
        provenance: Of the data; its `rows` is printed above the table where it is given.
    """
    read = (provenance or {}).get("rows")
    rows_read = f" {wording.count(read)} rows were read." if isinstance(read, int | float) else ""
    lead = tag("p", f"These counts are about the whole run, not about one place of it.{rows_read}")
    found = rows(frame)
    if not found:
        return tag("div", lead, tag("p", "No answer was refused."))
    body = [[(name(r["item"]), ""), (name(r["reason"]), ""), (counted(r.get("n")), "cx-n")] for r in found]
    names = [text for row in found for text in (row["item"], row["reason"])]
    notes = ["Refused answers are counted, never repaired; they are in no score on this page."]
    if any(row.get("n") is None for row in found):
        notes.append("Not shown: a number that would give a hidden group away.")
    caption = "Answers refused in the whole run, by reason"
    return tag("div", lead, table(["Item", "Reason", "Refused"], body, caption, notes, names=names))


def methods(estimates: pd.DataFrame, comparisons: pd.DataFrame | None, metrics: Mapping[str, Metric]) -> Html:
    """How each number was made: question, definition, interval, test, correction, thresholds."""
    found = rows(estimates)
    tested = rows(comparisons) if comparisons is not None else []
    asked = [(metric.label, _definition(metric, found)) for metric in metrics_of(found, metrics)]
    judged = wording.rule([*found, *tested], "judge_from")
    bases = "".join(f" {name}: below {cut}." for cut, _, name in wording.BASES if cut > float(judged))
    rules = [
        f"Hidden: scores of fewer than {wording.rule(found, 'hide_below')} people. Grey: an effective base below "
        f"{judged}, which gets no verdict.{bases} "
        f"Imprecise: the interval reaches more than {wording.IMPRECISE:.0f} points to either side.",
        "Effective n: what the base is worth after weights and after several answers of one customer or cluster. Grey, "
        "low and caution go by less than it says where unequal weights or few clusters leave its own size unsure.",
        f"Changed: the corrected p-value is below {wording.below(tested)}. No evidence of change is not evidence of no "
        "change; the size that could be missed (at 80% power) stands beside it. Associations are not causes.",
    ]
    tests = wording.methods_words(row.get("method") for row in tested)
    rules += [f"Tests: {tests}."] if tests else []
    if any(wording.band(row, metric) for metric in metrics_of(found, metrics) for row in found):
        rules.append(BANDS_SOURCE)
    return tag("div", described(asked, class_="cx-methods"), tag("ul", *(tag("li", rule) for rule in rules)))


def provenance(data: Mapping[str, Any]) -> Html:
    """Where the numbers come from: every key of the record with its value, nested records as nested lists."""
    return tag("div", _record(data), class_="cx-provenance")


def style() -> Html:
    """The page's stylesheet, for a notebook that wants to look like the page."""
    source = files("cxkit") / "runs" / "templates" / "cxkit" / "style.css"
    return Html(f"<style>{source.read_text('utf-8')}</style>")


def _definition(metric: Metric, found: Sequence[Row]) -> Html:
    low, high = metric.scale
    scale = f"answers {wording.number(low, 0)} to {wording.number(high, 0)}" if metric.values else "a time"
    score = {
        "net": "100 × (share of the best class − share of the worst class), in points",
        "share": f"share of {_counted(metric)} among all {metric.counted}, in %",
        "mean": "mean of the answers",
        "quantile": f"{wording.quantile_words(metric)} of the durations",
    }[metric.statistic]
    better = {"higher": "higher is better", "lower": "lower is better", None: "neither direction is better"}[
        metric.better
    ]
    used = wording.methods_words(r.get("method") for r in found if r["metric"] == metric.name)
    levels = sorted({wording.level_words(r["level"]) for r in found if r["metric"] == metric.name and r.get("level")})
    interval = f" {' / '.join(levels)} {used}." if used else ""
    classes = f" Classes: {', '.join(metric.classes)}." if metric.classes else ""
    return join([name(wording.asked(metric)), f" ({scale}). Score: {score}; {better}.{classes}{interval}"])


def _counted(metric: Metric) -> str:
    """The answers that a share counts, by the names of their classes."""
    counts = {answer for answer, value in metric.values.items() if value}
    return " and ".join(f"“{label}”" for label, answers in metric.classes.items() if counts & set(answers)) or "those"


def _values(value: object) -> Html:
    if isinstance(value, list | tuple | set | frozenset):
        return join([name(item) for item in value], ", ")
    return name("(all)" if value is None else value)


def _record(data: Mapping[str, Any]) -> Html:
    pairs = [(heading(str(key)), _nested(value)) for key, value in data.items()]
    return described(pairs, class_="cx-record")


def _nested(value: object) -> Html:
    if isinstance(value, Mapping) and not any(isinstance(item, Mapping | list | tuple) for item in value.values()):
        return join([join([name(key), " ", _nested(item)]) for key, item in value.items()], ", ")
    if isinstance(value, Mapping):
        return _record(value)
    if isinstance(value, list | tuple):
        return tag("ul", *(tag("li", _nested(item)) for item in value))
    if isinstance(value, float):
        return Html(f"{value:,.10g}")
    return Html(f"{value:,}") if isinstance(value, int) and not isinstance(value, bool) else full(value)


RULE = (
    "Picked by a fixed rule: the worst class of answers first, inside a class in an order that is drawn from the texts "
    "alone, each text once. They are examples and no measure of how many think so."
)
MASKED = (
    "E-mail addresses, links, accounts, numbers of five digits or more, order numbers, the names of employees that the "
    "data hold and names after a title are masked; other names may have been left in a text."
)


def comments(frame: pd.DataFrame, metric: Metric) -> Html:
    """Comments below the class of the answer beside which they stand; nothing where the run shows none.

    Args:
        frame: Columns group, comment, note.
        metric: The metric whose classes they stand in.
    """
    found = rows(frame)
    if not found:
        return absent()
    groups: dict[str, list[Row]] = {}
    for row in found:
        if row.get("comment"):
            groups.setdefault(str(row["group"]), []).append(row)
    if not groups:
        why = found[0].get("note")
        return tag("p", f"Comments are {why}." if why else "No comments: nobody wrote one.")
    parts = [part for group, said in groups.items() for part in (
        tag("p", f"{group}, {metric.label}" if group else "All answers", class_="cx-said"),
        tag("ul", *(tag("li", tag("q", tag("bdi", clean(row["comment"])))) for row in said)))]  # fmt: skip
    notes = tag("div", tag("p", RULE), tag("p", MASKED), class_="cx-notes")
    return tag("div", *parts, notes, class_="cx-quotes")


# The data of a run ----------------------------------------------------------------------------------------------------


class Part(NamedTuple):
    """A part of the audit: heading, what its table holds, what to say where there is nothing, a note below."""

    heading: str
    caption: str
    nothing: str
    note: str = ""


CAPTIONS = {
    "remarks": Part("What to look at", "What is odd", "Nothing is left to look at."),
    "files": Part("Files", "What was read", "Nothing was read."),
    "joins": Part("Joined tables", "What found a partner, and what did not", "No table was joined.",
                  "A response has one row of a joined table at most, and none is counted twice for it."),
    "answers": Part("Answers", "Answers that the totals hold", "No column was mapped.",
                    "Answers: in the totals that the pages show, over all periods."),
    "refused": Part("Refused", "Refused answers, by reason", "Nothing was refused.",
                    "What is refused is counted, never repaired."),
    "respondents": Part("Respondents", "Who answered", "The mapping has no respondents."),
    "straightlining": Part(
        "Straight-lining", "The same place of the scale throughout",
        "No three questions have scales of four answers or more, so nothing tells who answered without reading.",
        "Of those who answered three of these questions or more: all at the lowest, the middle, the highest or "
        "another same place of their scales. A high share can be haste, or content customers. Questions with two or "
        "three answers are left out: the same answer throughout says nothing there."),
    "weights": Part("Weights", "What the weights do", "The answers carry no weights."),
    "time": Part("Time", "How times were read", "The answers are in waves; no time was read."),
    "response": Part("Response rate", "Invited and answered",
                     "How many people were invited is not known, so there is no response rate."),
    "waves": Part("Codes that changed", "Levels that only one of two successive waves or years has",
                  "All levels occur in every wave or year.",
                  "Mostly a code that changed; a comparison across such a change says nothing."),
    "reports": Part("Use of the data", "Share of the answers that each level holds", "There are no dimensions.",
                    "Of the first metric, over all periods, as far as they are shown."),
    "checks": Part("Checks", "What has to fit together", "There is nothing to check."),
}  # fmt: skip
DESCRIBED = "Shares say what the data are like; they are described: no interval, no test."
HIDDEN = "Not shown: too few people, or a number that would give them away."
WORDS = {
    "held": "Holds",
    "read": "How",
    **dict.fromkeys(("n", "used", "answered"), "Answers"),
}


def audit_table(part: str, frame: pd.DataFrame) -> Html:
    """One part of the audit as a table, or a sentence where it has nothing to say.

    Args:
        part: A key of `CAPTIONS`.
        frame: The part, as `cx.audited` gives it.
    """
    about = CAPTIONS[part]
    if frame.empty:
        return tag("p", about.nothing)
    columns = [column for column in frame.columns if not (frame[column] == "").all()]
    head = [WORDS.get(column, column.replace("_", " ").capitalize()) for column in columns]
    found = rows(frame[columns])
    body = [[_cell(column, row[column]) for column in columns] for row in found]
    names = [value for row in found for value in row.values() if isinstance(value, str)]
    notes = [about.note] if about.note else []
    notes += [DESCRIBED] if {"share", "rate"} & set(columns) else []
    notes += [HIDDEN] if any(value is None for row in found for value in row.values()) else []
    return table(head, body, about.caption, notes, names=names)


def audit_tables(found: Mapping[str, pd.DataFrame]) -> Html:
    """Every part of the audit, in order, each under its heading."""
    if not found:
        return tag("p", "This run was made without an audit of its data.")
    parts = [
        (tag("h2", CAPTIONS[part].heading, id=f"audit-{part}"), _content(part, frame)) for part, frame in found.items()
    ]
    return join(piece for both in parts for piece in both)


def _content(part: str, frame: pd.DataFrame) -> Html:
    """The table of a part; of the checks, those that hold are folded away."""
    if part == "remarks" and not frame.empty:
        return _remarks(frame)
    if part != "checks" or frame.empty:
        return audit_table(part, frame)
    held = frame["held"].astype(bool)
    lead = tag("p", f"{held.sum()} of {len(held)} hold: parts sum up to their whole, totals lie between their parts. "
                    "These are sums: they hold of a column that was misread, too.")  # fmt: skip
    broken = audit_table(part, frame[~held]) if not held.all() else None
    folded = tag("details", tag("summary", f"Show the {held.sum()} that hold"), audit_table(part, frame[held]))
    return tag("div", lead, broken, folded if held.any() else None)


def _remarks(frame: pd.DataFrame) -> Html:
    """What a person has to look at, as a list; what is only told is below it."""
    found, parts = rows(frame), list[Html]()
    for weights, head in (
        (("stop", "look"), "Look at this before you trust a number:"),
        (("record",), "For the record:"),
    ):
        if said := [tag("li", name(remarked(row), 2 * LONG)) for row in found if row["weight"] in weights]:
            parts.append(tag("div", tag("p", head), tag("ul", *said)))
        elif "look" in weights:
            parts.append(tag("p", CAPTIONS["remarks"].nothing))
    return tag("div", *parts)


def _cell(column: str, value: Any) -> tuple[object, str]:
    if column == "held":
        return ("yes" if value else "NO"), ""
    if column in ("share", "rate") and value is not None:
        return f"{float(value):.1f}%", "cx-n"
    number = value is None or isinstance(value, int | float)
    return (counted(value), "cx-n") if number else (name(value, LONG), "")


def counted(n: Any) -> str:
    """How many of something were read, if it may be told."""
    return "not shown" if n is None else wording.count(n)
