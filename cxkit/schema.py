"""The vocabulary that all layers share: the limits from which on a number is shown, and said to have changed."""

from __future__ import annotations

from dataclasses import dataclass

from cxkit.errors import CxError

FEWEST = 3  # of two people who are told together, each knows the other's answer
TESTED = 10  # the smallest base for which the size of the tests is known (docs/statistics.md)


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of a run. They travel with its tallies, and every sentence that quotes one quotes it from here.

    Attributes:
        hide_below: People who answered, below which a cell shows neither score nor base; at least 3.
        judge_from: Effective answers on either side from which on a change is judged; at least 10, and `hide_below`.
        judge_clusters: Clusters with answers from which on a change is judged, where answers come in clusters.

    Raises:
        CxError: Limits below these.

    >>> Rules(hide_below=25).judge_from
    30
    """

    hide_below: int = 10
    judge_from: int = 30
    judge_clusters: int = 10

    def __post_init__(self) -> None:
        for name, least in (("hide_below", FEWEST), ("judge_from", TESTED), ("judge_clusters", 2)):
            if (found := getattr(self, name)) < least:
                raise CxError(f"{name}: expected {least} or more, found {found}")
        if self.judge_from < self.hide_below:
            hint = f"expected {self.hide_below} or more, as hide_below is, found {self.judge_from}"
            raise CxError(f"judge_from: {hint}")


RULES = Rules()
"""The limits where nobody sets others."""
