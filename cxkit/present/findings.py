"""What the comparisons of a page say: few sentences, the most telling first, and none that says the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from cxkit.metrics import Metric
from cxkit.present import verdicts, wording
from cxkit.present.families import family
from cxkit.present.html import Html, join, name, slug, tag
from cxkit.present.labels import words
from cxkit.present.rows import Row, dimensions, metrics_of, place, rows, varying

FINDINGS = 5
NAMED = 3  # parts that one sentence names; more are counted
SAME = "These are the same answers, cut again."
OTHERS = " That the others are not shown to have changed is no evidence that they moved differently."


def findings(comparisons: pd.DataFrame, metrics: Mapping[str, Metric], *, limit: int = FINDINGS) -> Html:
    """What the comparisons say, in at most five sentences.

    What changed comes first: of the whole (of the page), ordered by its size against its uncertainty, then of its
    parts, ordered by that and by the share of answers that they hold; parts that moved with the whole share one
    sentence. The metrics of the whole without a change follow, the first one for itself, the others together. A closing
    sentence counts all verdicts.

    Args:
        comparisons: All comparisons of the page, of the whole and of its parts together.
        metrics: What is measured, by name.
        limit: The most sentences.
    """
    found = [row for row in rows(comparisons) if row["metric"] in metrics]
    if not found:
        return tag("p", "No comparison was made.", class_="cx-none")
    if all(not row.get("n") for row in found):
        return unknown(found)
    cuts = dimensions(comparisons)
    page = _Page(found, metrics, varying(found, cuts), cuts)
    told = _chosen([*_of_whole(page), *_of_parts(page)], _of_others(page), limit)
    listed = tag("ol", *(said.item for said in told), class_="cx-findings") if told else None
    methods = wording.methods_words(row.get("method") for said in told for row in said.about)
    method = tag("p", f"Method: {methods}.", class_="cx-notes") if told else None
    return tag("div", listed, tag("p", verdicts.tally(found) + _reach(page, told), class_="cx-tally"), method)


def _chosen(moved: Sequence[_Said], still: Sequence[_Said], limit: int) -> list[_Said]:
    """The first ones; the last place is kept for the first metric without a change, which is never left out."""
    if still and len(moved) >= limit:
        return [*moved[: limit - 1], still[0]]
    return [*moved, *still][:limit]


@dataclass(frozen=True, slots=True)
class _Page:
    """The comparisons of a page: all that is found, what is measured, the dimensions that differ, and all of them."""

    found: Sequence[Row]
    metrics: Mapping[str, Metric]
    names: Sequence[str]
    cuts: Sequence[str]

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

    def moved(self, among: Sequence[Row]) -> list[Row]:
        """Those that changed, the most telling first."""
        most: dict[str, float] = {}
        for row in self.found:
            most[row["metric"]] = max(most.get(row["metric"], 0), row["n"] or 0)
        changed = [row for row in among if row.get("verdict") == "changed"]
        return sorted(changed, key=lambda row: -_weight(row, most[row["metric"]]))

    def held(self, row: Row) -> str:
        """The family of a comparison in words."""
        return family(row, self.found, self.cuts)


class _Said(NamedTuple):
    """One finding: a list item, and the comparisons that it tells of."""

    item: Html
    about: Sequence[Row]


def _of_whole(page: _Page) -> list[_Said]:
    return [_one(row, page) for row in page.moved(page.whole)]


def _of_parts(page: _Page) -> list[_Said]:
    """The parts that changed; those that moved as the whole did, in one sentence per metric."""
    up = {row["metric"]: row["change"] > 0 for row in page.moved(page.whole)}
    moved = page.moved(page.parts)
    with_it = [row for row in moved if up.get(row["metric"]) == (row["change"] > 0)]
    told = [
        _with_whole(own, page)
        for metric in metrics_of(with_it, page.metrics)
        if (own := [row for row in with_it if row["metric"] == metric.name])
    ]
    return [*told, *(_one(row, page) for row in moved if row not in with_it)]


def _of_others(page: _Page) -> list[_Said]:
    """The metrics of the whole that did not change, the one that leads by itself."""
    still = [row for row in page.whole if row.get("verdict") != "changed"]
    lead, others = ([row for row in still if (row["metric"] == page.lead) is own] for own in (True, False))
    plain = [row for row in others if row.get("verdict") == "no evidence" and not verdicts.corrected_away(row)]
    rest = [_one(row, page) for row in others if row not in plain]
    alike = [_one(plain[0], page)] if len(plain) == 1 else [_unmoved(plain, page)] if plain else []
    return [*(_one(row, page) for row in lead), *alike, *rest]


def _one(row: Row, page: _Page) -> _Said:
    metric = page.metrics[row["metric"]]
    where = any(row.get(key) is not None for key in page.names)
    before, _, after = verdicts.claim(row, metric, "\0" if where else "").partition("\0")
    claim = tag("a", before, name(_called(row, page)) if where else None, after, href=f"#{_target(row, page.names)}")
    proof = tag("p", verdicts.proof(row, metric, page.held(row)), class_="cx-proof")
    return _Said(tag("li", tag("p", _sign(row, metric), " ", claim), proof), [row])


def _with_whole(moved: Sequence[Row], page: _Page) -> _Said:
    """The parts that changed as the whole did: the answers are the same, so that this is one finding and not many."""
    metric, shown = page.metrics[moved[0]["metric"]], moved[:NAMED]
    links = [tag("a", name(_called(row, page)), href=f"#{_target(row, page.names)}") for row in shown]
    more = [f"{len(moved) - NAMED} more"] if len(moved) > NAMED else []
    tested = [row for row in page.parts if row["metric"] == metric.name and row.get("pvalue_adj") is not None]
    verb = verdicts.verdict(moved[0], metric).words.split(" (")[0]
    claim = join(
        [f"{metric.label} {verb} in ", _listed([*links, *more]), f", too ({len(moved)} of {len(tested)} tested)"]
    )
    proofs = [join([name(_called(row, page)), " ", verdicts.in_short(row, metric)]) for row in shown]
    families = dict.fromkeys(page.held(row) for row in moved if (row.get("family") or 0) > 1)
    held = f". Adjusted for {' or '.join(families)}. " if families else ". "
    still = any(row.get("verdict") == "no evidence" for row in tested)
    proof = tag("p", join(proofs, "; "), held, SAME, OTHERS if still else None, class_="cx-proof")
    return _Said(tag("li", tag("p", _sign(moved[0], metric), " ", claim), proof), moved)


def _called(row: Row, page: _Page) -> str:
    """What a part is called; with its dimension where the page has several, as "ja" alone tells nothing."""
    if len(page.names) == 1:
        return place(row, page.names)
    return ", ".join(f"{words(key)} {row[key]}" for key in page.names if row.get(key) is not None)


def _unmoved(found: Sequence[Row], page: _Page) -> _Said:
    """Several metrics without evidence of a change, in one sentence."""
    links = [tag("a", page.metrics[row["metric"]].label, href=f"#{_target(row, page.names)}") for row in found]
    since = [" against ", name(found[0]["before"])] if found[0].get("before") else []
    proofs = [
        f"{metric.label} {verdicts.in_short(row, metric)}, detectable {verdicts.could(row, metric)}"
        for row in found
        for metric in [page.metrics[row["metric"]]]
    ]
    held = sorted({page.held(row) for row in found if (row.get("family") or 0) > 1})
    tested = f"; adjusted for {' or '.join(held)}." if held else "."
    proof = tag("p", "; ".join(proofs), tested, class_="cx-proof")
    claim = join(["No evidence of change in ", _listed(links), *since])
    return _Said(tag("li", tag("p", _sign(found[0], page.metrics[page.lead]), " ", claim), proof), found)


def _reach(page: _Page, told: Sequence[_Said]) -> str:
    """What could have been detected in the parts, and of the whole where no sentence says it."""
    said = [row for one in told for row in one.about]
    by = " and ".join(map(words, page.names))
    untold = [row for row in page.whole if row not in said]
    about = [(f"By {by}", page.parts), ("Of the other metrics", untold)]
    return "".join(
        f" {lead}, a change of about so much could have been detected: {'; '.join(sizes)}."
        for lead, found in about
        if (sizes := [size for m in metrics_of(found, page.metrics) if (size := verdicts.reach_of(found, m))])
    )


def unknown(found: Sequence[Row]) -> Html:
    """What is said of a place of which nothing may be shown: what is known, why, and what would be needed.

    A page drops the sections that would only say it again.
    """
    now, before = name(found[0].get("now")), name(found[0].get("before"))
    notes = {str(row.get("note") or "").partition("now: hidden: ")[2] for row in found} - {""}
    if notes:
        why = (
            f"There are answers, but {'; '.join(sorted(notes))}. Scores, bases and single answers are hidden, so that "
            "nobody can be recognised."
        )
    else:
        why = "Nobody answered. Where there should be answers: does the export hold this place, and under this name?"
    past = {row.get("n_before") for row in found}
    then = "nobody answered" if past == {0} else "answers are hidden, too" if past <= {0, None} else "people answered"
    needed = (
        f"{wording.rule(found, 'hide_below')} people who answer give a score with its interval and base; "
        f"{wording.rule(found, 'judge_from')} "
        "(effective) answers in both periods give a verdict on a change."
    )
    if any(verdicts.protects(row) for row in found):
        needed = "nothing more: there are enough answers, and they are hidden for the sake of a smaller group."
    lines = [tag("strong", "Nothing can be shown for ", now, "."), join([why, " In ", before, f" {then}."]),
             f"What would be needed: {needed}"]  # fmt: skip
    return tag("div", *(tag("p", line) for line in lines), class_="cx-unknown")


def _listed(parts: Sequence[object]) -> Html:
    """Parts of a sentence as a list in words."""
    return join([join(parts[:-1], ", "), parts[-1]], " and ") if len(parts) > 1 else join(parts)


def _sign(row: Row, metric: Metric) -> Html:
    found = verdicts.verdict(row, metric)
    return tag("span", found.sign, class_=f"cx-sign cx-{found.tone}", aria_hidden="true")


def _target(row: Row, names: Sequence[str]) -> str:
    where = next((key for key in names if row.get(key) is not None), None)
    return slug("changes", row["metric"], where) if where else slug("tile", row["metric"])


def _weight(row: Row, most: float) -> float:
    low, high, change = row.get("low"), row.get("high"), row.get("change")
    if low is None or high is None or change is None or high <= low:
        return 0.0
    share = (row.get("n") or 0) / most if most else 1.0
    return float(abs(change) / ((high - low) / 2) * share**0.5)
