"""Whether parts changed differently, in words; only then is any of them named, with what the naming costs."""

from __future__ import annotations

from collections.abc import Sequence

from cxkit.metrics import Metric
from cxkit.show import verdicts, wording
from cxkit.show.html import Html, join, name
from cxkit.show.rows import Row, words

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


def reach(found: Sequence[Row], metric: Metric, dimension: str) -> str:
    """By how much one of the parts would have had to differ to be found."""
    sizes = [row["alike_detectable"] for row in found if row.get("alike_detectable") is not None]
    one, unit = words(dimension), verdicts.unit_words(metric)
    ends = " to ".join(dict.fromkeys(verdicts.about(size) for size in (min(sizes), max(sizes))))
    return f"one {one} that alone moved {f'{ends} {unit}'.strip()} away from the others could have been detected"


def no_evidence(what: Sequence[str], dimensions: Sequence[str] = ()) -> str:
    """That no difference is shown between the parts of one metric or several."""
    by = f" by {' or '.join(map(words, dimensions))}" if dimensions else ""
    return f"no evidence that {', '.join([*what[:-2], ' or '.join(what[-2:])])} changed differently{by}"
