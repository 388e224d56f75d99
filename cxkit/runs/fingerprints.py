"""Hashes of what a page shows: equal hashes, equal page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxkit.files import sha256
from cxkit.runs.jobs import Job
from cxkit.runs.reads import Scope, scope
from cxkit.runs.shelf import packages

if TYPE_CHECKING:
    import pandas as pd


SOURCES = (".py", ".css", ".html", ".j2", ".json", ".yaml")


def digest(*values: Any) -> str:
    """SHA-256 of JSON-ready values.

    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", 2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def code() -> str:
    """Hash of the installed kit, its templates, and the versions of what numbers and pages depend on."""
    root = Path(str(files("cxkit")))
    found = sorted(path for path in root.rglob("*") if path.suffix in SOURCES and path.is_file())
    return digest([[path.relative_to(root).as_posix(), sha256(path)] for path in found], packages())


def key(job: Job, version: str) -> str:
    """What the page of a job is made of, in one hash; empty where nobody can know.

    Args:
        job: With the hash of its data.
        version: From `code`.
    """
    if not job.data:
        return ""
    given = {
        name: value for name, value in job.parameters.items() if name != "tallies"
    }  # a path; its content is in data
    return digest(version, sha256(Path(job.notebook)), job.kind, job.title, job.lang, given, job.data, job.links)


def data(
    jobs: Sequence[Job], parts: Sequence[pd.DataFrame], summary: pd.DataFrame, shared: Any, whole: Any = None
) -> dict[str, str]:
    """Hash of the data behind each job, by name; empty where its notebook may read something else.

    Args:
        jobs: Of the run.
        parts: Tables with a column for each dimension: counts and sums of the run.
        summary: Of the run, with `report` and `part`. The p-values of a place are corrected for the number of places,
            so a page may change with the answers of another place: its own rows of the summary tell.
        shared: What every page may print.
        whole: What only pages about the whole run may print.
    """
    scopes: dict[str, Scope] = {job.notebook: scope(Path(job.notebook)) for job in jobs}
    rows = [_row_hashes(part) for part in (*parts, summary)]
    every = digest([_joined(hashes) for hashes in rows], shared, whole)
    of_report = summary.groupby("report").indices
    places: dict[tuple[str, ...], list[Mapping[Any, Any]]] = {}
    found = {}
    for job in jobs:
        if scopes[job.notebook] == "unknown":
            found[job.name] = ""
        elif scopes[job.notebook] == "run" or not job.where:
            found[job.name] = every
        else:
            names = tuple(job.where)
            if names not in places:
                places[names] = [part.groupby(list(names)).indices for part in parts]
            place = tuple(job.where.values())
            at = [indices.get(place, indices.get(place[0], [])) for indices in places[names]]
            own = [
                _joined(hashes[where]) for hashes, where in zip(rows, [*at, of_report.get(job.name, [])], strict=True)
            ]
            found[job.name] = digest(own, shared)
    return found


def _row_hashes(frame: pd.DataFrame) -> Any:
    from pandas.util import hash_pandas_object

    texts = frame.select_dtypes(exclude="number").columns
    return hash_pandas_object(frame.astype(dict.fromkeys(texts, "object")), index=False).to_numpy()


def _joined(hashes: Any) -> str:
    """One hash of rows in any order."""
    import numpy as np

    return hashlib.sha256(np.sort(np.asarray(hashes, dtype="uint64")).tobytes()).hexdigest()
