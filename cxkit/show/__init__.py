"""Frames -> what people read. Computes nothing: no statistic, no verdict.

    from cxkit import show

`header`, `headline`, `board`, `findings`, `comments`, `audit`, `audit_tables`, `methods`, `provenance`, `style` make
the parts of a page; `estimates_table`, `comparisons_table`, `distribution_table`, `against_rest`, `crosstab`,
`peers`, `matrix`, `hazards`, `league`, `flows`, `standardised` its tables; `trend`, `curve`, `cohorts`,
`score_distribution`, `stacked`, `segments`, `changes`, `heatmap`, `margins`, `weakest`, `gradient`, `why`, `drivers`
its figures. Each returns `Html`, in which every string of the data is escaped. `theme`, `intervals` and `figure` put
seaborn and matplotlib on a page.
"""

from __future__ import annotations

from cxkit.show.board import board, headline
from cxkit.show.cohorts import cohorts
from cxkit.show.crosstabs import crosstab, matrix
from cxkit.show.drivers import drivers
from cxkit.show.figures import changes, curve, gradient, heatmap, score_distribution, segments, stacked, trend
from cxkit.show.findings import findings
from cxkit.show.html import Html
from cxkit.show.journeys import flows, margins, standardised, weakest
from cxkit.show.pictures import figure, intervals, theme
from cxkit.show.sections import audit, audit_tables, comments, header, methods, provenance, style
from cxkit.show.tables import (
    against_rest,
    comparisons_table,
    curve_table,
    distribution_table,
    estimates_table,
    hazards,
    league,
    nonresponse,
    peers,
)
from cxkit.show.why import why

__all__ = [
    "Html",
    "against_rest",
    "audit",
    "audit_tables",
    "board",
    "changes",
    "cohorts",
    "comments",
    "comparisons_table",
    "crosstab",
    "curve",
    "curve_table",
    "distribution_table",
    "drivers",
    "estimates_table",
    "figure",
    "findings",
    "flows",
    "gradient",
    "hazards",
    "header",
    "headline",
    "heatmap",
    "intervals",
    "league",
    "margins",
    "matrix",
    "methods",
    "nonresponse",
    "peers",
    "provenance",
    "score_distribution",
    "segments",
    "stacked",
    "standardised",
    "style",
    "theme",
    "trend",
    "weakest",
    "why",
]
