"""Files that a run is given: that they are files, that they stay what they are while they are read, and their hash."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from cxkit.errors import CxError

BLOCK = 1 << 22  # bytes that are hashed between two looks at the clock
Stamp: TypeAlias = tuple[int, ...]  # device, inode, size and time: what differs when a file is replaced or written to
Stamps: TypeAlias = Mapping[Path, Mapping[Path, Stamp]]  # of each path, its files


def require_file(path: Path) -> None:
    """That a path, if anything is there, is a file: to open a pipe waits for ever, and a device has no end.

    Raises:
        CxError: A folder, pipe, socket or device.
    """
    if os.path.exists(path) and not path.is_file():  # which takes a name that is too long for one of nothing
        found = "a folder" if path.is_dir() else "a pipe, socket or device"
        raise CxError(f"{path}: expected a file, found {found}")


def sha256(*paths: Path, until: float | None = None) -> str:
    """Hash of files one after the other, which may be larger than memory.

    Args:
        paths: The files.
        until: Reading of `time.monotonic` at which it has taken too long.

    Raises:
        CxError: Where it has.
    """
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                if until is not None and time.monotonic() > until:
                    raise CxError(f"{path}: to read it took longer than --timeout allows; raise it")
    return digest.hexdigest()


def parts(path: Path) -> list[Path]:
    """The files that are read where this one is named: itself, or all Parquet files of a folder."""
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]


def require_data(path: Path) -> None:
    """That a path is a file, or a folder with Parquet files in it and nothing else that has such a name.

    Raises:
        CxError: Anything else: to open a pipe waits for ever, and a device has no end.
    """
    found = parts(path)
    if not found:
        raise CxError(f"{path}: expected Parquet files in this folder, found none")
    for part in found:
        require_file(part)


def stamp(path: Path) -> dict[Path, Stamp]:
    """What the file is now, or each of the Parquet files of a folder."""
    found = {part: part.stat() for part in parts(path)}
    return {part: (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for part, one in found.items()}


def require_same(before: Stamps) -> None:
    """Stop where files are not what they were: no hash would say what the numbers were made of.

    Args:
        before: Each path with its stamp of before it was read.

    Raises:
        CxError: A file that was replaced, written to, added to a folder or taken away.
    """
    for path, old in before.items():
        try:
            now = stamp(path)
        except OSError:  # it is gone
            now = {}
        changed = [str(part) for part in dict.fromkeys([*old, *now]) if old.get(part) != now.get(part)]
        if changed:
            raise CxError(f"{changed[0]}: changed while it was read; run again when it is whole")
