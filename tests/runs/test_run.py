"""A whole run from Python: what it returns, what it leaves, what it refuses."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

import pytest
from small import write_night

import cxkit as cx
from cxkit.runs.jobs import Result


@pytest.fixture
def night(tmp_path: Path) -> Path:
    return write_night(tmp_path)


def test_a_run_from_python_is_the_run_of_the_command(night: Path, tmp_path: Path) -> None:
    said: list[str] = []
    seen: list[str] = []

    @contextmanager
    def progress(total: int):
        yield lambda result, done, of: seen.append(f"{result.name} {isinstance(result, Result)} {done}/{of}/{total}")

    out = tmp_path / "www" / "shelf"
    manifest = cx.run(night, out, as_of="2026-11-02", workers=1, tell=said.append, progress=progress)
    assert manifest == json.loads((out / "manifest.json").read_text("utf-8"))
    assert {job["name"]: job["status"] for job in manifest["jobs"]} == dict.fromkeys(
        ("a", "b", "overview", "data"), "done"
    )
    assert said[0].endswith("as of 2026-11-02: 2026-10 compared with 2026-09")
    assert sorted(line.split()[0] for line in seen) == ["a", "b", "data", "overview"]
    assert all(line.endswith("/4/4") for line in seen)
    again = cx.run(str(night), out, as_of="2026-11-02", only={"brand": ["A"]})
    assert {job["name"]: job["status"] for job in again["jobs"]}["a"] == "unchanged"


def test_what_is_wrong_is_raised_and_leaves_nothing(night: Path, tmp_path: Path) -> None:
    out = tmp_path / "www" / "shelf"
    with pytest.raises(cx.CxError, match="'nqs': is no metric"):
        cx.run(night, out, sets={"metrics": "[nqs]"})
    with pytest.raises(cx.CxError, match="expected a folder; what is no file system"):
        cx.run(night, "s3://bucket/x")
    assert not out.exists()
