"""What is staged goes where a run fails before the shelf has said that it comes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cxkit.runs import publishing
from cxkit.runs.publishing import Stage


def test_a_stage_goes_where_the_disk_is_full_and_stays_where_it_was_announced(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "shelf"
    stage = Stage(out, {})
    monkeypatch.setattr(publishing, "put", full)
    with pytest.raises(OSError, match="No space"), stage.leaving():
        stage.put("index.html", b"x")
    assert list(out.iterdir()) == []
    monkeypatch.undo()
    stage = Stage(out, {})
    stage.put("index.html", b"x")
    stage.announced = True
    state = {"stage": stage.folder.name, "before": {}}
    record = {"files": {"index.html": stage.held("index.html")}, "publishing": state}
    monkeypatch.setattr(publishing.os, "replace", full)
    with pytest.raises(OSError, match="No space"), stage.leaving():
        publishing.finish(out, record, 0o644)
    assert stage.folder.exists()  # the next run finishes what was announced
