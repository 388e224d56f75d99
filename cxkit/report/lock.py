"""One run at a time on one shelf."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cxkit.errors import CxError
from cxkit.report.shelf import private


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold a shelf for one run; the system lets go of it with the process, however that ends.

    Args:
        out: The shelf. The lock lies in its private folder and goes again, with folders that nothing was put into.

    Raises:
        CxError: Where another run holds it.
    """
    folder = private(out)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    path = folder / "lock"
    try:
        file = _hold(path)
    except OSError as error:
        if isinstance(error, BlockingIOError):
            raise CxError(f"{out}: another run is at work on this folder; wait for its end") from None
        raise
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        file.close()
        for one in made:
            with suppress(OSError):  # something was put into it
                one.rmdir()


def _hold(path: Path) -> IO[str]:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
        try:
            _lock(file.fileno())
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:  # the run that held it has ended and taken it away
            pass
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(number: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from None
    else:
        import fcntl

        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
