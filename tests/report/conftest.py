from __future__ import annotations

from pathlib import Path

import browsing
import pytest


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf of the demo run, built once through the product."""
    out = tmp_path_factory.mktemp("demo") / "shelf"
    done = browsing.build(browsing.ROOT / "params" / "demo.yaml", out)
    assert done.returncode == 0, done.stderr
    return out
