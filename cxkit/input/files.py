"""Files as they are named: whether they stay what they are while they are read, and which files a folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cxkit.errors import CxError
from cxkit.files import require_file


class Stamp(NamedTuple):
    """What differs when a file is replaced or written to."""

    device: int
    inode: int
    size: int
    time: int


Stamps: TypeAlias = Mapping[Path, Mapping[Path, Stamp]]  # of each path, its files


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
    return {part: Stamp(*(getattr(part.stat(), f"st_{name}") for name in _FIELDS)) for part in parts(path)}


_FIELDS = ("dev", "ino", "size", "mtime_ns")


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
