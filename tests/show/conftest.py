from __future__ import annotations

import pandas as pd
import present_made as made
import pytest

from cxkit.metrics import METRICS, Metric


@pytest.fixture
def metrics() -> dict[str, Metric]:
    return {name: METRICS[name] for name in ("nps", "csat", "ces")}


@pytest.fixture
def headline() -> pd.DataFrame:
    return made.headline_frame()


@pytest.fixture
def headline_changes() -> pd.DataFrame:
    return made.headline_changes_frame()


@pytest.fixture
def months() -> pd.DataFrame:
    return made.months_frame()


@pytest.fixture
def segments() -> tuple[pd.DataFrame, pd.DataFrame]:
    return made.segment_frames(list("ABCDEFGH"))


@pytest.fixture
def answers() -> pd.DataFrame:
    return made.answers_frame()


@pytest.fixture
def grid() -> pd.DataFrame:
    return made.grid_frame()


@pytest.fixture
def refused() -> pd.DataFrame:
    return made.refused_frame()
