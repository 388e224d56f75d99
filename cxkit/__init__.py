"""cxkit: customer-experience metrics that say how sure they are.

The way of the data, and the folder that holds each step:

    export -> responses -> tallies      `cxkit.data`       read, tally, load, save
    -> estimates -> comparisons         `cxkit.analysis`   estimate, compare, against_rest, alike, contributions,
                                                           league, distribution;
                                                           on lists of answers nps, csat, ces, rate, change
    (formulas on arrays)                `cxkit.stats`      imported by itself: `from cxkit.stats import nps_interval`
    -> words, tables, figures           `cxkit.present`
    -> notebook -> page -> shelf        `cxkit.report`     the command `cxkit run`

Public names are loaded on first use, so that `import cxkit` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "METRICS": "cxkit.metrics",
    "Metric": "cxkit.metrics",
    "CxError": "cxkit.errors",
    "Rules": "cxkit.schema",
    "read": "cxkit.data.responses",
    "Responses": "cxkit.data.responses",
    "tally": "cxkit.data.tallies",
    "Tallies": "cxkit.data.tallies",
    "inspect": "cxkit.data.inspection",
    "audit": "cxkit.data.audit",
    "audited": "cxkit.data.audit",
    "load": "cxkit.data.stored",
    "save": "cxkit.data.stored",
    "add": "cxkit.data.stored",
    "estimate": "cxkit.analysis.estimates",
    "distribution": "cxkit.analysis.estimates",
    "at": "cxkit.analysis.estimates",
    "compare": "cxkit.analysis.comparisons",
    "against_rest": "cxkit.analysis.contrasts",
    "alike": "cxkit.analysis.alike",
    "contributions": "cxkit.analysis.contributions",
    "league": "cxkit.analysis.leagues",
    "provenance": "cxkit.analysis.provenance",
    "comments": "cxkit.analysis.comments",
    "readings": "cxkit.analysis.readings",
    "nps": "cxkit.analysis.answers",
    "csat": "cxkit.analysis.answers",
    "ces": "cxkit.analysis.answers",
    "rate": "cxkit.analysis.answers",
    "duration": "cxkit.analysis.answers",
    "change": "cxkit.analysis.answers",
    "Estimate": "cxkit.analysis.results",
    "Change": "cxkit.analysis.results",
}
__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from cxkit.analysis.alike import alike
    from cxkit.analysis.answers import ces, change, csat, duration, nps, rate
    from cxkit.analysis.comments import comments
    from cxkit.analysis.comparisons import compare
    from cxkit.analysis.contrasts import against_rest
    from cxkit.analysis.contributions import contributions
    from cxkit.analysis.estimates import at, distribution, estimate
    from cxkit.analysis.leagues import league
    from cxkit.analysis.provenance import provenance
    from cxkit.analysis.readings import readings
    from cxkit.analysis.results import Change, Estimate
    from cxkit.data.audit import audit, audited
    from cxkit.data.inspection import inspect
    from cxkit.data.responses import Responses, read
    from cxkit.data.stored import add, load, save
    from cxkit.data.tallies import Tallies, tally
    from cxkit.errors import CxError
    from cxkit.metrics import METRICS, Metric
    from cxkit.schema import Rules


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cxkit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
