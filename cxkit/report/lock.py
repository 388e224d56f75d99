"""One run at a time on one folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxkit.errors import CxError

FLAGS = os.O_RDONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one run; the system lets go of it with the process, however that ends.

    Args:
        folder: A shelf. The lock lies in it and goes again, with folders that nothing was put into.

    Raises:
        CxError: Where another run holds it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    path = folder / ".lock"
    try:
        number = _hold(path)
    except BlockingIOError:
        raise CxError(f"{folder}: another run is at work on this folder; wait for its end") from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            path.unlink()
        os.close(number)
        for one in made:
            with suppress(OSError):  # something was put into it
                one.rmdir()


def _hold(path: Path) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(path, FLAGS, 0o644)
        try:
            _lock(number)
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except FileNotFoundError:  # the run that held it has ended and taken it away
            pass
        except BaseException:
            os.close(number)
            raise
        os.close(number)


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
