"""What holds for every test: private files of runs stay out of the home folder, and a busy machine is no failure."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cxkit.input import responses

ROOT = Path(__file__).parent
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True, scope="session")
def state(tmp_path_factory: pytest.TempPathFactory):
    """Private files of runs lie in a folder of the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("s")))
        yield


@pytest.fixture(autouse=True, scope="session")
def sample_once():
    """The sample is read once: nothing changes what was read, and every example begins with it."""
    with pytest.MonkeyPatch.context() as patch:
        read, kept = responses.read, functools.cache(responses.read)

        def once(*a: Any, **k: Any) -> Any:  # a frame does not compare with a word
            return kept(*a) if isinstance(a[0], str) and (a, k) == (("sample",), {}) else read(*a, **k)

        patch.setattr(responses, "read", once)
        yield


@pytest.fixture(scope="session")
def shelf_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The shelf of `params/<name>.yaml`, made by the command once for all workers of a session: to be read only."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made"

    def shelf(name: str, *options: str) -> Path:
        out = place / name / "shelf"
        out.parent.mkdir(parents=True, exist_ok=True)
        with open(out.parent / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (complete := out.parent / "done").exists():
                command = [sys.executable, "-m", "cxkit", "run", f"params/{name}.yaml", "--out", str(out), *options]
                done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
                assert done.returncode == 0, done.stdout + done.stderr
                complete.touch()
        return out

    return shelf
