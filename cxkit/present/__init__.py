"""Frames -> what people read. Computes nothing: no statistic, no verdict.

    from cxkit import present as show

`header`, `tiles`, `findings`, `comments`, `audit`, `audit_tables`, `methods`, `provenance`, `style` make the parts of a
page; `estimates_table`, `comparisons_table`, `distribution_table`, `against_rest`, `league` its tables; `trend`,
`score_distribution`, `stacked`, `segments`, `changes`, `heatmap` its figures. Each returns `Html`, in which every
string of the data is escaped.
"""

from __future__ import annotations

from cxkit.present.audits import audit_tables
from cxkit.present.contrasts import against_rest
from cxkit.present.figures import changes, heatmap, score_distribution, segments, stacked, trend
from cxkit.present.findings import findings
from cxkit.present.html import Html
from cxkit.present.leagues import league
from cxkit.present.quotes import comments
from cxkit.present.sections import audit, header, methods, provenance, style
from cxkit.present.tables import comparisons_table, distribution_table, estimates_table
from cxkit.present.tiles import tiles

__all__ = [
    "Html",
    "against_rest",
    "audit",
    "audit_tables",
    "changes",
    "comments",
    "comparisons_table",
    "distribution_table",
    "estimates_table",
    "findings",
    "header",
    "heatmap",
    "league",
    "methods",
    "provenance",
    "score_distribution",
    "segments",
    "stacked",
    "style",
    "tiles",
    "trend",
]
