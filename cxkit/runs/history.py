"""What happened before: pages that need not be made again, runs that are kept, a pass over the data that is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxkit.files import sha256
from cxkit.runs.files import TEMPORARY, held, is_folder, link, put, read
from cxkit.runs.jobs import Job, Prepared, Result
from cxkit.runs.params import RunParams, paths, sources
from cxkit.runs.publishing import INDEX, MANIFEST, Stage, listed, noted
from cxkit.runs.shelf import SUMMARY, packages
from cxkit.schema import SAMPLES
from cxkit.strict import load_yaml

if TYPE_CHECKING:
    import pandas as pd

NEXT = "releases/next.parquet"  # in the private folder: the record of the run that is being made
BACK = 'This run is kept as it was. <a href="../../index.html">The latest run</a>'

SOURCES = (".py", ".css", ".html", ".j2", ".json", ".yaml")


def digest(*values: Any) -> str:
    """SHA-256 of JSON-ready values.

    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a", 2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def code() -> str:
    """Hash of the installed kit, its templates, and the versions of what numbers and pages depend on."""
    root = Path(str(resources("cxkit")))
    found = sorted(path for path in root.rglob("*") if path.suffix in SOURCES and path.is_file())
    return digest([[path.relative_to(root).as_posix(), sha256(path)] for path in found], packages())


def key(job: Job, version: str) -> str:
    """What the page of a job is made of, in one hash; empty where nobody can know.

    Args:
        job: With the hash of its data.
        version: From `code`, with the secret of the private folder: nobody may try guesses of the data against it.
    """
    if not job.data:
        return ""
    # The tallies are a path; what they hold is in data.
    given = {name: value for name, value in job.parameters.items() if name != "tallies"}
    return digest(
        version, sha256(Path(job.notebook)), job.kind, job.title, job.lang, given, job.data, job.links, job.look
    )


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


# What lies beside what ------------------------------------------------------------------------------------------------


def settings(params: RunParams) -> str:
    """Hash of what decides which cells a run has and hides: filter, places, segments, limits, metrics and mapping."""
    mapping = load_yaml(Path(params.mapping)) if isinstance(params.mapping, str) else params.mapping
    said = json.loads(json.dumps(mapping, default=str))  # codes are numbers and words: JSON has words alone for keys
    names = ("where", "segments", "metrics", "period", "merge_small", "weights", "clusters", "drivers",
             "gradient", "nonresponse", "journey", "cohorts", "level_over")  # fmt: skip
    given = params.model_dump(include=set(names))
    return digest([given[name] for name in names], list(params.for_each), params.rules.model_dump(), said)


def secret(work: Path) -> str:
    """The key of the hashes in the records of a private folder, made when it is asked for first."""
    path = work / "releases" / "secret"
    with suppress(OSError):
        if re.fullmatch(rb"[0-9a-f]{16}", found := read(path)):
            return found.decode()
    put(path, made := secrets.token_hex(8).encode())
    return made.decode()


def withdraw(
    out: Path, work: Path, before: Mapping[str, Any], prepared: Prepared
) -> tuple[bool, list[dict[str, Any]], list[str]]:
    """What of a shelf may lie beside a run that is about to be published, and would not give late answers away.

    A page that was not made again is of the run that made it, and so is a kept run of all that made its pages.

    Args:
        out: The shelf.
        work: The private folder, with the records of the runs of the shelf.
        before: Manifest of the run before.
        prepared: The new run.

    Returns:
        Whether the run before may be kept, the jobs of which it may leave its pages, and the names of the kept runs
        that have to go.
    """

    @cache
    def fits(release: str) -> bool:
        import pandas as pd

        try:
            old, new = (pd.read_parquet(path) for path in (work / "releases" / f"{release}.parquet", prepared.release))
        except (OSError, ValueError):  # none, or a damaged one
            return False
        return compatible(old, new, prepared.hide_below)

    def whole(manifest: Mapping[str, Any]) -> bool:
        return manifest.get("settings") == prepared.settings and all(map(fits, _releases(manifest)))

    same = before.get("settings") == prepared.settings
    pages = [job for job in before.get("jobs", []) if same and job.get("file") and fits(moment(job))]
    gone = [name for name in earlier(out) if not whole(_manifest(out / "runs" / name))]
    return not before or whole(before), pages, gone


def _releases(manifest: Mapping[str, Any]) -> set[str]:
    """The runs of which the files of a shelf are: it was finished by one, others may have made pages of it."""
    return {moment(one) for one in (manifest, *(job for job in manifest.get("jobs", []) if job.get("file")))}


def compatible(old: pd.DataFrame, new: pd.DataFrame, least: int) -> bool:
    """Whether nothing about fewer than `least` people comes out of two releases together that none of them tells alone.

    In every period that both hold, each cell is hidden in both or in none, and holds the same answers; but for one cell
    of a level, shown in both, that has at least `least` people more or fewer, and of no answer fewer where it has more
    of another. Then whoever went while others came may have given any answer: those who came gave it, too, and cancel
    it. So all levels tell of the same late answers: of two groups, or where small levels are merged anew, the
    difference could be fewer people's. And the totals leave the same places out, and what is told of single answers
    beside the counts, such as what goes with a score, is the same.

    Args:
        old: Record of a release.
        new: Record of another, under the same settings.
        least: People that a group needs in order to be shown.
    """
    import numpy as np

    if list(old.columns) != list(new.columns):
        return False
    keys = [name for name in old.columns if name not in ("hidden", "mark", "people", "n", "w", "out", "beside")]
    times = set(old["period"]) & set(new["period"])
    old, new = (one[one["period"].isin(times)] for one in (old, new))
    both = old.merge(new, on=keys, how="outer", suffixes=("", "_new"))
    cell = [name for name in keys if name != "answer"]
    changed = both[(both["mark"] != both["mark_new"]) | (both["hidden"] != both["hidden_new"])]
    more = np.sign(changed[["n_new", "w_new"]].fillna(0).to_numpy() - changed[["n", "w"]].fillna(0).to_numpy())
    signs = changed[cell].assign(low=more.min(axis=1), high=more.max(axis=1)).groupby(cell)
    people = both.merge(changed[cell].drop_duplicates()).groupby(cell)[["people", "people_new"]].max().fillna(0)
    was, told = both["beside"].fillna(""), both["beside_new"].fillna("")
    fine = (
        not ((was != "") & (told != "") & (was != told)).any()
        and not changed[["hidden", "hidden_new"]].eq(True).any(axis=None)
        and not changed[cell].drop_duplicates()[_CELL].duplicated().any()
        and (signs["high"].max() * signs["low"].min() >= 0).all()
        and ((people["people"] - people["people_new"]).abs() >= least).all()
    )
    outs = [one.groupby("item")["out"].first() for one in (old, new)]
    return bool(fine) and outs[0].equals(outs[1])


_CELL = ["item", "period", "cut"]


def released(out: Path, work: Path, manifest: Mapping[str, Any], prepared: Prepared, kept: Sequence[str]) -> None:
    """Put the record of a run, under the time at which it was finished, beside those of what stays on the shelf."""
    if prepared.release:
        put(work / "releases" / f"{moment(manifest)}.parquet", Path(prepared.release).read_bytes())
    shown = (manifest, *(_manifest(out / "runs" / name) for name in kept))
    names = {Path(NEXT).stem}.union(*map(_releases, shown))
    for path in (work / "releases").glob("*.parquet"):
        if path.stem not in names:
            path.unlink()


def moment(manifest: Mapping[str, Any]) -> str:
    """When a run, or the one that made a page, was finished, as the folder of the run is called."""
    return re.sub(r"[^\dTZ-]", "", str(manifest.get("finished")).replace("+00:00", "Z"))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(read(folder / MANIFEST)))
    except (OSError, ValueError, TypeError):
        return {}


# Earlier runs ---------------------------------------------------------------------------------------------------------


def archive(out: Path, before: Mapping[str, Any]) -> None:
    """Keep the shelf as the run before left it, in `runs/TIME`.

    Args:
        out: The shelf, before this run changes it.
        before: Manifest of the run before.
    """
    runs = out / "runs"
    target = runs / moment(before)
    if "publishing" in before or target.exists():  # else it is no longer what it was
        return
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
    books += [page.notebook for page in params.pages]
    mapping = [params.mapping] if isinstance(params.mapping, str) else []
    read_from = [path for source in sources(params) for path in paths(source)]
    return [*(folder / path for path in read_from), *map(Path, [*mapping, *books])]


def inputs(params: RunParams, work: Path, seconds: float | None = None) -> str:
    """Hash of all that the preparation of a run depends on; empty where the data are not in files that can be named.

    It is keyed: the manifest holds it, and nobody may try guesses of an answer against it.

    Raises:
        CxError: Where it takes longer than so many seconds.
    """
    until = None if seconds is None else time.monotonic() + seconds
    files, each = named(params), {str(source): paths(source) for source in sources(params)}
    known = all(own or source in SAMPLES for source, own in each.items())
    if not known or not all(map(os.path.isfile, files[: sum(map(len, each.values()))])):
        return ""
    hashes = [[str(path), sha256(path, until=until)] for path in files if os.path.isfile(path)]
    return digest(json.loads(params.model_dump_json()), hashes, str(work), code(), secret(work))


def remember(prepared: Prepared, key: str) -> Prepared:
    """Write down what was prepared from which inputs."""
    done = replace(prepared, inputs=key)
    made = {"prepared": asdict(done), "hashes": [sha256(Path(path)) for path in _private(asdict(done))]}
    put(Path(prepared.tallies).with_name("prepared.json"), json.dumps(made).encode())
    return done


def _private(prepared: Mapping[str, Any]) -> list[str]:
    return [prepared[name] for name in ("tallies", "summary", "release") if prepared[name]]


def recall(work: Path, key: str) -> Prepared | None:
    """What a run before prepared from the same inputs, if it is still there and whole."""
    try:
        made = json.loads((work / "prepared.json").read_text(encoding="utf-8"))
        data = made["prepared"]
        whole = [sha256(Path(path)) for path in _private(data)] == made["hashes"]
        if not key or data["inputs"] != key or not whole:
            return None
        jobs: Sequence[Mapping[str, Any]] = data.pop("jobs")
        return Prepared(jobs=[Job(**job) for job in jobs], **data)
    except (OSError, ValueError, LookupError, TypeError):
        return None
