"""What the comparisons of a page say: few sentences, the most telling first, and none that says the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from cxkit.metrics import Metric
from cxkit.schema import is_hidden
from cxkit.show import verdicts, wording
from cxkit.show.html import Html, join, name, slug, tag
from cxkit.show.labels import plural, words
from cxkit.show.rows import Row, dimensions, fitted, metrics_of, rows, varying

FINDINGS = 5


def findings(
    comparisons: pd.DataFrame, metrics: Mapping[str, Metric], *, why: pd.DataFrame | None = None, limit: int = FINDINGS
) -> Html:
    """What the comparisons say, in at most five sentences.

    What changed of the whole (of the page) comes first, ordered by its size against its uncertainty; a part that
    accounts for it follows. Parts are named only where a test says that they changed differently. Then come the metrics
    of the whole without a change, the first one for itself, the others together. The last sentence counts all verdicts.

    Args:
        comparisons: All comparisons of the page, of the whole and of its parts together, those of the parts from
            `cx.alike`: parts of which nobody asked whether they changed differently are counted and not named.
        metrics: What is measured, by name.
        why: What each part brings to the change of the whole, from `cx.why`.
        limit: The most sentences.
    """
    page = compared(comparisons, metrics, why)
    if isinstance(page, Html):
        return page
    found = page.found
    moved, still = [*(_one(row, page) for row in page.moved), *_of_parts(page)], _of_others(page)
    # The last place is kept for the first metric without a change, which is never left out.
    told = [*moved[: limit - bool(still)], *still][:limit]
    listed = tag("ol", *(said.item for said in told), class_="cx-findings") if told else None
    methods = wording.methods_words(row.get("method") for said in told for row in said.about)
    method = tag("p", f"Method: {methods}.", class_="cx-notes") if told else None
    closing = verdicts.tally(found) + _reach(page, told) + _unsaid_parts(page)
    return tag("div", listed, tag("p", closing, class_="cx-tally"), method)


def compared(comparisons: pd.DataFrame, metrics: Mapping[str, Metric], why: pd.DataFrame | None = None) -> Page | Html:
    """The comparisons of a page, or what is said where there are none or where nothing may be shown."""
    metrics, (comparisons,) = fitted(metrics, comparisons)
    found = [row for row in rows(comparisons) if row["metric"] in metrics]
    if not found:
        return tag("p", "No comparison was made.", class_="cx-none")
    if all(not row.get("n") for row in found):
        return unknown(found)
    return Page(found, metrics, varying(found, dimensions(comparisons)), [] if why is None else rows(why))


@dataclass(frozen=True, slots=True)
class Page:
    """The comparisons of a page: all, what is measured, the dimensions that differ, and contributions."""

    found: Sequence[Row]
    metrics: Mapping[str, Metric]
    names: Sequence[str]
    why: Sequence[Row]

    @property
    def whole(self) -> list[Row]:
        """Those of the whole of the page."""
        return [row for row in self.found if all(row.get(key) is None for key in self.names)]

    @property
    def parts(self) -> list[Row]:
        """Those of its parts."""
        return [row for row in self.found if any(row.get(key) is not None for key in self.names)]

    @property
    def lead(self) -> str:
        """The metric that the page is about."""
        return metrics_of(self.found, self.metrics)[0].name

    @property
    def moved(self) -> list[Row]:
        """Those of the whole that changed, the most telling first."""
        return sorted((row for row in self.whole if row.get("verdict") == "changed"), key=_uncertainty)

    def tested(self, metric: Metric) -> dict[str, list[Row]]:
        """The parts of one metric, by dimension."""
        found = {key: parts_of(self.parts, metric, key) for key in self.names}
        return {key: held for key, held in found.items() if held}

    def alike(self, metric: Metric, said: str) -> list[str]:
        """The dimensions of which the test whether parts changed differently says so."""
        return [key for key, held in self.tested(metric).items() if alike(held) == said]

    def explaining(self, metric: Metric, dimension: str) -> Row | None:
        """The part that accounts for the change of the whole: it changed differently, and there is but one."""
        if metric.name not in {row["metric"] for row in self.moved}:
            return None
        own = [row for row in self.why if row["metric"] == metric.name and row["dimension"] == dimension]
        picked = {row[dimension] for row in named(parts_of(self.parts, metric, dimension))}
        return next((row for row in own if row.get("explains") and row[dimension] in picked), None)


class _Said(NamedTuple):
    """One finding: a list item, and the comparisons that it tells of."""

    item: Html
    about: Sequence[Row]

    @classmethod
    def of(cls, sign: Html, claim: Html, proof: object, about: Sequence[Row]) -> _Said:
        """A sign, a sentence and what stands behind it."""
        return cls(tag("li", tag("p", sign, " ", claim), tag("p", proof, class_="cx-proof")), about)


def _one(row: Row, page: Page) -> _Said:
    metric = page.metrics[row["metric"]]
    claim = tag("a", verdicts.claim(row, metric), href=f"#{_target(row)}")
    return _Said.of(_sign(row, metric), claim, verdicts.proof(row, metric), [row])


def _of_parts(page: Page) -> list[_Said]:
    """Of each metric the part that accounts for the change, or those that moved differently, or that all are alike."""
    told = []
    for metric in metrics_of(page.parts, page.metrics):
        for key in page.alike(metric, DIFFERENTLY):
            held = page.tested(metric)[key]
            part = page.explaining(metric, key)
            told.append(_apart(held, metric, key) if part is None else _explained(part, held, metric, key))
        same = page.alike(metric, NO_EVIDENCE)
        if same and metric.name in {row["metric"] for row in page.moved}:
            told.append(_alike(page.tested(metric), metric, same))
    return told


def _apart(held: Sequence[Row], metric: Metric, dimension: str) -> _Said:
    """The parts that changed differently."""
    picked = named(held)
    lead = tag("a", f"{metric.label} changed differently by {words(dimension)}", href=f"#{_target(held[0], dimension)}")
    claim = join([lead, ": ", *listed(picked, metric, dimension)])
    return _Said.of(_sign(picked[0], metric), claim, proofs(picked, metric, dimension), held)


def _explained(part: Row, held: Sequence[Row], metric: Metric, dimension: str) -> _Said:
    """The part that accounts for a change of the whole, and what the others together do."""
    own = [row for row in named(held) if row[dimension] == part[dimension]]
    also = [row for row in named(held) if row[dimension] != part[dimension]]
    which = "rise" if part["total_change"] > 0 else "fall"
    brings = verdicts.arithmetic(part, "contribution", metric, unit=False)
    total, others = (verdicts.arithmetic(part, key, metric) for key in ("total_change", "others"))
    lead = f" accounts for the {which} of {metric.label}"
    claim = tag("a", name(part[dimension]), lead, href=f"#{_target(own[0], dimension)}")
    rest = f" ({brings} of {total}); the other {plural(dimension)} together: no evidence ({others})"
    proof = join([
        f"What it brings to the total: {verdicts.brought(part, '', metric)}; the others: "
        f"{verdicts.brought(part, 'others_', metric)}, {wording.pvalue(part['others_pvalue'])}. "
        f"By itself it moved {verdicts.pulled(own[0], metric)}: ",
        proofs([*own, *also], metric, dimension), " Arithmetic, not a cause.",
    ])  # fmt: skip
    return _Said.of(_sign(own[0], metric), join([claim, rest]), proof, [*held, part])


def _alike(tested: Mapping[str, Sequence[Row]], metric: Metric, same: Sequence[str]) -> _Said:
    """The parts of a whole that changed, of which none is shown to have changed differently."""
    first = tested[same[0]][0]
    lead = tag("a", "In all parts", href=f"#{_target(first, same[0])}")
    proofs = [f"By {words(key)}: {in_numbers(tested[key][0])}; {_singled(tested[key], metric, key)}" for key in same]
    proof = f"{'. '.join(proofs)}."
    sign = tag("span", wording.NONE, class_="cx-sign cx-none", aria_hidden="true")
    return _Said.of(sign, join([lead, f": {no_evidence([metric.label], same)}"]), proof, [first])


def _of_others(page: Page) -> list[_Said]:
    """The metrics of the whole that did not change, the one that leads by itself."""
    still = [row for row in page.whole if row.get("verdict") != "changed"]
    lead, others = ([row for row in still if (row["metric"] == page.lead) is own] for own in (True, False))
    plain = [row for row in others if row.get("verdict") == "no evidence" and not verdicts.corrected_away(row)]
    rest = [_one(row, page) for row in others if row not in plain]
    same = [_one(plain[0], page)] if len(plain) == 1 else [_unmoved(plain, page)] if plain else []
    return [*(_one(row, page) for row in lead), *same, *rest]


def _unmoved(found: Sequence[Row], page: Page) -> _Said:
    """Several metrics without evidence of a change, in one sentence."""
    links = [tag("a", page.metrics[row["metric"]].label, href=f"#{_target(row)}") for row in found]
    since = [" against ", name(found[0]["before"])] if found[0].get("before") else []
    about = [(row, page.metrics[row["metric"]]) for row in found]
    proofs = [f"{m.label} {verdicts.in_short(row, m)}, detectable {verdicts.could(row, m)}" for row, m in about]
    held = wording.families(found)
    tested = f"; adjusted for {held}." if held else "."
    claim = join(["No evidence of change in ", in_words(links), *since])
    return _Said.of(_sign(found[0], page.metrics[page.lead]), claim, "; ".join(proofs) + tested, found)


def _reach(page: Page, told: Sequence[_Said]) -> str:
    """What could be missed in the parts, and of the whole where no sentence says it."""
    said = [row for one in told for row in one.about]
    untold = [row for row in page.whole if row not in said]
    about = [(f"By {' and '.join(map(words, page.names))}", page.parts), ("Of the other metrics", untold)]
    return "".join(
        f" {lead}, a change under about so much could be missed: {'; '.join(sizes)}."
        for lead, found in about
        if (sizes := [size for m in metrics_of(found, page.metrics) if (size := verdicts.reach_of(found, m))])
    )


def _unsaid_parts(page: Page) -> str:
    """Of parts without a sentence of their own, that no difference between them is shown."""
    moved = {row["metric"] for row in page.moved}
    cuts = {metric.label: page.alike(metric, NO_EVIDENCE) for metric in metrics_of(page.parts, page.metrics)
            if metric.name not in moved}  # fmt: skip
    by: dict[tuple[str, ...], list[str]] = {}
    for label, held in cuts.items():
        by.setdefault(tuple(held), []).append(label)
    return "".join(f" There is {no_evidence(labels, held)}." for held, labels in by.items() if held)


def unknown(found: Sequence[Row]) -> Html:
    """What is said of a place of which nothing may be shown: what is known, why, and what would be needed.

    A page drops the sections that would only say it again.
    """
    now, before = name(found[0].get("now")), name(found[0].get("before"))
    hidden = [row for row in found if is_hidden(row.get("reason")) and row.get("reason_side") != "before"]
    if hidden:
        told = "; ".join(sorted({wording.why(row) for row in hidden}))
        said = (
            f"There are answers, but {told}. Scores, bases and single answers are hidden, so that "
            "nobody can be recognised."
        )
    else:
        said = (
            "No answer is used. Where there should be some: does the export hold this place, under this name, and does "
            "the data page tell of refused answers?"
        )
    past = {row.get("n_before") for row in found}
    then = "none was used" if past == {0} else "answers are hidden, too" if past <= {0, None} else "people answered"
    few, judged = (wording.rule(found, rule) for rule in ("hide_below", "judge_from"))
    needed = (
        f"{few} people who answer give a score with its interval and base; {judged} (effective) answers in both "
        "periods give a verdict on a change."
    )
    if any(verdicts.unsaid(row) == "protecting" for row in found):
        needed = "nothing more: there are enough answers, and they are hidden for the sake of a smaller group."
    lines = [tag("strong", "Nothing can be shown for ", now, "."), join([said, " In ", before, f" {then}."]),
             f"What would be needed: {needed}"]  # fmt: skip
    return tag("div", *(tag("p", line) for line in lines), class_="cx-unknown")


def _sign(row: Row, metric: Metric) -> Html:
    found = verdicts.verdict(row, metric)
    return tag("span", found.sign, class_=f"cx-sign cx-{found.tone}", aria_hidden="true")


def _target(row: Row, dimension: str = "") -> str:
    return slug("changes", row["metric"], dimension) if dimension else slug("score", row["metric"])


def _uncertainty(row: Row) -> float:
    """The size of a change against its uncertainty, the most telling lowest."""
    low, high, change = row.get("low"), row.get("high"), row.get("change")
    if low is None or high is None or change is None or high <= low:
        return 0.0
    return -float(abs(change) / (high - low))


# Parts that changed differently ---------------------------------------------------------------------------------------


NAMED = 3  # parts that one sentence names; more are counted
DIFFERENTLY, NO_EVIDENCE = "differently", "no evidence"


def parts_of(found: Sequence[Row], metric: Metric, dimension: str) -> list[Row]:
    """The comparisons of one metric that are cut by a dimension."""
    return [row for row in found if row["metric"] == metric.name and row.get(dimension) is not None]


def alike(found: Sequence[Row]) -> str:
    """What the test of the parts said: "differently", "no evidence", or nothing where it was not made."""
    said = found[0].get("alike_verdict") if found else None
    return str(said) if said in (DIFFERENTLY, NO_EVIDENCE) else ""


def named(found: Sequence[Row]) -> list[Row]:
    """The parts that may be named, the largest change first."""
    return sorted((row for row in found if row.get("named")), key=lambda row: -abs(row["named_change"]))


def listed(found: Sequence[Row], metric: Metric, dimension: str) -> list[object]:
    """Names of parts with their shrunken changes, a few of them; the pieces of a sentence."""
    told = [join([name(row[dimension]), " ", verdicts.pulled(row, metric)]) for row in found[:NAMED]]
    more = [f"{len(found) - NAMED} more"] if len(found) > NAMED else []
    return [in_words([*told, *more])]


def in_words(parts: Sequence[object]) -> Html:
    """Parts of a sentence as a list in words."""
    return join([join(parts[:-1], ", "), parts[-1]], " and ") if len(parts) > 1 else join(parts)


def proofs(found: Sequence[Row], metric: Metric, dimension: str) -> Html:
    """What stands behind the parts that are named: what was measured, what allows for the picking, and the test."""
    told = [join([name(row[dimension]), " ", verdicts.picked(row, metric)]) for row in found[:NAMED]]
    return join([join(told, "; "), ". Pulled towards the change of all by how little is known; the intervals allow "
                 "for the picking. Test that all changed alike: ", in_numbers(found[0]), "."])  # fmt: skip


def in_numbers(row: Row) -> str:
    """The test that the parts changed alike, in numbers."""
    adjusted = row["alike_pvalue_adj"] != row["alike_pvalue"]
    p = f"adjusted {wording.pvalue(row['alike_pvalue_adj'])}" if adjusted else wording.pvalue(row["alike_pvalue"])
    df = f"{row['alike_df']:.0f} degree{'s' * (row['alike_df'] > 1)} of freedom"
    return f"Cochran's Q{wording.HARD}{row['alike_q']:.1f} on {df}, {p}"


def _singled(found: Sequence[Row], metric: Metric, dimension: str) -> str:
    """By how much one of the parts would have had to differ to be found."""
    sizes = [row["alike_detectable"] for row in found if row.get("alike_detectable") is not None]
    ends = " to ".join(dict.fromkeys(verdicts.about(size) for size in (min(sizes), max(sizes))))
    size = f"{ends} {verdicts.unit_words(metric)}".strip()
    return f"one {words(dimension)} that alone moved under {size} away from the others could be missed"


def no_evidence(what: Sequence[str], dimensions: Sequence[str] = ()) -> str:
    """That no difference is shown between the parts of one metric or several."""
    by = f" by {' or '.join(map(words, dimensions))}" if dimensions else ""
    return f"no evidence that {', '.join([*what[:-2], ' or '.join(what[-2:])])} changed differently{by}"
