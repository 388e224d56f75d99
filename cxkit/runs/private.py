"""Where a run keeps what nobody else may read: tallies, failed notebooks, and every temporary file.

The private folder of a shelf is `$XDG_STATE_HOME/cxkit/NAME-HASH` (`~/.local/state`, where the variable is not set), or
lies in the folder that `--work` names. It is 0700, its files are 0600. Temporary files of this process and of all that
it starts lie in its folder `tmp`: what spills from a query, transcoded copies, sockets, what notebooks write. A run
that is killed leaves them there, and the next one sweeps them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cxkit.errors import CxError
from cxkit.runs.files import is_own, locked, remove, sweep

LONGEST = 84  # bytes of the path of `tmp`: those of a socket, with its name, may be 107
HINT = "name another folder with --work DIR"


def private(out: Path, root: Path | None = None) -> Path:
    """The private folder of a shelf, which need not exist.

    Args:
        out: The shelf.
        root: The folder that holds it; that of the user's state if None.

    Raises:
        CxError: Where it would lie beside the shelf or in it, and could be shared with it.
    """
    shelf = out.resolve()
    work = (root or _state()).resolve() / f"{out.name[:20]}-{hashlib.sha256(os.fsencode(shelf)).hexdigest()[:12]}"
    if work.is_relative_to(shelf) or (work.is_relative_to(shelf.parent) and shelf.parent != Path(shelf.anchor)):
        raise CxError(f"{work}: private files would lie in {shelf.parent}, where the shelf is; {HINT}")
    return work


def _state() -> Path:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return (given if given.is_absolute() else Path.home() / ".local" / "state") / "cxkit"
    except RuntimeError:
        raise CxError(f"this user has no home folder for private files; {HINT}") from None


@contextmanager
def opened(out: Path, root: Path | None = None) -> Iterator[Path]:
    """The private folder of a shelf, for the run that holds the shelf; temporary files go into it meanwhile.

    Raises:
        CxError: Where it cannot be this user's own.
    """
    work = private(out, root)
    try:
        _own(work, work.parent if root is None else None)
    except OSError as error:
        raise CxError(f"{work}: private files cannot be kept here: {error.strerror}; {HINT}") from None
    if len(os.fsencode(work / "tmp")) > LONGEST:
        raise CxError(f"{work}: the path is too long for sockets; {HINT} that has a shorter one")
    sweep(work)
    for link in filter(Path.is_symlink, list(work.rglob("*"))):  # nothing of ours is one
        link.unlink()
    try:
        with _temporary(work / "tmp"):
            yield work
    except OSError as error:
        if error.filename is None:  # of a library that does not say which file it wrote: they all lie here
            error.filename = str(work)
        raise
    finally:
        with suppress(OSError):  # something was put into it
            work.rmdir()


@contextmanager
def looking() -> Iterator[None]:
    """A place for the temporary files of who only looks at data; those of a look that was killed are swept.

    It lies in the user's state, or, where that cannot be written, in a folder of this user in the system's own place.

    Raises:
        CxError: Where nothing private can be written at all.
    """
    try:
        folder = _look(_state() / "looks")
    except (OSError, CxError):
        shared = Path(tempfile.gettempdir()) / f"cxkit-{os.getuid() if hasattr(os, 'getuid') else 'looks'}"
        try:
            folder = _look(shared)
        except OSError as error:
            raise CxError(f"{shared}: private files cannot be kept here: {error.strerror}; set TMPDIR") from None
    try:
        with locked(folder), _temporary(folder / "tmp"):
            for old in folder.parent.iterdir():
                with suppress(CxError, OSError), locked(old):
                    remove(old)
            yield
    finally:
        remove(folder)


def _look(root: Path) -> Path:
    _own(root, root.parent if root.name == "looks" else None)
    return Path(tempfile.mkdtemp(dir=root))


def _own(work: Path, root: Path | None = None) -> None:
    """Make a folder that is this user's own; so is the root, where it is the kit's, whatever it was before."""
    if root:
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_own(work):
        raise OSError(0, "it is a link, another user's, or open to others")


@contextmanager
def _temporary(folder: Path) -> Iterator[None]:
    remove(folder)
    ours = {"TMPDIR": str(folder), "IPYTHONDIR": str(folder / "ipython")}
    before = {name: os.environ[name] for name in ours if name in os.environ}
    mask = os.umask(0o077)
    try:
        folder.mkdir()
        os.environ |= ours
        tempfile.tempdir = str(folder)
        yield
    finally:
        os.umask(mask)
        tempfile.tempdir = None
        for name in ours:
            os.environ.pop(name, None)
        os.environ |= before
        remove(folder)
