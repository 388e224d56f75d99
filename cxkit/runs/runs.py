"""Jobs -> shelf: who carries the jobs, what is tried again, how a run is stopped, what is published.

Every job is tried in a process of its own, with a deadline and a memory limit. What a worker does is in `worker`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cxkit.errors import CxError, refusal
from cxkit.runs import history, shelf
from cxkit.runs.console import Events, stoppable
from cxkit.runs.files import move, put
from cxkit.runs.history import code, digest, key
from cxkit.runs.jobs import Job, Prepared, Result
from cxkit.runs.limits import ATTEMPTS, Limits
from cxkit.runs.private import opened
from cxkit.runs.publishing import INDEX, Stage, recovered, require_room
from cxkit.runs.worker import Engine, apart, cell_at, class_of, one_line, run_job

Progress = Callable[[Result, int, int], None]
TIMEOUT, MEMORY = Limits()


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def crew(
    workers: int | None = None,
    engine: Engine = "warm",
    timeout: float | None = TIMEOUT,
    memory: int | None = MEMORY,
) -> Executor:
    """Who carries the jobs of a run on this machine; it starts to import what reports need at once.

    Args:
        workers: Reports at a time; one per processor if None.
        engine: What the cells will run in.
        timeout: Seconds that a report may take.
        memory: Bytes that a report may allocate beyond what it inherits.

    Returns:
        Forks of a warm process on Linux. Elsewhere forking a process that has loaded numerical libraries is not known
        to be sound: a fresh process per report, without a memory limit.
    """
    count = workers or processors()
    if not sys.platform.startswith("linux"):
        return Plain(count, timeout)
    from cxkit.warm.engine import PRELOAD
    from cxkit.warm.executor import WarmExecutor

    preload = [*PRELOAD, "cxkit.runs.worker:rehearse"] if engine == "warm" else ["papermill"]
    return WarmExecutor(count, preload=preload, timeout=timeout, memory=memory)


@runtime_checkable
class Crew(Protocol):
    """An executor that can end at once: what runs is killed, what waits is cancelled, also while it still starts."""

    def stop(self) -> None:
        """End at once."""


@runtime_checkable
class Costed(Protocol):
    """A future that knows what its task cost: seconds, cpu, memory and processes left behind; None until it is done."""

    usage: Any


@runtime_checkable
class Died(Protocol):
    """An error that tells how the process of a task ended.

    Attributes:
        how: In words.
        signal: Number of the signal that ended it, or None.
        killed: Why it was killed by who watched it, or "".
        note: What it said it was doing ("cell 5"), or "".
    """

    how: str
    signal: int | None
    killed: str
    note: str


class Plain(ThreadPoolExecutor):
    """A crew of threads, each of which waits for a process that makes one report."""

    def __init__(self, workers: int, timeout: float | None) -> None:
        super().__init__(workers)
        self.timeout = timeout

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As any executor; only `run_job` is carried to another process."""
        carried = partial(apart, timeout=self.timeout) if fn is run_job else fn
        return super().submit(carried, *args, **kwargs)


def run(
    prepared: Prepared,
    out: Path,
    workers: int | None = None,
    progress: Progress | None = None,
    executor: Executor | None = None,
    *,
    engine: Engine = "warm",
    limits: tuple[float | None, int | None] = (TIMEOUT, MEMORY),
    force: bool = False,
    keep: int = 0,
    older: bool = False,
    work: Path | None = None,
) -> dict[str, Any]:
    """Carry out the jobs of a run and publish their pages, the index, the summary and the manifest.

    A page that would come out the same is kept. The pages that a run had finished which was broken off are taken over.
    SIGINT, SIGTERM and SIGHUP end it early: what is finished is published, the rest is marked as failed.

    Args:
        prepared: What `prepare` returned.
        out: The shelf: the folder that can be shared.
        workers: Reports at a time; one per processor if None.
        progress: Called with each result, the number of results so far, and the number of jobs.
        executor: Carries the jobs instead of a `crew` of this machine; it must see the same file system.
        engine: "warm" or "kernel", as for `run_job`.
        limits: Seconds and bytes that a report may take; an executor that is given has its own.
        force: Make every page again.
        keep: How many earlier runs are kept in the folder `runs` of the shelf.
        older: Replace also a shelf of a later date.
        work: The private folder, as `private.opened` gives it.

    Returns:
        The manifest, as it is written to `manifest.json`.
    """
    with nullcontext(work) if work else opened(out) as work, ExitStack() as ends:
        before, _ = recovered(out, shelf.claim(out, prepared.name, "" if older else prepared.as_of))
        require_room(out, [*(job.file for job in prepared.jobs), *shelf.SUMMARY, INDEX])
        started, version = shelf.clock(), digest(code(), history.secret(work))  # nobody may try guesses against it
        keys = {job.name: key(job, version) for job in prepared.jobs}
        stage = ends.enter_context(Stage(out, before).leaving())
        beside, pages, gone = history.withdraw(out, work, before, prepared)
        new = force or before.get("settings", prepared.settings) != prepared.settings
        found = [] if new else [history.unchanged(job, keys[job.name], before, stage) for job in prepared.jobs]
        results = {result.name: result for result in found if result}
        todo = [job for job in prepared.jobs if job.name not in results]

        def finish(job: Job, result: Result) -> None:
            try:
                _take(job, result, keys[job.name], stage, work)
            except OSError as error:  # a full disk; the page of the run before is still there
                result = replace(result.failed("its page could not be kept"), error=refusal(error))
            results[job.name] = result
            if progress:
                progress(result, len(results), len(prepared.jobs))

        for done, result in enumerate(list(results.values()) if progress else [], 1):
            progress(result, done, len(prepared.jobs))  # type: ignore[misc]  # mypy does not see the condition
        count = workers or processors()
        with stoppable() as events:
            with ExitStack() as stack:
                if todo:
                    carrier = executor or stack.enter_context(crew(count, engine, *limits))
                    _carry_out(todo, carrier, work / "tmp" / "running", engine, finish, count, events)
                elif executor:
                    dismiss(executor)
            stage.settle()
            stays = before | {"jobs": pages}
            manifest = shelf.manifest(prepared, results, keys, stage, stays, (started, shelf.clock()))
            manifest |= shelf.since(before, manifest)
            statuses = {entry["status"] for entry in manifest["jobs"]}
            archived = bool(keep and before and statuses - {"unchanged", "skipped"})
            if archived and beside:
                history.archive(out, before)
            kept = [name for name in history.earlier(out) if name not in gone]
            lost = [*gone, *[history.moment(before)] * (archived and not beside)]
            manifest["withdrawn"] = [*before.get("withdrawn", []), *lost]
            gone, kept = gone + kept[keep:] * archived, kept[: keep if archived else None]
            history.released(out, work, manifest, prepared, kept)
            manifest = shelf.close(prepared, manifest, stage, before, kept, gone)
            _account(results, work)
    return manifest


def _take(job: Job, result: Result, key: str, stage: Stage, work: Path) -> None:
    """Put a finished page on the stage, or a failed notebook into the private folder; then clear what is left."""
    kept = work / "failed" / f"{job.name}.ipynb"
    kept.unlink(missing_ok=True)
    if result.status == "done" and result.page and result.sha256:
        stage.take(Path(result.page), key, result.sha256, job.file)
    elif result.notebook:
        move(Path(result.notebook), kept)
    shutil.rmtree(work / "tmp" / "running" / job.name, ignore_errors=True)


def _account(results: Mapping[str, Result], work: Path) -> None:
    """What went wrong in the words of the notebooks, which may quote answers: for the operator only."""
    told = {name: {"error": one.error, "cell": one.cell, "warnings": one.warnings}
            for name, one in results.items() if one.error or one.warnings}  # fmt: skip
    put(work / "account.json", json.dumps(told, ensure_ascii=False, indent=1).encode())


def _carry_out(
    jobs: Sequence[Job],
    executor: Executor,
    folder: Path,
    engine: Engine,
    finish: Callable[[Job, Result], None],
    workers: int,
    events: Events,
) -> None:
    """Run every job, some ahead of the workers, so that none of them waits for us."""
    waiting = deque((job, 1) for job in jobs)
    under_way: dict[Future[Result], tuple[Job, int]] = {}
    while waiting or under_way:
        while waiting and len(under_way) < 2 * workers:
            job, attempt = waiting.popleft()
            future = _submit(executor, job, str(folder / job.name), engine)
            under_way[future] = job, attempt
            future.add_done_callback(events.put)
        event = events.get()
        if isinstance(event, signal.Signals):
            dismiss(executor)
            for job, result in _stopped(under_way, waiting, event.name):
                finish(job, result)
            return
        job, attempt = under_way.pop(event)
        result = outcome(job, event, attempt)
        if result.status == "failed" and result.passing and attempt < ATTEMPTS:
            waiting.append((job, attempt + 1))  # at the end: what is in the way now may be gone by then
        else:
            finish(job, result)


def _submit(executor: Executor, job: Job, folder: str, engine: Engine) -> Future[Result]:
    try:
        return executor.submit(run_job, job, folder, engine)
    except Exception as error:  # an executor that broke, or that cannot carry this job
        lost: Future[Result] = Future()
        lost.set_exception(CxError(one_line(error)))
        return lost


def dismiss(executor: Executor) -> None:
    """Stop an executor: what runs is killed where it can kill, what waits is cancelled."""
    if isinstance(executor, Crew):
        executor.stop()
    else:
        executor.shutdown(wait=False, cancel_futures=True)


def _stopped(
    under_way: dict[Future[Result], tuple[Job, int]], waiting: Sequence[tuple[Job, int]], by: str
) -> Iterator[tuple[Job, Result]]:
    """What has finished all the same, and a mark for the rest."""
    why = f"the run was stopped by {by}"
    for future, (job, attempt) in under_way.items():
        done = future.done() and not future.cancelled() and future.exception() is None
        yield job, outcome(job, future, attempt) if done else Result(job.name, "done", 0.0).failed(why)
    for job, _ in waiting:
        yield job, Result(job.name, "done", 0.0).failed(why)


def outcome(job: Job, future: Future[Result], attempt: int) -> Result:
    """What a future brought, with what the worker cost where the executor measures it."""
    usage = future.usage if isinstance(future, Costed) else None
    cost: dict[str, Any] = {"attempts": attempt}
    if usage is not None:
        cost |= {"cpu": round(usage.cpu, 3), "memory": usage.memory, "left": usage.left}
    error = future.exception()
    if error is None:
        return replace(future.result(), **cost)
    seconds = round(usage.seconds, 3) if usage else 0.0
    if isinstance(error, Died):
        at, cell = cell_at(job, error.note)
        told: dict[str, Any] = {"error": str(error), "kind": f"its process {error.how}", "cell": cell, "at": at}
        return Result(job.name, "failed", seconds, passing=bool(error.signal or error.killed), **told, **cost)
    words = str(error) if isinstance(error, CxError) else one_line(error)
    passing = isinstance(error, BrokenExecutor)
    return Result(job.name, "failed", seconds, error=words, kind=class_of(error), passing=passing, **cost)
