"""Every test keeps its private files to itself: none of a run go into the home folder of who runs the tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def state(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("s")))
        yield
