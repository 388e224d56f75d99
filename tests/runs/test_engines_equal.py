"""The warm engine and an ordinary kernel make the same pages of the kit's own notebooks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cxkit.runs import params, runs
from cxkit.runs.jobs import Prepared
from cxkit.runs.prepare import prepare
from cxkit.sample.write import MAPPINGS, write

DEMO = Path(__file__).parents[2] / "params" / "demo.yaml"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    """Of a tenth of the answers of three months."""
    folder = tmp_path_factory.mktemp("sample")
    responses, *_ = (path for path in write(folder) if path.name == "responses.csv")
    head, *rows = responses.read_text("utf-8").splitlines()
    months = [row for row in rows if re.search(r"\b2026-(08|09|10)-", row)]
    responses.write_text("\n".join([head, *months[::10]]) + "\n", encoding="utf-8")
    sets = {"source": str(responses), "mapping": str(MAPPINGS["responses"]), "for_each": "{brand: [Brimvale]}"}
    sets |= {"metrics": "[nps, csat]", "segments": "[channel]"}
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
