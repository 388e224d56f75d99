"""Files that are whole or not there, whatever lies in their folder, and one run at a time on one folder.

No link is followed, no name can be guessed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxkit.errors import CxError

FLAGS = os.O_RDONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait
TEMPORARY = ".next-"
"""How the names of all files and folders begin that are not finished; what is found of them later is swept."""


def read(path: Path) -> bytes:
    """Content of a file that is no link, pipe or device.

    Raises:
        OSError: Where it is one, or cannot be read.
    """
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, given: os.open(name, given | flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "expected a file", str(path))
        return file.read()


def held(path: Path) -> str | None:
    """Hash of a file of the shelf; None where there is none, or something else has its name."""
    try:
        return hashlib.sha256(read(path)).hexdigest()
    except OSError:
        return None


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def is_own(path: Path) -> bool:
    """Whether a path is a folder of this user's own, into which nobody else may look."""
    if not is_folder(path):
        return False
    found = path.stat()
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


def put(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is either the old one or wholly the new one, whatever happens meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except OSError as error:
        error.filename, error.filename2 = str(target), None
        raise
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def move(source: Path, target: Path, mode: int = 0o600) -> None:
    """Put a file in place in one step, also from another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.chmod(mode)
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        put(target, source.read_bytes(), mode)


def link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy of it where the file system has no second names.

    Files of the shelf are replaced and never written into, so that both are the same.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        put(target, read(source), stat.S_IMODE(source.stat().st_mode))


def remove(path: Path) -> None:
    """Take away a file, a link or a folder with all that is in it, if it is there."""
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def sweep(folder: Path) -> None:
    """Take away what broken runs left unfinished in a folder."""
    for path in folder.glob(f"{TEMPORARY}*"):
        remove(path)


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
