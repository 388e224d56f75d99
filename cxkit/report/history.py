"""What happened before: pages that a broken run had finished, runs that are kept, work that need not be redone."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cxkit.report.fingerprints import code, digest
from cxkit.report.jobs import Job, Prepared, Result
from cxkit.report.options import paths
from cxkit.report.params import RunParams
from cxkit.report.shelf import private, put, sha256

Entry = dict[str, Any]


# The journal: what a run has published so far -------------------------------------------------------------------------


def note(out: Path, entry: Mapping[str, Any]) -> None:
    """Write down that a page is on the shelf; if the run breaks, the next one goes on from here."""
    with suppress(OSError), (private(out) / "journal.jsonl").open("a", encoding="utf-8") as file:  # a full disk
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def resumed(out: Path, before: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of the run before, with the pages that a broken run has published since."""
    try:
        lines = (private(out) / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return dict(before)
    since: dict[str, Entry] = {}
    for line in lines:
        with suppress(ValueError):  # the last line may be torn
            entry = json.loads(line)
            since[entry["name"]] = entry
    kept = [entry for entry in before.get("jobs", []) if entry["name"] not in since]
    return {**before, "jobs": [*kept, *since.values()]}


def unchanged(job: Job, key: str, before: Mapping[str, Any], out: Path) -> Result | None:
    """What the shelf already holds of a job: a whole page made of the same notebook, parameters, data and code."""
    for entry in before.get("jobs", []):
        if entry["name"] != job.name or not key or entry.get("key") != key or entry["file"] != job.file:
            continue
        page = out / job.file
        if page.is_file() and sha256(page) == entry["sha256"]:
            return Result(job.name, "unchanged", 0.0, sha256=entry["sha256"], warnings=entry["warnings"])
    return None


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
    if before.get("finished") and not (private(out) / "journal.jsonl").exists():  # else it is no longer what it was
        target = runs / str(before["finished"]).replace(":", "").replace("+0000", "Z")
        if not target.exists():
            part = private(out) / "archive"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            pages = [str(entry["file"]) for entry in before["jobs"] if entry.get("file")]
            for name in dict.fromkeys([*pages, "index.html", "summary.csv", "summary.xlsx", "manifest.json"]):
                if name == "index.html" and (out / name).is_file():
                    put(part / name, _as_kept((out / name).read_text(encoding="utf-8")).encode())
                elif (out / name).is_file():
                    _link(out / name, part / name)
            runs.mkdir(exist_ok=True)
            part.replace(target)
    for old in earlier(out)[keep:]:
        shutil.rmtree(runs / old)


def _as_kept(index: str) -> str:
    """The index of a run that is kept: it leads to the latest one, and to no other that may be gone by then."""
    index = re.sub(r'<nav class="cx-earlier".*?</nav>', "", index, flags=re.DOTALL)
    back = 'This run is kept as it was. <a href="../../index.html">The latest run</a>'
    nav = f'<nav class="cx-earlier" aria-label="Runs"><p>{back}</p></nav>'
    return index.replace('<main id="main">', f'<main id="main">\n{nav}', 1)


def _link(source: Path, target: Path) -> None:
    """Files of the shelf are replaced and never written into, so that a second name for one is a copy of it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def earlier(out: Path) -> list[str]:
    """Names of the runs that are kept, the latest first."""
    runs = out / "runs"
    found = [path.name for path in runs.iterdir() if (path / "manifest.json").is_file()] if runs.is_dir() else []
    return sorted(found, reverse=True)


# The pass over the data -----------------------------------------------------------------------------------------------


def inputs(params: RunParams, work: Path) -> str:
    """Hash of all that the preparation of a run depends on; empty where the data are not in files that can be named."""
    folder = Path(params.data or params.root)
    named = [folder / path for path in paths(params.source)]
    if not all(path.is_file() for path in named) or not (named or params.source == "sample"):
        return ""
    if isinstance(params.mapping, str):
        named.append(Path(params.mapping))
    books = [Path(params.report), *([Path(params.overview)] if params.for_each else []), Path(params.audit)]
    hashes = [[str(path), sha256(path)] for path in [*named, *books] if path.is_file()]
    return digest(json.loads(params.model_dump_json()), hashes, str(work), code())


def remember(prepared: Prepared, key: str) -> Prepared:
    """Write down what was prepared from which inputs."""
    from dataclasses import replace

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
