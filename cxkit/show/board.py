"""The first screen of a page: one sentence that says what happened, and one table of all metrics.

The sentence is the lead metric's. What the table says in signs and one word each, the folds of the page say whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import is_hidden
from cxkit.show import svg, verdicts, wording
from cxkit.show.drawings import FEW, runs
from cxkit.show.findings import DIFFERENTLY, NO_EVIDENCE, alike, compared, in_words, listed, named, no_evidence
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.labels import all_others, plural, words
from cxkit.show.rows import Row, dimensions, fitted, metrics_of, rows, shares
from cxkit.show.tables import Cell, table
from cxkit.show.why import in_short

SPARK = (120, 26)  # user units
RECENT = 24  # periods that a small line holds
ELSEWHERE = 3  # other places that a page names
TARGETS = "Targets are tested by the interval of the score, corrected for {}: one of them alone may lie outside it."


# The sentence ---------------------------------------------------------------------------------------------------------


def headline(
    comparisons: pd.DataFrame,
    metrics: Mapping[str, Metric],
    *,
    answers: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    watched: pd.DataFrame | None = None,
    why: pd.DataFrame | None = None,
    moved: pd.DataFrame | None = None,
    further: pd.DataFrame | None = None,
) -> Html:
    """What happened, in one sentence, at most three points, where else, and a line of bases.

    Args:
        comparisons: All comparisons of the page: of the whole, and of its parts from `cx.alike`.
        metrics: What is measured, by name; the first leads.
        answers: How people answered the lead metric (`cx.distribution`), for whose shares of classes moved.
        targets: Of the page against its targets (`cx.against_target`).
        watched: Since when scores are higher or lower (`cx.watch`).
        why: What the change of the page is a matter of (`cx.why`), which is told of a change that is shown.
        moved: Which other places moved: <dimensions>, metric, direction, file of the page; None where there are none.
        further: Comparisons of the whole with a second period, of which changes are told.
    """
    page = compared(comparisons, metrics)
    if isinstance(page, Html):
        return page
    whole = page.whole
    lead = metrics_of(whole, page.metrics)[0]
    row = next(row for row in whole if row["metric"] == lead.name)
    since = last_word(watched, str(row["now"]))
    besides = _besides(further, metrics)
    still = not (since or besides) and all(one["verdict"] != "changed" and not one.get("named") for one in page.found)
    alone = moved is not None and moved.empty and row["verdict"] == "changed"
    said = _sentence(row, lead, since.get(lead.name), _target(targets, lead), moved if alone else None)
    points = [
        *_who(row, lead, answers, why),
        *_where(row, lead, page.tested(lead)),
        *_others([one for one in whole if one is not row], page.metrics, since),
    ]
    listed_points = tag("ul", *(tag("li", point) for point in points[:3]), class_="cx-points") if points else None
    calm = still and row["verdict"] == "no evidence"
    lines = [*besides]
    lines += [_nothing_to_do(page.metrics, targets)] if calm else []
    lines += [] if moved is None or alone else [_elsewhere(moved, page.metrics, "Elsewhere" if still else "Also moved")]
    beside = tag("p", join(filter(None, lines), " "), class_="cx-points") if any(lines) else None
    lasting = "" if lead.name in since else _watched_since(watched, row)
    return tag("div", said, listed_points, beside, _bases(row, lead, lasting), class_="cx-headline")


def _watched_since(watched: pd.DataFrame | None, row: Row) -> str:
    """From when on a score is watched that shows no lasting change: since the last one, if there was any."""
    told = [one for one in rows(watched) if one["metric"] == row["metric"]] if watched is not None else []
    last = max((i for i, one in enumerate(told) if one.get("signal")), default=-1)
    seen = [str(one["period"]) for one in told[last + 1 :] if one.get("evidence") is not None]
    if row.get("verdict") == "changed" or str(row["now"]) not in seen:
        return ""
    return f" Watched since {seen[0]}: no lasting change is shown."


def last_word(watched: pd.DataFrame | None, now: str) -> dict[str, Row]:
    """Of each metric what the watch says of the period, where it says anything."""
    found = [] if watched is None else rows(watched[watched["period"].astype(str) == now])
    return {str(row["metric"]): row for row in found if row.get("direction")}


def _watch_notes(watched: pd.DataFrame | None, now: str) -> list[str]:
    """What the watch cannot know of the scores of the period that it looks at, once each."""
    found = [] if watched is None else rows(watched[watched["period"].astype(str) == now])
    notes = dict.fromkeys(str(row.get("note") or "") for row in found if row.get("evidence") is not None)
    return [f"Watch: {note}." for note in notes if note]


def _sentence(
    row: Row, metric: Metric, since: Row | None, target: Row | None, alone: pd.DataFrame | None
) -> Html:  # fmt: skip
    found = verdicts.verdict(row, metric)
    sign = tag("span", found.sign, class_=f"cx-sign cx-{found.tone}", aria_hidden="true")
    changed = row.get("verdict") == "changed"
    clauses = []
    if since and not (changed and since["since"] == row["now"]) and _agrees(since, row):  # else the change says it
        than = "" if since["direction"] == "back" else " than before"
        clauses = [f"{';' if changed else ', but'} seen over all periods it has been {since_words(since)}{than}"]
    if target and target.get("verdict") in ("above", "below"):
        begin = ", and is" if changed and not clauses else ". It is"
        clauses.append(f"{begin} {target['verdict']} the target of {aim_words(target)}")
    elif target and target.get("verdict") == "not told apart":
        clauses.append(f". It is too close to the target of {aim_words(target)} to call")
    only = "" if alone is None else f", the only {_place(alone)} shown to have moved"
    return tag("p", sign, " ", tag("b", moved_words(row, metric)), only, *clauses, ".", class_="cx-lead")


def moved_words(row: Row, metric: Metric) -> str:
    """What a comparison says, in the scores of now and before where it has both."""
    if wording.in_pairs(metric) or row.get("value") is None or row.get("value_before") is None:
        return verdicts.claim(row, metric)
    now, before = _both(row, metric)
    if row.get("verdict") == "changed":
        return f"{metric.label} {'rose' if row['change'] > 0 else 'fell'} from {before} to {now}"
    return f"{metric.label} is {now}, after {before} in {row['before']}: {verdicts.verdict(row, metric).words}"


def _both(row: Row, metric: Metric) -> tuple[str, str]:
    """The score of now and before, with the decimals that the interval of the change supports."""
    places = wording.decimals(row.get("low"), row.get("high"))
    mark = "%" if metric.unit == "percent" else ""
    now, before = (f"{wording.number(row[key], places)}{mark}" for key in ("value", "value_before"))
    return now, before


def _agrees(since: Row, row: Row) -> bool:
    """Whether what the watch says stands beside a change: a score that moved is not said to be back where it was."""
    return not (row.get("verdict") == "changed" and since["direction"] == "back")


def since_words(row: Row) -> str:
    """What the watch says of a score."""
    told = "back where it was" if row["direction"] == "back" else row["direction"]
    return f"{told} since about {row['since']}"


def _target(targets: pd.DataFrame | None, metric: Metric) -> Row | None:
    return next((row for row in rows(targets) if row["metric"] == metric.name), None) if targets is not None else None


def _who(row: Row, metric: Metric, answers: pd.DataFrame | None, why: pd.DataFrame | None) -> list[object]:
    """Which shares of answers moved, where the score did, which are described and not tested; and why it did."""
    groups = [group for group, held in metric.classes.items() if len(metric.classes) > 2 or held]
    if row.get("verdict") != "changed":
        return []
    found = [] if answers is None or len(groups) < 2 else rows(answers)
    now, before = ([one for one in found if one["period"] == row[key]] for key in ("now", "before"))
    then, since = shares(before, groups), shares(now, groups)
    ends = [groups[0], groups[-1]] if len(groups) > 2 else groups[-1:]
    told = [f"{group} from {then[group]:.0f}% to {since[group]:.0f}%" for group in ends]
    said = [f"{' and '.join(told)} of answers."] if now and before else []
    said += [] if why is None else [in_short(why, metric)]
    return [" ".join(filter(None, said))] if any(said) else []


def _where(row: Row, metric: Metric, tested: Mapping[str, Sequence[Row]]) -> list[object]:
    """Whether parts changed differently: those that did, or that nobody can tell."""
    told: list[object] = []
    for key, held in tested.items():
        if alike(held) == DIFFERENTLY and (picked := named(held)):
            told.append(join([f"Different by {words(key)}: ", *listed(picked, metric, key), "."]))
    same = [key for key, held in tested.items() if alike(held) == NO_EVIDENCE]
    if same and row.get("verdict") == "changed":
        told.append(wording.sentence(no_evidence([plural(key) for key in same])))
    return told


def missed(target: Row, metric: Metric) -> bool:
    """Whether a score is shown to be on the wrong side of its target."""
    return bool(metric.better) and target.get("verdict") == ("below" if metric.better == "higher" else "above")


def _nothing_to_do(metrics: Mapping[str, Metric], targets: pd.DataFrame | None) -> str:
    """That nobody need act on a page on which nothing moved; nothing where a target is missed."""
    held = [row for row in rows(targets) if row["metric"] in metrics] if targets is not None else []
    if any(missed(row, metrics[row["metric"]]) for row in held):
        return ""
    aimed = ", and no score is shown to miss its target" if held else ""
    return f"Nothing to act on in these scores: no change is shown{aimed}."


def _besides(further: pd.DataFrame | None, metrics: Mapping[str, Metric]) -> list[str]:
    """What changed against a second period, in one sentence for all metrics; what did not is in the table."""
    metrics, (further,) = fitted(metrics, further)
    found = [] if further is None else [row for row in rows(further) if row["verdict"] == "changed"]
    told = [moved_words(row, metrics[row["metric"]]) for row in found]
    return [join(["Against ", name(found[0]["before"]), ": ", in_words(told), "."])] if told else []


def _place(moved: pd.DataFrame) -> str:
    """What one place of the run is called."""
    names = _of_place(moved)
    return words(names[0]) if len(names) == 1 else "place"


def _of_place(moved: pd.DataFrame) -> list[str]:
    return [str(name) for name in moved.columns if name not in ("metric", "direction", "file")]


def _elsewhere(moved: pd.DataFrame, metrics: Mapping[str, Metric], lead: str) -> Html:
    """Which other places moved, the first of them by name; or that none is shown to have."""
    held: dict[str, list[Row]] = {}
    names = _of_place(moved)
    for row in rows(moved):
        held.setdefault(" · ".join(str(row[name]) for name in names), []).append(row)
    if not held:
        return Html(f"No other {_place(moved)} is shown to have moved.")
    told = []
    for called, scores in list(held.items())[:ELSEWHERE]:
        link = tag("a", name(called), href=quote(file)) if (file := scores[0].get("file")) else name(called)
        ways = ", ".join(f"{metrics[one['metric']].label} {one['direction']}" for one in scores)
        told.append(join([link, f" ({ways})"]))
    more = [f"{len(held) - ELSEWHERE} more"] if len(held) > ELSEWHERE else []
    return join([f"{lead}: ", in_words([*told, *more]), "."])


def _others(found: Sequence[Row], metrics: Mapping[str, Metric], since: Mapping[str, Row]) -> list[object]:
    """The other metrics: those that changed each by itself, then those that the watch names, the others together."""
    about = [(row, metrics[row["metric"]]) for row in found]
    told: list[object] = [
        f"{moved_words(row, m)}{_since_of(row, since)}." for row, m in about if row["verdict"] == "changed"
    ]
    told += [f"{m.label}: {_still(row)} {row['before']}{_since_of(row, since)}." for row, m in about
             if row["verdict"] != "changed" and m.name in since]  # fmt: skip
    still = [m.label for row, m in about if row["verdict"] == "no evidence" and m.name not in since]
    return [*told, *([join(["No evidence of change in ", in_words(still), "."])] if still else [])]


def _still(row: Row) -> str:
    return "no evidence against" if row["verdict"] == "no evidence" else "too few answers to compare with"


def _since_of(row: Row, since: Mapping[str, Row]) -> str:
    held = since.get(str(row["metric"]))
    return f"; {since_words(held)}" if held and held["since"] != row["now"] and _agrees(held, row) else ""


def _bases(row: Row, metric: Metric, lasting: str) -> Html:
    """How many the sentence rests on, how large the change may be, what is lasting, and where more is said."""
    now, before = (wording.count(row.get(key)) for key in ("n", "n_before"))
    base = f"{now} {metric.counted} ({before} in {row.get('before')})."
    reach = ""
    if row.get("verdict") == "changed":
        reach = f" Likely size of the change: {verdicts.span(row, metric)} ({wording.level_words(row.get('level'))})."
    elif row.get("verdict") == "no evidence":
        reach = f" {wording.sentence(verdicts.detectable(row, metric))}"
    more = tag("a", "How sure is this?", href="#how-sure-is-this")
    return tag("p", base, reach, lasting, " ", more, class_="cx-notes")


# The table ------------------------------------------------------------------------------------------------------------


def board(
    series: pd.DataFrame,
    comparisons: pd.DataFrame | None,
    metrics: Mapping[str, Metric],
    now: str,
    *,
    whole: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    watched: pd.DataFrame | None = None,
    further: pd.DataFrame | None = None,
    peers: pd.DataFrame | None = None,
    bands: pd.DataFrame | None = None,
) -> Html:
    """All metrics of a page, a line each: score with interval and base, small line, before, change, target, total.

    Args:
        series: Estimates of one place in every period.
        comparisons: Of the same place; None where nothing is compared.
        metrics: What is measured, by name; gives the order.
        now: The period shown.
        whole: Estimates of everybody, where the page is about a place.
        targets: Of the place against its targets.
        watched: Since when scores are higher or lower.
        further: Comparisons of the same place with a second period, which has columns of its own.
        peers: Of the place against all others (`cx.peers`).
        bands: How sure it is in which band a net score lies (`cx.bands`).
    """
    metrics, (series, comparisons, whole, further) = fitted(metrics, series, comparisons, whole, further)
    every = rows(series)
    shown = metrics_of(every, metrics)
    if not shown:
        return tag("p", "Nothing was measured here.", class_="cx-none")
    changes = {str(row["metric"]): row for row in rows(comparisons)} if comparisons is not None else {}
    seconds = {str(row["metric"]): row for row in rows(further)} if further is not None else {}
    all_of = {str(row["metric"]): row for row in rows(whole)} if whole is not None else {}
    aims = {str(row["metric"]): row for row in rows(targets)} if targets is not None else {}
    beside, than = by_metric(peers), all_others([] if peers is None else dimensions(peers))
    since = last_word(watched, now)
    periods = len({str(row["period"]) for row in every})
    body, grey = [], []
    for metric in shown:
        held = [row for row in every if row["metric"] == metric.name]
        row = next((one for one in held if str(one["period"]) == now), held[-1])
        aim, change = aims.get(metric.name), changes.get(metric.name)
        cells: list[Cell] = [
            (tag("span", metric.label, id=slug("score", metric.name)), ""),
            (score_cell(row, metric), "cx-n"),
        ]
        cells += [(spark(held, aim and aim.get("target")), "cx-sparkcell")] * (periods > FEW)
        cells += [(before_cell(change, metric), "cx-n"),
                  (change_cell(change, metric, since.get(metric.name)), "cx-changed")] * bool(changes)  # fmt: skip
        second = seconds.get(metric.name)
        cells += [(before_cell(second, metric), "cx-n cx-wide"),
                  (change_cell(second, metric, None), "cx-changed cx-wide")] * bool(seconds)  # fmt: skip
        cells += [(aim_cell(aim), "cx-aim")] if aims else []
        word = tag("small", apart) if (apart := apart_from_others(beside.get(metric.name, []), now, than)) else None
        whole_ = wording.score(one, metric) if (one := all_of.get(metric.name)) else ""
        cells += [(join([whole_, word], " "), "cx-n cx-all")] * bool(all_of)
        body.append(cells)
        grey.append(row.get("value") is None or wording.is_small(row))
    before, earlier = (next((str(row["before"]) for row in found.values() if row.get("before")), "before")
                       for found in (changes, seconds))  # fmt: skip
    head = ["Metric", "Score"] + [f"{min(periods, RECENT)} periods"] * (periods > FEW)
    head += [shortly(before, now), "Change"] * bool(changes) + [shortly(earlier, now), "Change"] * bool(seconds)
    head += ["Target"] * bool(aims) + ["Everybody"] * bool(all_of)
    found = [row for row in every if str(row["period"]) == now]
    level = wording.level_words(next((row.get("level") for row in found), None))
    less = any(_worth_less(row) for row in found)
    like = ", in brackets what they count like" if less else ""
    caption = f"{now}: score with {level} interval and {shown[0].counted} (n{like})"
    moves = [*changes.values(), *seconds.values()]
    notes = _notes(shown, found, moves, list(aims.values()), _watch_notes(watched, now), by_metric(bands))
    return table(head, body, caption, folded=notes, grey=grey, kind="board")


def _notes(
    shown: Sequence[Metric], found: Sequence[Row], compared: Sequence[Row], aims: Sequence[Row], watch: Sequence[str],
    sure: Mapping[str, Sequence[Row]],
) -> list[str]:  # fmt: skip
    """How the numbers were made, said once below the table."""
    held = wording.families([*compared])
    lines = [f"Intervals: {wording.methods_words(row.get('method') for row in found)}."]
    tested = wording.methods_words(row.get("method") for row in compared)
    lines += [f"Method: {tested}.{f' Corrected for {held}; each interval is that of one comparison.' if held else ''}"
              ] * bool(tested)  # fmt: skip
    lines += [TARGETS.format(wording.families(aims))] * bool(aims)
    counted = shown[0].counted.capitalize()
    lines += [f"{counted} count like fewer after weights and after several of one customer or cluster."]
    bands = {m.name: wording.band(row, m) for row in found for m in shown if m.name == row["metric"]}
    told = [f"Band of the score: {band}.{_sure(sure.get(one, ()))}" for one, band in bands.items() if band]
    return [*lines, *watch, *told]


def _sure(bands: Sequence[Row]) -> str:
    """How sure it is that a score lies in each band or above it."""
    better = " or better"
    said = [f"{row['band']}{better * (row is not bands[-1])} {wording.confidence(row['or_better'])}"
            for row in bands if row["band"] and row["or_better"] is not None]  # fmt: skip
    return f" Confidence: {', '.join(said)}." if said else ""


def by_metric(frame: pd.DataFrame | None) -> dict[str, list[Row]]:
    """The rows of each metric."""
    found: dict[str, list[Row]] = {}
    for row in rows(frame) if frame is not None else ():
        found.setdefault(str(row["metric"]), []).append(row)
    return found


def apart_from_others(found: Sequence[Row], now: str, than: str) -> str:
    """Whether a score is shown to be higher or lower than that of all others; else whether it is over a longer time."""
    own = [row for row in found if str(row["period"]) == now]
    longer = [row for row in found if str(row["period"]) != now]
    few = not own or own[0]["verdict"] == "too few"
    for row in own + longer * few:
        if row["verdict"] == "differs":
            over = "" if row in own else f"over {row['period']} "
            return f"{over}{'higher' if row['difference'] > 0 else 'lower'} than {than}"
    return ""


def score_cell(row: Row, metric: Metric) -> Html:
    """A score with its interval and base, each on a line, or why there is none."""
    if row.get("value") is None:
        why = wording.why(row) if is_hidden(row.get("reason")) else ""
        return join([wording.absent(row), tag("small", why) if why else None], " ")
    unit = "" if metric.unit in ("points", "percent", "scale") else f" {wording.UNITS[metric.unit]}"
    number = tag("b", f"{wording.number(row['value'], wording.places_of(row))}{'%' * (metric.unit == 'percent')}{unit}")
    remarks = wording.precision(row, metric)
    return join([number, tag("small", wording.span(row, metric)), tag("small", _counted(row)),
                 tag("small", ", ".join(remarks)) if remarks else None], " ")  # fmt: skip


def _counted(row: Row) -> str:
    """The base of a score, in brackets what it counts like where that is another number."""
    like = f" ({wording.count(row.get('n_eff'))})" if _worth_less(row) else ""
    return f"n{wording.HARD}{wording.count(row.get('n'))}{like}"


def _worth_less(row: Row) -> bool:
    """Whether answers count like another number of them."""
    return row.get("n_eff") is not None and wording.count(row["n_eff"]) != wording.count(row.get("n"))


def shortly(before: str, now: str) -> str:
    """The period before as the head of a column, without the year where that of `now` is the same.

    >>> shortly("September 2026", "October 2026"), shortly("2026-09", "2026-10")
    ('September', '2026-09')
    """
    return before.removesuffix(f" {now[-4:]}")


def before_cell(row: Row | None, metric: Metric) -> str:
    """The score that a change starts from."""
    if row is None or row.get("value_before") is None:
        return ""
    if wording.in_pairs(metric):
        return wording.quantity(row["value_before"], metric.unit, 0 if row["value_before"] >= 10 else 1)
    return _both(row, metric)[1]


def change_cell(row: Row | None, metric: Metric, since: Row | None) -> Html:
    """The verdict with its size, what could have been missed, and since when the watch says so."""
    if row is None:
        return Html("")
    found = verdicts.verdict(row, metric)
    said = "no evidence" if row.get("verdict") == "no evidence" else found.words
    head = tag(
        "span",
        tag("span", found.sign, class_="cx-sign", aria_hidden="true"),
        f" {said}",
        class_=f"cx-{found.tone}",
    )
    told = row.get("change") is not None and row.get("verdict") in ("changed", "no evidence")
    lines: list[str] = []
    if told:
        lines = [f"{verdicts.short(row, metric)} ({verdicts.span(row, metric)})"]
        lines += ["once corrected for several"] * verdicts.corrected_away(row)
        could = verdicts.could(row, metric)
        lines += [f"under {could} could be missed"] if could and could != "none" else []
    elif row.get("verdict") == "too few" and not is_hidden(row.get("reason")):
        lines = [str(row.get("note") or "")]
    lines += [since_words(since)] if since and _agrees(since, row) else []
    return join([head, *(tag("small", line) for line in lines if line)], " ")


def aim_cell(row: Row | None) -> Html:
    """A target, and where the score stands to it."""
    if row is None or row.get("target") is None:
        return Html("")
    return join([aim_words(row), tag("small", str(row.get("verdict") or ""))], " ")


def aim_words(row: Row) -> str:
    """A target as it was set: a whole number, or one with a decimal."""
    return wording.number(row["target"], 0 if row["target"] == round(row["target"]) else 1)


def spark(held: Sequence[Row], aim: object = None, ends: tuple[float, float] | None = None) -> Html:
    """A small line of the last periods, its last point marked, a target dashed; decoration beside the numbers.

    Args:
        held: Estimates by period.
        aim: The target.
        ends: Of the scale, where several lines have one; else those of this line.
    """
    recent = list(held)[-RECENT:]
    known = [(i, row) for i, row in enumerate(recent) if row.get("value") is not None]
    if not known:
        return Html("")
    level = [float(str(aim))] if aim is not None else []
    low, high = ends or _air([*(row["value"] for _, row in known), *level])
    width, height = SPARK

    def path(points: Sequence[tuple[int, float]]) -> str:
        across, up = (width - 8) / max(len(recent) - 1, 1), (height - 6) / (high - low)
        drawn = [(4 + across * i, 3 + up * (high - min(max(y, low), high))) for i, y in points]
        return svg.path(drawn if len(drawn) > 1 else drawn * 2)

    way = "".join(path([(i, row["value"]) for i, row in run]) for run in runs(known))
    last = path([(known[-1][0], known[-1][1]["value"])])
    aimed = [tag("path", d=path([(0, y), (len(recent) - 1, y)]), class_="cx-aimed") for y in level]
    parts = [*aimed, tag("path", d=way, class_="cx-way"), tag("path", d=last, class_="cx-end")]
    return tag("svg", *parts, viewBox=f"0 0 {width} {height}", class_="cx-spark", aria_hidden="true", focusable="false")


def _air(values: Sequence[float]) -> tuple[float, float]:
    """Ends of a scale that hold some values with a little room, and never none."""
    low, high = min(values), max(values)
    air = 0.04 * (high - low) or 1.0
    return low - air, high + air
