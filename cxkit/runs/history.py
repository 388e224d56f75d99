"""What happened before: pages that need not be made again, runs that are kept, a pass over the data that is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from cxkit.files import sha256
from cxkit.runs.files import TEMPORARY, held, is_folder, link, put, read, remove
from cxkit.runs.jobs import Job, Prepared, Result
from cxkit.runs.params import RunParams, paths
from cxkit.runs.publishing import INDEX, MANIFEST, Stage, listed, noted
from cxkit.runs.shelf import SUMMARY, packages

BACK = 'This run is kept as it was. <a href="../../index.html">The latest run</a>'

SOURCES = (".py", ".css", ".html", ".j2", ".json", ".yaml")


def digest(*values: Any) -> str:
    """SHA-256 of JSON-ready values.

    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", 2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def code() -> str:
    """Hash of the installed kit, its templates, and the versions of what numbers and pages depend on."""
    root = Path(str(resources("cxkit")))
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
    # The tallies are a path; what they hold is in data.
    given = {name: value for name, value in job.parameters.items() if name != "tallies"}
    return digest(version, sha256(Path(job.notebook)), job.kind, job.title, job.lang, given, job.data, job.links)


def unchanged(job: Job, key: str, before: Mapping[str, Any], stage: Stage) -> Result | None:
    """What is there of a job already: a whole page made of the same notebook, parameters, data and code.

    It is the page of the run before, or one that a run has finished which was broken off.
    """
    for entry in before.get("jobs", []):
        same = entry["name"] == job.name and key and entry.get("key") == key and entry["file"] == job.file
        if same and stage.held(job.file) == entry["sha256"]:
            return Result(job.name, "unchanged", 0.0, sha256=entry["sha256"])
    digest = stage.adopt(key, job.file)
    return Result(job.name, "done", 0.0, sha256=digest) if digest else None


# Earlier runs ---------------------------------------------------------------------------------------------------------


def archive(out: Path, before: Mapping[str, Any], keep: int) -> None:
    """Keep the shelf as the run before left it, in `runs/TIME`; of the kept runs the latest `keep` stay.

    Args:
        out: The shelf, before this run changes it.
        before: Manifest of the run before.
        keep: Number of runs; 0 touches nothing.
    """
    if not keep:
        return
    runs = out / "runs"
    target = runs / re.sub(r"[^\dTZ-]", "", str(before.get("finished")).replace("+00:00", "Z"))
    if before and "publishing" not in before and not target.exists():  # else it is no longer what it was
        part = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=out))
        mode = out.stat().st_mode & 0o777
        for name in filter(lambda name: held(out / name), {*listed(before), *SUMMARY, INDEX, MANIFEST}):
            if name == INDEX:
                put(part / name, noted(read(out / name).decode(), BACK).encode(), mode & 0o666)
            else:
                link(out / name, part / name)
        runs.mkdir(exist_ok=True)
        for folder in (part, runs):
            folder.chmod(mode)
        part.replace(target)
    for old in earlier(out)[keep:]:
        (runs / old).replace(gone := Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=out)))
        remove(gone)


def earlier(out: Path) -> list[str]:
    """Names of the runs that are kept, the latest first."""
    runs = out / "runs"
    found = runs.iterdir() if is_folder(runs) else ()
    return sorted((path.name for path in found if is_folder(path) and held(path / MANIFEST)), reverse=True)


# The pass over the data -----------------------------------------------------------------------------------------------


def named(params: RunParams) -> list[Path]:
    """Every file that the preparation of a run reads: data, mapping, notebooks."""
    folder = Path(params.data or params.root)
    books = [params.report, *([params.overview] if params.for_each else []), params.audit]
    mapping = [params.mapping] if isinstance(params.mapping, str) else []
    return [*(folder / path for path in paths(params.source)), *map(Path, [*mapping, *books])]


def inputs(params: RunParams, work: Path, seconds: float | None = None) -> str:
    """Hash of all that the preparation of a run depends on; empty where the data are not in files that can be named.

    Raises:
        CxError: Where it takes longer than so many seconds.
    """
    until = None if seconds is None else time.monotonic() + seconds
    files, sources = named(params), len(paths(params.source))
    if not all(map(os.path.isfile, files[:sources])) or not (sources or params.source == "sample"):
        return ""
    hashes = [[str(path), sha256(path, until=until)] for path in files if os.path.isfile(path)]
    return digest(json.loads(params.model_dump_json()), hashes, str(work), code())


def remember(prepared: Prepared, key: str) -> Prepared:
    """Write down what was prepared from which inputs."""
    done = replace(prepared, inputs=key)
    made = {"prepared": asdict(done), "hashes": [sha256(Path(path)) for path in (prepared.tallies, prepared.summary)]}
    put(Path(prepared.tallies).with_name("prepared.json"), json.dumps(made, ensure_ascii=False).encode())
    return done


def recall(work: Path, key: str) -> Prepared | None:
    """What a run before prepared from the same inputs, if it is still there and whole."""
    try:
        made = json.loads((work / "prepared.json").read_text(encoding="utf-8"))
        data = made["prepared"]
        whole = [sha256(Path(data[name])) for name in ("tallies", "summary")] == made["hashes"]
        if not key or data["inputs"] != key or not whole:
            return None
        jobs: Sequence[Mapping[str, Any]] = data.pop("jobs")
        return Prepared(jobs=[Job(**job) for job in jobs], **data)
    except (OSError, ValueError, LookupError, TypeError):
        return None
