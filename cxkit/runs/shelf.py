"""The folder of a run that can be shared: what its manifest says of each job, and its index and summary."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.runs.files import TEMPORARY, read
from cxkit.runs.jobs import Job, Prepared, Result
from cxkit.runs.publishing import INDEX, MANIFEST, Record, Stage, listed
from cxkit.strict import parse

if TYPE_CHECKING:
    import pandas as pd


PACKAGES = ("cxkit", "duckdb", "ibis-framework", "ipykernel", "matplotlib", "nbconvert", "numpy", "pandas", "papermill",
            "pyarrow", "scipy", "seaborn")  # fmt: skip
SUMMARY = ("summary.csv", "summary.xlsx")
LOST = "its page was changed or removed while the run was at work"

NO_PAGE = dict.fromkeys(("file", "sha256", "as_of", "key", "finished"))

SCHEMA = 2  # of the manifest: docs/manifest.schema.json


def _inside(name: str) -> str:
    if re.search(r"[/\\\0]", name) or name in ("", ".", ".."):
        raise ValueError(f"expected the name of a file of the shelf, found {name!r}")
    return name


Name = Annotated[str, AfterValidator(_inside)]


class Page(BaseModel):
    """What a run reads of a job in the manifest of the run before."""

    name: str
    file: Name | None = None
    sha256: str | None = None
    key: str | None = None
    where: dict[str, str] = {}
    as_of: str | None = None
    finished: str | None = None


class Publishing(BaseModel):
    """What a run reads of one that was broken off while it published."""

    stage: Annotated[str, Field(pattern=rf"^{re.escape(TEMPORARY)}\w+$")]
    before: dict[Name, str]
    notice: str | None = None
    gone: list[Name] = []


class Since(BaseModel):
    """What a run tells of the reports of an earlier date."""

    as_of: str
    new: list[str]
    gone: list[str]


class Manifest(BaseModel):
    """What a run reads in the manifest of the run before; anybody may have written it, and pages are named in it."""

    name: str
    as_of: str = ""
    finished: str = ""
    inputs: str = ""
    jobs: list[Page] = []
    files: dict[Name, str] = {}
    publishing: Publishing | None = None
    since: Since | None = None


def clock() -> str:
    """The time, to the second, in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def claim(out: Path, name: str, as_of: str = "") -> Record:
    """The manifest that lies on a shelf, or nothing where the shelf is new.

    Args:
        out: The shelf.
        name: Of the run that would fill it.
        as_of: Its date; a shelf of a later date is refused.

    Raises:
        CxError: Where the folder holds another run, a later one, or an index that no run of the kit wrote.
    """
    if not out.name:
        raise CxError(f"{out}: is no folder that a run may fill")
    if os.path.lexists(out) and not out.is_dir():
        raise CxError(f"{out}: expected a folder, found {'a link to none' if out.is_symlink() else 'a file'}")
    if (out / "runs").is_symlink():
        raise CxError(f"{out / 'runs'}: expected a folder, found a link")
    try:
        before = json.loads(read(out / MANIFEST))
        parse(Manifest, before, f"{out / MANIFEST}: is not a manifest of cxkit")
    except FileNotFoundError:
        before = {}
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CxError(f"{out / MANIFEST}: is not a manifest of cxkit: {error}") from None
    foreign = [file for file in (INDEX, *SUMMARY) if (out / file).exists()]
    if not before and foreign:
        raise CxError(
            f"{out}: holds {' and '.join(foreign)}, but no manifest of cxkit; choose another folder with --out"
        )
    if before and before.get("name") != name:
        raise CxError(
            f"{out}: holds the run {before.get('name')!r}, not {name!r}; choose another folder with --out, or remove it"
        )
    if as_of < str(before.get("as_of", "")) and as_of:
        raise CxError(f"{out}: is as of {before['as_of']}, later than {as_of}; --older replaces it all the same")
    return {"jobs": [], "files": {}, **before} if before else {}


def manifest(
    prepared: Prepared,
    results: Mapping[str, Result],
    keys: Mapping[str, str],
    stage: Stage,
    before: Mapping[str, Any],
    times: tuple[str, str],
) -> Record:
    """What the run did, as it goes into `manifest.json`: every job, the data, the refusals, the versions.

    Args:
        prepared: The run.
        results: By name of the job.
        keys: What each page is made of, in one hash, by name of the job.
        stage: With all pages that were made or stay.
        before: Manifest of the run before.
        times: When the run began and when its last report was done.
    """
    earlier = {entry["file"]: entry for entry in before.get("jobs", []) if entry.get("file")}
    jobs = [_entry(job, results[job.name], prepared, keys[job.name], earlier, stage, times[1]) for job in prepared.jobs]
    skipped = [_skipped_entry(skip, earlier, stage) for skip in prepared.skipped]
    copied = ("name", "title", "as_of", "now", "before", "period", "lang")
    return {
        **{key: getattr(prepared, key) for key in copied},
        "schema": SCHEMA,
        "inputs": prepared.inputs,
        "settings": prepared.settings,
        "started": times[0],
        "finished": times[1],
        "jobs": jobs + skipped,
        "data": prepared.data,
        "refused": prepared.refused,
        "packages": packages(),
        "filters": prepared.filters,
        "signals": prepared.signals,
        **({"further": prepared.further} if prepared.further else {}),
    }


def since(before: Mapping[str, Any], record: Mapping[str, Any]) -> Record:
    """Which reports are new and which are gone since the run of an earlier date, however many were of this one."""
    was, now = ([job["title"] for job in several if job["kind"] == "report" and job.get("file")]
                for several in (before.get("jobs", []), record["jobs"]))  # fmt: skip
    as_of = before.get("as_of")
    if as_of == record["as_of"]:  # what the earlier date had is what the run before tells, and how it differs
        told = before.get("since") or {}
        as_of, was = told.get("as_of"), [*(one for one in was if one not in told.get("new", [])), *told.get("gone", [])]
    if not as_of or not before.get("jobs"):
        return {}
    new, gone = ([name for name in one if name not in other] for one, other in ((now, was), (was, now)))
    return {"since": {"as_of": as_of, "new": new, "gone": gone}}


def _entry(
    job: Job, result: Result, prepared: Prepared, key: str, earlier: Mapping[str, Any], stage: Stage, finished: str
) -> dict[str, Any]:
    """What became of one job, as the manifest tells it; `earlier` are the entries of the run before, by file."""
    if result.status != "failed" and stage.held(job.file) != result.sha256:
        result = result.failed(LOST)
    entry: dict[str, Any] = {"name": job.name, "title": job.title, "kind": job.kind, "where": job.where}
    entry |= {"status": result.status, "file": job.file, "sha256": result.sha256, "seconds": result.seconds}
    entry |= {"error": result.told, "cell": result.at, "why": None, "as_of": prepared.as_of}
    entry |= {"warnings": len(result.warnings), "attempts": result.attempts}
    entry |= {"cpu": result.cpu, "memory": result.memory, "left": result.left, "key": key or None, "finished": finished}
    return entry if result.told is None else entry | _kept(job.file, job.where, earlier, stage, result.told)


def _skipped_entry(skip: Mapping[str, Any], earlier: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    entry = {"name": skip["name"], "title": skip["title"], "kind": skip.get("kind", "report"), "where": skip["where"]}
    entry |= {"status": "skipped", "seconds": 0.0, "error": None, "cell": None, "warnings": 0}
    if "--only" in skip["why"]:
        return entry | _kept(f"{skip['name']}.html", skip["where"], earlier, stage, skip["why"])
    return entry | NO_PAGE | {"why": skip["why"]}


def _kept(file: str, where: Mapping[str, str], earlier: Mapping[str, Any], stage: Stage, why: str) -> dict[str, Any]:
    """What becomes of the page of a report that was not made: that of an earlier run on the same place stays."""
    kept = {key: earlier.get(file, {}).get(key) for key in NO_PAGE if key != "file"}
    if kept["sha256"] is None or earlier[file].get("where") != where or stage.held(file) != kept["sha256"]:
        return {**NO_PAGE, "why": why}
    return {"file": file, "why": f"{why}; the page as of {kept['as_of']} is kept", **kept}


def packages() -> dict[str, str]:
    """Versions of Python and of the packages that numbers and pages depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def close(
    prepared: Prepared,
    record: Record,
    stage: Stage,
    before: Mapping[str, Any],
    kept: Sequence[str],
    gone: Sequence[str],
) -> Record:
    """Complete the stage with summary and index, and publish it.

    Args:
        prepared: The run.
        record: Its manifest.
        stage: With all pages of the manifest.
        before: Manifest of the run before.
        kept: Names of the earlier runs to which the index leads, the latest first.
        gone: Names of those that are taken away.

    Returns:
        The manifest, with the hashes of all `files`.
    """
    whole = [name for name in before.get("files", {}) if re.fullmatch(r"index(\.\d+)?\.html", name)]
    if gone or not _same(record, before, stage):
        whole = _index(prepared, {**record, "kept": kept}, stage)
    record = record | {"files": listed(record) | {name: stage.held(name) for name in (*SUMMARY, *whole)}}
    stage.publish(record, before, gone)
    return record


def _same(record: Mapping[str, Any], before: Mapping[str, Any], stage: Stage) -> bool:
    """Whether index and summary are those of the run before: made from the same inputs, no page is new or gone."""
    whole = all(stage.held(name) for name in (INDEX, *SUMMARY))
    kept = all(entry["status"] in ("unchanged", "skipped") for entry in record["jobs"])
    files = [{entry.get("file") for entry in one.get("jobs", [])} for one in (record, before)]
    return (
        whole and kept and bool(record["inputs"]) and record["inputs"] == before.get("inputs") and files[0] == files[1]
    )


def _index(prepared: Prepared, record: Mapping[str, Any], stage: Stage) -> list[str]:
    """Put summary and index on the stage; the files of the index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cxkit.runs import pages, workbook
    from cxkit.runs.digits import rounded

    content = pa.BufferReader(read(Path(prepared.summary)))
    table = pq.ParquetFile(content).read(use_threads=False)  # one that cannot be started is waited for, for ever
    summary = table.to_pandas(use_threads=False)
    metrics = {data["name"]: Metric.from_dict(data) for data in prepared.metrics}
    jobs = [{**job, "status": "done"} if job["status"] == "unchanged" else job for job in record["jobs"]]
    shared = rounded(summary)
    stage.put(SUMMARY[0], safe_csv(shared).encode("utf-8"))
    stage.put(SUMMARY[1], workbook.workbook(shared, record, metrics))
    made = pages.index(summary, {**record, "jobs": jobs}, metrics, prepared.look)
    for file, page in made.items():
        stage.put(file, page.encode("utf-8"))
    return list(made)


def safe_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV in which no text can be taken for a formula by a spreadsheet, also by one that splits at `;`.

    >>> import pandas as pd
    >>> print(safe_csv(pd.DataFrame({"brand": ["=1+1", "a;=1+1", "a; b=1"], "value": [-5.0, 2.0, 3.0]})))
    brand,value
    '=1+1,-5.0
    a;'=1+1,2.0
    a; b=1,3.0
    """
    from cxkit.runs.spreadsheet import is_formula

    def marked(text: str) -> str:
        return f"'{text}" if is_formula(text) else text

    def harmless(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        # Where a comma parts nothing, a quote in mid-line is a letter: a tab or a line break inside it starts a cell.
        inner = re.sub(r"(?<=[;\t\r\n])[^;\t\r\n]+", lambda cell: marked(cell[0]), value)
        return marked(inner)

    return str(frame.map(harmless).rename(columns=harmless).to_csv(index=False, lineterminator="\n"))
