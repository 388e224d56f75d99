"""A whole run, from its parameters to the shelf: what the command does, for Python."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

from cxkit.errors import CxError
from cxkit.files import require_same, stamp
from cxkit.runs import history, private, runs, shelf
from cxkit.runs.files import locked
from cxkit.runs.limits import Limits, carried, require_descriptors
from cxkit.runs.params import RunParams, load
from cxkit.runs.publishing import Record, recovered
from cxkit.runs.worker import Engine

Watch = Callable[[int], AbstractContextManager[runs.Progress | None]]


def run(
    params: str | Path | RunParams,
    out: str | Path | None = None,
    *,
    only: Mapping[str, Sequence[str]] | None = None,
    sets: Mapping[str, str] | None = None,
    as_of: str | None = None,
    work: Path | None = None,
    workers: int | None = None,
    engine: Engine = "warm",
    limits: Limits = Limits(),  # noqa: B008  (a tuple, which nothing changes)
    force: bool = False,
    keep: int = 0,
    older: bool = False,
    tell: Callable[[str], None] | None = None,
    remark: Callable[[dict[str, str]], None] | None = None,
    progress: Watch | None = None,
) -> Record:
    """Make every report of a run and publish them, as `cxkit run` does.

    Args:
        params: A file of parameters, or what `cxkit.runs.params.load` made of one.
        out: The shelf; `reports/NAME` beside the folder of the parameters if None.
        only: Dimension -> values of the reports to make; all if None. This and the next two are for a file.
        sets: Dotted key -> YAML text that replaces the file's value.
        as_of: ISO date that relative periods are counted from.
        work: Where private files are kept; in the user's state if None.
        workers: Reports at a time; one per processor if None.
        engine: "warm", or "kernel" for an ordinary kernel per report.
        limits: Seconds and bytes that a report, or reading the data, may take.
        force: Make every page again.
        keep: Earlier runs to keep on the shelf.
        older: Replace also a shelf of a later date.
        tell: Called with each note of the run, at its end with what to look at in the data.
        remark: Called with each thing to look at in the data: code, weight, about, words.
        progress: Called with the number of jobs; a context of what is called with each result.

    Returns:
        What `manifest.json` holds: `jobs` with status, file and hash, `data`, `refused`, ...

    Raises:
        CxError: Parameters, mapping, notebooks or data are wrong; the shelf is as it was.
    """
    require_descriptors()
    chosen = [(name, value) for name, values in (only or {}).items() for value in values]
    checked = params if isinstance(params, RunParams) else load(params, sets, chosen, as_of)
    folder = shelf_of(checked, out)
    _require_folder("--work", work)
    shelf.claim(folder, checked.name, "" if older else checked.date.isoformat())
    with locked(folder), private.opened(folder, work) as place, ExitStack() as stack:
        last, words = recovered(folder, shelf.claim(folder, checked.name))
        if checked.only and last and last.get("settings") != history.settings(checked):
            raise CxError(f"--only: {folder} was made with another filter, other segments, limits or mapping; "
                          "its other pages would tell of other answers: run without --only")  # fmt: skip
        before = {path: stamp(path) for path in history.named(checked) if os.path.exists(path)}
        inputs = history.inputs(checked, place, limits.seconds)
        prepared, crew = None if force else history.recall(place, inputs), None
        if prepared is None:
            crew = stack.enter_context(runs.crew(workers, engine, *limits))
            stack.push(lambda kind, *_: runs.dismiss(crew) if kind else None)  # at once where its work fails
            read = carried("cxkit.runs.prepare:prepare", checked, place, limits=limits, memory=checked.memory)
            require_same(before)
            prepared = history.remember(read, inputs)
        for note in [words] * bool(words) + prepared.notes if tell else ():
            tell(f"{checked.name}: {note}")  # type: ignore[misc]  # mypy does not see the condition
        given: dict[str, Any] = {"engine": engine, "limits": limits, "force": force, "keep": keep, "older": older}
        with progress(len(prepared.jobs)) if progress else nullcontext() as watch:
            record = runs.run(prepared, folder, workers, watch, crew, work=place, **given)
        for row in prepared.remarks:
            if tell:
                tell(f"{checked.name}: look at: {row['words']}")
            if remark:
                remark(row)
        return record


def shelf_of(params: RunParams, out: str | Path | None = None) -> Path:
    """The folder of a shelf.

    Raises:
        CxError: A name that is no folder of a file system.
    """
    if out == "":
        raise CxError("--out: expected a folder, found nothing")
    _require_folder("--out", out)
    return (Path(out) if out else params.root / "reports" / params.name).absolute()


def _require_folder(option: str, path: str | Path | None) -> None:
    if path and re.match(r"\s*\w[\w+.-]+:/", str(path)):
        raise CxError(
            f"{option} {path}: expected a folder; what is no file system is not supported: publish, then copy"
        )
