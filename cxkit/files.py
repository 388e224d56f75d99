"""Files that a run is given: that they are files, and what they hold in one number."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from cxkit.errors import CxError

BLOCK = 1 << 22  # bytes that are hashed between two looks at the clock


def require_file(path: Path) -> None:
    """That a path, if anything is there, is a file: to open a pipe waits for ever, and a device has no end.

    Raises:
        CxError: A folder, pipe, socket or device.
    """
    if path.exists() and not path.is_file():
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
