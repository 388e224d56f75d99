"""Where the numbers of one place came from, as far as its page may say: the same counts give the same words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from cxkit.tallies.tallies import Tallies

PACKAGES = ("cxkit", "numpy", "pandas", "scipy", "matplotlib", "seaborn", "duckdb", "ibis-framework")


def provenance(tallies: Tallies, where: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a page prints about its origin: period, filters, design, hash of its own counts, versions.

    Args:
        tallies: The run's tallies.
        where: The place that the page is about; None or {} for everybody.

    >>> import cxkit as cx
    >>> tallies = cx.tally(cx.read("sample"), ["nps"], by=["brand"])
    >>> provenance(tallies, {"brand": "Brimvale"})["place"]
    {'brand': 'Brimvale'}
    """
    withheld = [] if where else tallies.provenance.get("withheld", [])
    names = sorted({" · ".join(str(v) for k, v in cell.items() if k != "item") for cell in withheld})
    roles, calendar = tallies.provenance.get("roles", {}), tallies.calendar
    years = f", years start in {calendar.year_starts}" if calendar.fiscal else ""
    return {
        "place": dict(where or {}) or "everybody",
        "filters": tallies.provenance.get("where") or "none",
        "period": f"{tallies.period}, cut in {tallies.provenance.get('timezone', 'UTC')}{years}",
        "weights": roles.get("weight", "none"),
        "clusters": roles.get("cluster") or roles.get("respondent", "none"),
        **({"strata": roles["stratum"]} if "stratum" in roles else {}),
        "counts (sha256)": fingerprint(tallies, where),
        **({"left out of the total in every period": ", ".join(names)} if names else {}),
        "packages": packages(),
    }


@lru_cache
def packages() -> dict[str, str]:
    """Versions of what makes the numbers and figures; looked up on the disk once."""
    return {name: version(name) for name in PACKAGES}


def fingerprint(tallies: Tallies, where: Mapping[str, str] | None = None) -> str:
    """SHA-256 of the counts and sums of one place, which changes exactly when one of them does."""
    digest = hashlib.sha256()
    for part in (tallies.counts, tallies.sums, tallies.pairs, tallies.hidden):
        rows = pd.util.hash_pandas_object(_at(part, where or {}), index=False)
        digest.update(",".join(part.columns).encode() + np.sort(rows.to_numpy()).tobytes())
    return digest.hexdigest()


def _at(frame: pd.DataFrame, where: Mapping[str, str]) -> pd.DataFrame:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame  # everything, where there is no condition
