"""cxkit: customer-experience metrics that say how sure they are.

The way of the data, and the folder that holds each step:

    export -> responses             `cxkit.input`       read; `cxkit.inspection` drafts a mapping: inspect
    -> tallies                      `cxkit.tallies`     tally, load, save, add, audit
    -> estimates -> comparisons     `cxkit.analysis`    estimate, compare, against_rest, crosstab, against_target,
                                                        alike, why, drivers, gradient, curve, cohorts, hazards, league,
                                                        peers, watch, level, distribution;
                                                        on lists of answers nps, csat, ces, rate, change
    (formulas on arrays)            `cxkit.stats`       imported by itself: `from cxkit.stats import nps_interval`
    -> words, tables, figures       `cxkit.show`        report (`cxkit.reporting`): what notebooks call, a verb a cell
    -> notebook -> page -> shelf    `cxkit.runs`        run, which is the command `cxkit run`; `cxkit.warm` executes the
                                                        notebooks
    (something to try it on)        `cxkit.sample`

Public names are loaded on first use, so that `import cxkit` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "METRICS": "cxkit.metrics",
    "Metric": "cxkit.metrics",
    "metric": "cxkit.metrics",
    "CxError": "cxkit.errors",
    "Rules": "cxkit.schema",
    "read": "cxkit.input.responses",
    "Responses": "cxkit.input.responses",
    "tally": "cxkit.tallies.tally",
    "Tallies": "cxkit.tallies.tallies",
    "inspect": "cxkit.inspection.draft",
    "audit": "cxkit.tallies.audit",
    "audited": "cxkit.tallies.audit",
    "load": "cxkit.tallies.storage",
    "save": "cxkit.tallies.storage",
    "add": "cxkit.tallies.storage",
    "estimate": "cxkit.analysis.estimates",
    "distribution": "cxkit.analysis.estimates",
    "at": "cxkit.analysis.estimates",
    "bands": "cxkit.analysis.bands",
    "compare": "cxkit.analysis.comparisons",
    "against_rest": "cxkit.analysis.contrasts",
    "crosstab": "cxkit.analysis.crosstabs",
    "alike": "cxkit.analysis.alike",
    "why": "cxkit.analysis.why",
    "curve": "cxkit.analysis.curves",
    "cohorts": "cxkit.analysis.cohorts",
    "against_target": "cxkit.analysis.targets",
    "peers": "cxkit.analysis.peers",
    "league": "cxkit.analysis.leagues",
    "watch": "cxkit.analysis.watching",
    "level": "cxkit.analysis.watching",
    "provenance": "cxkit.analysis.provenance",
    "comments": "cxkit.analysis.comments",
    "drivers": "cxkit.analysis.drivers",
    "gradient": "cxkit.analysis.gradient",
    "hazards": "cxkit.analysis.hazards",
    "margins": "cxkit.analysis.margins",
    "flows": "cxkit.analysis.margins",
    "weakest": "cxkit.analysis.journeys",
    "standardised": "cxkit.analysis.margins",
    "nonresponse": "cxkit.analysis.nonresponse",
    "readings": "cxkit.analysis.sensitivity",
    "nps": "cxkit.analysis.answers",
    "csat": "cxkit.analysis.answers",
    "ces": "cxkit.analysis.answers",
    "rate": "cxkit.analysis.answers",
    "duration": "cxkit.analysis.answers",
    "change": "cxkit.analysis.answers",
    "report": "cxkit.reporting",
    "Report": "cxkit.reporting",
    "run": "cxkit.runs.run",
    "Estimate": "cxkit.analysis.answers",
    "Change": "cxkit.analysis.answers",
}
__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from cxkit.analysis.alike import alike
    from cxkit.analysis.answers import Change, Estimate, ces, change, csat, duration, nps, rate
    from cxkit.analysis.bands import bands
    from cxkit.analysis.cohorts import cohorts
    from cxkit.analysis.comments import comments
    from cxkit.analysis.comparisons import compare
    from cxkit.analysis.contrasts import against_rest
    from cxkit.analysis.crosstabs import crosstab
    from cxkit.analysis.curves import curve
    from cxkit.analysis.drivers import drivers
    from cxkit.analysis.estimates import at, distribution, estimate
    from cxkit.analysis.gradient import gradient
    from cxkit.analysis.hazards import hazards
    from cxkit.analysis.journeys import weakest
    from cxkit.analysis.leagues import league
    from cxkit.analysis.margins import flows, margins, standardised
    from cxkit.analysis.nonresponse import nonresponse
    from cxkit.analysis.peers import peers
    from cxkit.analysis.provenance import provenance
    from cxkit.analysis.sensitivity import readings
    from cxkit.analysis.targets import against_target
    from cxkit.analysis.watching import level, watch
    from cxkit.analysis.why import why
    from cxkit.errors import CxError
    from cxkit.input.responses import Responses, read
    from cxkit.inspection.draft import inspect
    from cxkit.metrics import METRICS, Metric, metric
    from cxkit.reporting import Report, report
    from cxkit.runs.run import run
    from cxkit.schema import Rules
    from cxkit.tallies.audit import audit, audited
    from cxkit.tallies.storage import add, load, save
    from cxkit.tallies.tallies import Tallies
    from cxkit.tallies.tally import tally


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cxkit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
