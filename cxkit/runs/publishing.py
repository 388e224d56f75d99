"""How a shelf changes: everything is staged first, the manifest says what will come, then it is renamed into place.

The stage is a folder in the shelf, `.next-RANDOM`, that only this user may enter and that holds nothing but what may be
shared. It begins with second names of the pages that are there. Before the first file of the shelf is replaced, the
manifest holds the hashes of both runs under `publishing` and `files`, and the index says that it is being brought up to
date; the manifest of the new run comes last. So a reader finds whole files of either run at any time, and after a crash
the next run finishes.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxkit.errors import CxError
from cxkit.runs.files import TEMPORARY, held, is_folder, is_own, link, move, put, read, remove, sweep

MANIFEST, INDEX = "manifest.json", "index.html"
AT_WORK = "This folder is being brought up to date, its pages may be of two runs. If this line stays, the run was "\
          "broken off, and the next one finishes it."  # fmt: skip
BROKEN = "a run was broken off while it published, so that pages may be of two runs"
Record = dict[str, Any]


class Stage:
    """What the shelf will be, in the making.

    Args:
        out: The shelf; it is made if it is not there.
        before: Its manifest. The files that it lists and that are whole are on the stage from the beginning.
    """

    def __init__(self, out: Path, before: Mapping[str, Any]) -> None:
        out.mkdir(parents=True, exist_ok=True)
        self.announced = False  # whether the shelf says that this stage comes, so that it must stay
        self.out, self.mode = out, out.stat().st_mode & 0o666  # who may look into the shelf may read its files
        self.old = [path for path in out.glob(f"{TEMPORARY}*") if is_own(path)]
        self.folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=out))
        self.taken: dict[str, Path] = {}
        with self.leaving():
            for name, digest in listed(before).items():
                if digest is not None and held(out / name) == digest:
                    link(out / name, self.folder / name)

    @contextmanager
    def leaving(self) -> Iterator[Stage]:
        """Where something fails before the shelf has said that this stage comes, leave no more than this one.

        The next run takes its pages over, and those that it took from earlier ones; a full disk is not left fuller.
        """
        try:
            yield self
        except BaseException as error:
            if not self.announced:
                full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
                for folder in (*self.old, *[self.folder] * full):
                    remove(folder)
            raise

    def adopt(self, key: str, file: str) -> str | None:
        """Take over a page that a broken run has finished, made of the same things; its hash."""
        for folder in self.old if key else ():
            for page in folder.glob(_named(key, "*", file)):
                if (digest := held(page)) and page.name == _named(key, digest, file):
                    self.take(page, key, digest, file)
                    return digest
        return None

    def take(self, page: Path, key: str, digest: str, file: str) -> None:
        """Take in a finished page. Until all are finished its name tells what it is made of and holds, for `adopt`."""
        move(page, staged := self.folder / _named(key, digest, file), self.mode)
        self.taken[file] = staged

    def settle(self) -> None:
        """Give all pages that were taken the names that they will have on the shelf."""
        for file, page in self.taken.items():
            os.replace(page, self.folder / file)

    def put(self, file: str, content: bytes) -> None:
        """Write a file on the stage."""
        put(self.folder / file, content, self.mode)

    def held(self, file: str) -> str | None:
        """Hash of a file of the stage; None where it is not there."""
        return held(self.folder / file)

    def publish(self, record: Record, before: Mapping[str, Any], gone: Sequence[str] = ()) -> None:
        """Put all files of a record into place, and take away those of the run before that it no longer has.

        Args:
            record: The manifest, with `files`.
            before: The manifest of the run before.
            gone: The kept runs that are taken away before the first file of this one is there.
        """
        files, old = record["files"], listed(before)
        require_room(self.out, files)
        ours = {name: digest for name in {**old, **files}
                if (digest := held(self.out / name)) and (name in files or digest == old[name])}  # fmt: skip
        notice = noted(read(self.out / INDEX).decode(), AT_WORK).encode() if INDEX in ours else b""
        if notice:
            self.put("notice", notice)
        state = {"stage": self.folder.name, "before": ours, "notice": self.held("notice"), "gone": list(gone)}
        write(self.out, record | {"publishing": state}, self.mode)
        self.announced = True
        if notice:
            os.replace(self.folder / "notice", self.out / INDEX)
        finish(self.out, record | {"publishing": state}, self.mode)
        sweep(self.out)


def _named(key: str, digest: str, file: str) -> str:
    return f"{key[:32]}-{digest[:32]}-{file}"


def require_room(out: Path, names: Iterable[str]) -> None:
    """That no folder has the name of a file of the shelf, before the first of them is replaced.

    Raises:
        CxError: A folder that would be in the way.
    """
    if folders := [str(out / name) for name in (MANIFEST, *names) if is_folder(out / name)]:
        raise CxError(f"{', '.join(folders)}: a folder, where a file of the run belongs; remove it")


def listed(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Files of a shelf as its manifest lists them, with their hashes."""
    pages = {job["file"]: job["sha256"] for job in record.get("jobs", []) if job.get("file")}
    return {**record.get("publishing", {}).get("before", {}), **pages, **record.get("files", {})}


def write(out: Path, record: Mapping[str, Any], mode: int) -> None:
    """Write the manifest of a shelf."""
    put(out / MANIFEST, f"{json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)}\n".encode(), mode)


def finish(out: Path, state: Mapping[str, Any], mode: int) -> Record:
    """Take kept runs away, rename what is staged into place, the index last, and say so in the manifest, returned.

    Raises:
        CxError: Where a file is not what it should be afterwards, because something else writes here, too.
    """
    record = {key: value for key, value in state.items() if key != "publishing"}
    stage = out / state["publishing"]["stage"]
    for kept in (out / "runs" / name for name in state["publishing"].get("gone", [])):
        if is_folder(kept):
            kept.replace(away := Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=out)))  # at once
            remove(away)
    for name in sorted(record["files"], key=lambda name: (name == INDEX, not name.endswith(".html"), name)):
        if held(stage / name) == record["files"][name]:
            os.replace(stage / name, out / name)
    for name, digest in state["publishing"]["before"].items():
        if name not in record["files"] and held(out / name) == digest:
            (out / name).unlink()
    if wrong := [name for name, digest in record["files"].items() if held(out / name) != digest]:
        raise CxError(f"{out}: {', '.join(wrong)}: changed while it was published; does something else write here?")
    write(out, record, mode)
    remove(stage)
    return record


def recovered(out: Path, record: Record) -> tuple[Record, str]:
    """The manifest of a shelf after what a broken run had begun to publish is finished, and words about it.

    Where its stage is gone, too, nothing is published: only what is whole counts, and the run makes the rest again.
    """
    state = record.get("publishing")
    if not state:
        return record, ""
    lost = [name for name, digest in record["files"].items()
            if digest not in (held(out / name), held(out / state["stage"] / name))]  # fmt: skip
    if not lost:
        require_room(out, record["files"])
        return finish(out, record, out.stat().st_mode & 0o666), f"{BROKEN}; that is finished now"
    jobs = [job for job in record["jobs"] if job.get("file") not in lost]
    files = {name: digest for name, digest in record["files"].items() if name not in lost}
    return record | {"jobs": jobs, "files": files}, f"{BROKEN}; {len(lost)} files are made again"


def noted(index: str, said: str) -> str:
    """An index with a line above all others; what it says of other runs goes, because they may be gone by then."""
    start, found, rest = index.partition('<nav class="cx-earlier"')
    index = start + rest.partition("</nav>")[2] if found else index
    nav = f'<nav class="cx-earlier" aria-label="Runs"><p>{said}</p></nav>'
    return index.replace('<main id="main">', f'<main id="main">\n{nav}', 1)
