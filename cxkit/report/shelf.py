"""The folder of a run that can be shared: pages, index, summary and manifest, each published whole or not at all."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxkit.errors import CxError
from cxkit.metrics import Metric
from cxkit.report.jobs import Job, Prepared, Result

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("cxkit", "duckdb", "ibis-framework", "ipykernel", "matplotlib", "nbconvert", "numpy", "pandas", "papermill",
            "pyarrow", "scipy", "seaborn")  # fmt: skip
SCHEMA = 1  # of the manifest: docs/manifest.schema.json
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def private(out: Path) -> Path:
    """The folder beside a shelf that is not to be shared: tallies, failed notebooks, pages in the making."""
    return out.with_name(f"{out.name}.work")


def clock() -> str:
    """The time, to the second, in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def claim(out: Path, name: str) -> dict[str, Any]:
    """The manifest that lies on a shelf, or nothing where the shelf is new.

    Raises:
        CxError: Where the folder holds another run, or an index that no run of the kit wrote.
    """
    if not out.name:
        raise CxError(f"{out}: is no folder that a run may fill")
    if out.exists() and not out.is_dir():
        raise CxError(f"{out}: expected a folder, found a file")
    try:
        before = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        before = {}
    except (OSError, ValueError) as error:
        raise CxError(f"{out / 'manifest.json'}: is not a manifest of cxkit: {error}") from None
    foreign = [file for file in ("index.html", "summary.csv", "summary.xlsx") if (out / file).exists()]
    if not before and foreign:
        raise CxError(
            f"{out}: holds {' and '.join(foreign)}, but no manifest of cxkit; choose another folder with --out"
        )
    if before and before.get("name") != name:
        raise CxError(
            f"{out}: holds the run {before.get('name')!r}, not {name!r}; choose another folder with --out, or remove it"
        )
    return dict(before)


def publish(job: Job, result: Result, out: Path) -> None:
    """Move a finished page to the shelf, or a failed notebook to the private folder; then clear what is left.

    A page on the shelf is replaced in one step; where the job failed, the page of the run before stays.
    """
    kept = private(out) / "failed" / f"{job.name}.ipynb"
    kept.unlink(missing_ok=True)
    if result.status == "done" and result.page:
        move(Path(result.page), out / job.file)
    elif result.notebook:
        move(Path(result.notebook), kept)
    shutil.rmtree(private(out) / "running" / job.name, ignore_errors=True)


def move(source: Path, target: Path) -> None:
    """Put a file in place in one step, also from another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        put(target, source.read_bytes())


def put(target: Path, content: bytes) -> None:
    """Write a file that is either the old one or wholly the new one, whatever happens meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def manifest(
    prepared: Prepared,
    results: Mapping[str, Result],
    keys: Mapping[str, str],
    out: Path,
    before: Mapping[str, Any],
    times: tuple[str, str],
) -> dict[str, Any]:
    """What the run did, as it goes into `manifest.json`: every job, the data, the refusals, the versions.

    Args:
        prepared: The run.
        results: By name of the job.
        keys: What each page is made of, in one hash, by name of the job.
        out: The shelf.
        before: Manifest of the run before.
        times: When the run began and when its last report was done.
    """
    earlier = {entry["file"]: entry for entry in before.get("jobs", []) if entry.get("file")}
    jobs = [job_entry(job, results[job.name], prepared, keys[job.name], earlier, out) for job in prepared.jobs]
    skipped = [_skipped_entry(skip, earlier, out) for skip in prepared.skipped]
    copied = ("name", "title", "as_of", "now", "before", "period", "lang")
    return {
        **{key: getattr(prepared, key) for key in copied},
        "schema": SCHEMA,
        "inputs": prepared.inputs,
        "started": times[0],
        "finished": times[1],
        "jobs": jobs + skipped,
        "data": prepared.data,
        "refused": prepared.refused,
        "packages": packages(),
        "filters": prepared.filters,
    }


def job_entry(
    job: Job, result: Result, prepared: Prepared, key: str, earlier: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    """What became of one job, as the manifest tells it; `earlier` are the entries of the run before, by file."""
    entry: dict[str, Any] = {"name": job.name, "title": job.title, "kind": job.kind, "where": job.where}
    entry |= {"status": result.status, "file": job.file, "sha256": result.sha256, "seconds": result.seconds}
    entry |= {"error": result.error, "cell": result.cell, "why": None, "as_of": prepared.as_of}
    entry |= {"warnings": result.warnings[:20], "attempts": result.attempts}
    entry |= {"cpu": result.cpu, "memory": result.memory, "left": result.left, "key": key or None}
    if result.status != "failed":
        return entry
    return entry | _kept(job.file, job.where, earlier, out, result.error or "failed")


def _skipped_entry(skip: Mapping[str, Any], earlier: Mapping[str, Any], out: Path) -> dict[str, Any]:
    entry = {"name": skip["name"], "title": skip["title"], "kind": "report", "where": skip["where"]}
    entry |= {"status": "skipped", "seconds": 0.0, "error": None, "cell": None, "warnings": []}
    if "--only" in skip["why"]:
        return entry | _kept(f"{skip['name']}.html", skip["where"], earlier, out, skip["why"])
    return entry | {"file": None, "sha256": None, "key": None, "why": skip["why"], "as_of": None}


def _kept(file: str, where: Mapping[str, str], earlier: Mapping[str, Any], out: Path, why: str) -> dict[str, Any]:
    """What becomes of the page of a report that was not made: that of an earlier run on the same place stays."""
    page, nothing = out / file, {"file": None, "sha256": None, "key": None, "why": why, "as_of": None}
    if file not in earlier or earlier[file].get("where") != where or not page.exists():
        return nothing
    kept = {key: earlier[file].get(key) for key in ("as_of", "key")}
    return {"file": file, "sha256": sha256(page), "why": f"{why}; the page as of {kept['as_of']} is kept", **kept}


def sha256(path: Path) -> str:
    """Hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    prepared: Prepared, record: Mapping[str, Any], out: Path, before: Mapping[str, Any], kept: Sequence[str] = ()
) -> None:
    """Publish summary, index and manifest, and remove the pages of reports that the run no longer has.

    Args:
        prepared: The run.
        record: Its manifest.
        out: The shelf.
        before: Manifest of the run before.
        kept: Names of the earlier runs to which the index leads, the latest first.
    """
    if not _same(record, before, out):
        _index(prepared, {**record, "kept": kept}, out)
    text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
    put(out / "manifest.json", f"{text}\n".encode())
    (private(out) / "journal.jsonl").unlink(missing_ok=True)
    current = {entry["file"] for entry in record["jobs"]}
    for entry in before.get("jobs", []):
        page = out / str(entry.get("file"))
        if entry.get("file") not in current and page.is_file() and sha256(page) == entry.get("sha256"):
            page.unlink()
    shutil.rmtree(private(out) / "running", ignore_errors=True)


def _same(record: Mapping[str, Any], before: Mapping[str, Any], out: Path) -> bool:
    """Whether index and summary are those of the run before: made from the same inputs, no page is new or gone."""
    whole = all((out / name).is_file() for name in ("index.html", "summary.csv", "summary.xlsx"))
    kept = all(entry["status"] in ("unchanged", "skipped") for entry in record["jobs"])
    files = [{entry.get("file") for entry in one.get("jobs", [])} for one in (record, before)]
    return (
        whole and kept and bool(record["inputs"]) and record["inputs"] == before.get("inputs") and files[0] == files[1]
    )


def _index(prepared: Prepared, record: Mapping[str, Any], out: Path) -> None:
    import pandas as pd

    from cxkit.report import pages, workbook

    summary = pd.read_parquet(prepared.summary)
    metrics = {data["name"]: Metric.from_dict(data) for data in prepared.metrics}
    jobs = [{**job, "status": "done"} if job["status"] == "unchanged" else job for job in record["jobs"]]
    put(out / "summary.csv", safe_csv(summary).encode("utf-8"))
    put(out / "summary.xlsx", workbook.workbook(summary, record, metrics))
    put(out / "index.html", pages.index(summary, {**record, "jobs": jobs}, metrics).encode("utf-8"))


def safe_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV in which no text can be taken for a formula by a spreadsheet.

    >>> import pandas as pd
    >>> print(safe_csv(pd.DataFrame({"brand": ["=1+1", "Acme"], "value": [-5.0, 2.0]})))
    brand,value
    '=1+1,-5.0
    Acme,2.0
    """

    def harmless(value: Any) -> Any:
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

    return str(frame.map(harmless).rename(columns=harmless).to_csv(index=False, lineterminator="\n"))
