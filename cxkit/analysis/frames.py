"""Estimates and comparisons as data frames that show themselves in a notebook as the tables of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import pandas as pd

from cxkit.metrics import Metric

LEAST = {"metric", "n", "n_eff", "low", "high", "level", "method", "note"}
ESTIMATES = LEAST | {"period", "value"}
COMPARISONS = LEAST | {"now", "before", "n_before", "change", "pvalue_adj", "family", "detectable", "verdict"}


class Frame(pd.DataFrame):
    """A data frame like any other, but for its looks in a notebook.

    What is picked from it by rows looks the same; without some of the columns of its vocabulary it shows itself as any
    data frame does, because a score is never shown without its interval, base and method.
    """

    _metadata: ClassVar[list[str]] = ["metrics"]  # what pandas hands on to the frames that are made of this one
    metrics: Mapping[str, Metric] | None = None

    @classmethod
    def of(cls, frame: pd.DataFrame, metrics: Mapping[str, Metric]) -> Frame:
        """A frame with the metrics that it is about, by name."""
        made = cls(frame)
        made.metrics = metrics
        return made

    @property
    def _constructor(self) -> Any:
        return Frame

    def _repr_html_(self) -> str | None:
        from cxkit import show

        asked = set(self.columns)
        if self.metrics is None or not len(self) or not (asked >= ESTIMATES or asked >= COMPARISONS):
            plain: Any = super()  # pandas-stubs do not know how a frame shows itself
            return cast("str | None", plain._repr_html_())
        most = pd.get_option("display.max_rows") or len(self)
        shown = self.head(most)
        if asked >= COMPARISONS:
            made = show.comparisons_table(shown, self.metrics)
        else:
            made = show.estimates_table(shown, self.metrics)
        rest = f"<p>The first {most:,} of {len(self):,} rows.</p>" if most < len(self) else ""
        return f"{show.style()}{made._repr_html_()}{rest}"
