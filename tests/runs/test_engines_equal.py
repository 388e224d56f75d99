"""The warm engine and an ordinary kernel make the same pages of the kit's own notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxkit.runs import params, runs
from cxkit.runs.jobs import Prepared
from cxkit.runs.prepare import prepare

DEMO = Path(__file__).parents[2] / "params" / "demo.yaml"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    sets = {"metrics": "[nps, csat]", "for_each": "{brand: [Brimvale]}", "segments": "[channel]"}
    return prepare(params.load(DEMO, sets), tmp_path_factory.mktemp("demo.work"))


def test_both_engines_make_the_same_pages_of_the_real_notebooks(prepared, tmp_path):
    pages = {}
    for engine in ("warm", "kernel"):
        manifest = runs.run(prepared, tmp_path / engine, 2, engine=engine)
        assert {job["name"]: job["status"] for job in manifest["jobs"]} == dict.fromkeys(
            ("brimvale", "overview", "why", "data"), "done"
        )
        pages[engine] = {job["name"]: (tmp_path / engine / job["file"]).read_bytes() for job in manifest["jobs"]}
    assert pages["warm"] == pages["kernel"]
