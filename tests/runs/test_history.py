"""Work is not done twice, a broken run is resumed, earlier runs are kept as they were."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from test_runs import Inline, files, job, prepared

import cxkit as cx
from cxkit.errors import CxError
from cxkit.runs import history, runs, shelf
from cxkit.runs import run as whole
from cxkit.runs.files import locked
from cxkit.runs.prepare import prepare
from cxkit.runs.private import private

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "manifest.schema.json").read_text(encoding="utf-8"))


class Carrier(Inline):
    """Remembers which jobs it was given."""

    def __init__(self, *outcomes: object) -> None:
        super().__init__(*outcomes)
        self.carried: list[str] = []

    def submit(self, function, job, folder, engine):
        self.carried.append(job.name)
        return super().submit(function, job, folder, engine)

    def shutdown(self, **_: object) -> None:
        pass


@pytest.fixture
def night(tmp_path):
    """Run jobs of these names, each with this hash of its data, on one shelf; the names of those that were built."""

    def run(data: dict[str, str], *outcomes: object, carrier: Carrier | None = None, **options):
        jobs = [replace(job(tmp_path, name, "1"), data=value) for name, value in data.items()]
        carrier = carrier or Carrier(*outcomes)
        given = {key: options.pop(key) for key in ("inputs", "as_of") if key in options}
        runs.run(prepared(tmp_path / "p", jobs, **given), tmp_path / "shelf", 1, executor=carrier, **options)
        manifest = json.loads((tmp_path / "shelf" / "manifest.json").read_text())
        jsonschema.validate(manifest, SCHEMA)
        run.states = {entry["name"]: entry["status"] for entry in manifest["jobs"]}
        return carrier.carried

    run.out = tmp_path / "shelf"
    return run


def test_a_rerun_builds_nothing_and_one_changed_place_builds_that_one(night):
    assert night({"a": "1", "b": "1"}) == ["a", "b"]
    assert night({"a": "1", "b": "1"}) == []
    assert night.states == {"a": "unchanged", "b": "unchanged"}
    assert night({"a": "1", "b": "2"}) == ["b"]
    assert night({"a": "1", "b": "2"}, force=True) == ["a", "b"]


def test_guesses_of_the_data_cannot_be_tried_against_the_key_of_a_page(night, tmp_path):
    """Equal data have another key in another private folder, and none that can be worked out from what is shared."""
    keys = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        for built in (["a"], []):
            assert night({"a": "1"}, work=tmp_path / folder, force=False) == (
                built if folder == "one" else ["a"][: len(built)]
            )
            (entry,) = json.loads((night.out / "manifest.json").read_text())["jobs"]
            keys.append(entry["key"])
    assert keys[0] == keys[1] != keys[2] == keys[3]
    made = replace(job(tmp_path, "a", "1"), data="1")
    assert history.key(made, history.code()) not in keys


def test_what_nobody_can_know_is_built_every_time(night):
    assert night({"a": ""}) == ["a"]
    assert night({"a": ""}) == ["a"]


def test_a_page_that_was_touched_or_removed_is_built_again(night):
    night({"a": "1", "b": "1", "c": "1"})
    (night.out / "a.html").write_text("somebody's notes")
    (night.out / "b.html").unlink()
    assert night({"a": "1", "b": "1", "c": "1"}) == ["a", "b"]


def test_notebook_parameters_title_and_code_make_a_page_another_one(tmp_path):
    made = replace(job(tmp_path, "a", "1"), data="1")
    others = [
        replace(made, parameters={**made.parameters, "level": 0.9}),
        replace(made, title="other"),
        replace(made, lang="de"),
        replace(made, data="2"),
        replace(job(tmp_path, "b", "2"), data="1", title="a", parameters=made.parameters),
    ]
    keys = [history.key(one, "v1") for one in (made, *others)] + [history.key(made, "v2")]
    assert len(set(keys)) == len(keys)
    moved = replace(made, parameters={**made.parameters, "tallies": "/elsewhere"})
    assert history.key(moved, "v1") == keys[0]
    assert history.code() == history.code()


def test_index_and_summary_are_left_where_nothing_changed(night):
    night({"a": "1"}, inputs="x")
    stamp = (night.out / "index.html").stat().st_mtime_ns
    night({"a": "1"}, inputs="x")
    assert (night.out / "index.html").stat().st_mtime_ns == stamp
    night({"a": "1"}, inputs="y")
    assert (night.out / "index.html").stat().st_mtime_ns > stamp
    assert 'href="a.html"' in (night.out / "index.html").read_text()


class Breaks(Carrier):
    """Breaks the whole run at its third job, when the first one is on the shelf, as a power cut would."""

    def submit(self, function, job, folder, engine):
        if len(self.carried) == 2:
            raise KeyboardInterrupt
        return super().submit(function, job, folder, engine)


def test_a_broken_run_leaves_the_shelf_as_it_was_and_is_resumed(night):
    night({"a": "1", "b": "1", "c": "1"}, "old a", "old b", "old c")
    before = {path.name: path.read_bytes() for path in night.out.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        night({"a": "2", "b": "2", "c": "2"}, carrier=Breaks("new a"))
    (stage,) = night.out.glob(".next-*")
    assert stage.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.read_bytes() for path in night.out.iterdir() if path != stage} == before
    assert night({"a": "2", "b": "2", "c": "2"}) == ["b", "c"]
    assert night.states == {"a": "done", "b": "done", "c": "done"}
    assert (night.out / "a.html").read_text() == "new a"
    assert not list(night.out.glob(".next-*"))


def test_a_first_run_that_broke_is_resumed_too(night):
    with pytest.raises(KeyboardInterrupt):
        night({"a": "1", "b": "1", "c": "1"}, carrier=Breaks("a"))
    assert night({"a": "1", "b": "1", "c": "1"}) == ["b", "c"]


def test_earlier_runs_are_kept_as_they_were_and_pruned(night, monkeypatch):
    clock = iter(f"2026-11-{day:02d}T06:00:00+00:00" for day in range(1, 29))
    monkeypatch.setattr(shelf, "clock", lambda: next(clock))
    night({"a": "1", "b": "1"}, "a1", "b1")
    night({"a": "2", "b": "1"}, "a2", keep=2)
    assert history.earlier(night.out) == ["2026-11-02T060000Z"]
    first = night.out / "runs" / "2026-11-02T060000Z"
    assert files(first) == {"a.html", "b.html", "index.html", "summary.csv", "summary.xlsx", "manifest.json"}
    assert (first / "a.html").read_text() == "a1"
    assert (first / "b.html").samefile(night.out / "b.html")
    night({"a": "2", "b": "1"}, keep=2)  # nothing changed: nothing to keep
    assert len(history.earlier(night.out)) == 1
    night({"a": "3", "b": "1"}, "a3", keep=2)
    night({"a": "4", "b": "1"}, "a4", keep=2)
    assert [(night.out / "runs" / run / "a.html").read_text() for run in history.earlier(night.out)] == ["a3", "a2"]
    assert (night.out / "a.html").read_text() == "a4"
    kept = [night.out / "runs" / run for run in history.earlier(night.out)]
    indexes = [folder / "index.html" for folder in (night.out, *kept)]
    for index in indexes:
        links = [link for link in re.findall(r'href="([^"#]+)"', index.read_text("utf-8")) if link != "data:,"]
        assert [link for link in links if not (index.parent / link).is_file()] == []
    ways = [re.findall(r'href="((?:runs|\.\.)/[^"]*)"', index.read_text("utf-8")) for index in indexes]
    assert [len(way) for way in ways] == [2, 1, 1]
    assert ways[1] == ["../../index.html"]


def test_two_runs_cannot_hold_one_shelf(tmp_path):
    out = tmp_path / "reports" / "demo"
    with locked(out), pytest.raises(CxError, match="another run is at work"), locked(out):
        pass
    assert files(tmp_path) == set()
    with locked(out):
        (out / "kept").write_text("")
    assert files(tmp_path) == {"reports", "reports/demo", "reports/demo/kept"}


def test_a_preparation_is_recalled_only_while_its_files_are_whole(tmp_path):
    made = prepared(tmp_path / "p", [job(tmp_path, "a", "1")], tallies=str(tmp_path / "p" / "tallies.parquet"))
    Path(made.tallies).write_bytes(b"counts")
    known = history.remember(made, "key")
    assert history.recall(tmp_path / "p", "key") == known
    assert history.recall(tmp_path / "p", "other") is None
    Path(made.tallies).write_bytes(b"torn")
    assert history.recall(tmp_path / "p", "key") is None
    (tmp_path / "p" / "prepared.json").write_text("{")
    assert history.recall(tmp_path / "p", "key") is None
    history.remember(made, "")
    assert history.recall(tmp_path / "p", "") is None


# A shelf over time ----------------------------------------------------------------------------------------------------

COLUMNS = ["day", "brand", "channel", "nps"]
SIZES = {("Ash", "x"): 40, ("Ash", "y"): 30, ("Elm", "x"): 25, ("Elm", "y"): 35}


def answered(month: str, sizes: dict[tuple[str, str], int], score: tuple[int, ...] = (0, 7, 9, 10)) -> list[tuple]:
    rows = [(f"{month}-10", *place) for place, n in sizes.items() for _ in range(n)]
    return [(*row, score[i % len(score)]) for i, row in enumerate(rows)]


class Shelf:
    """Runs of one survey on one shelf, with pages of nothing: what they publish of each other is what counts."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        clock = (f"2026-11-{day:02d}T06:{minute:02d}:00+00:00" for minute in range(60) for day in range(1, 29))
        patch.setattr(shelf, "clock", lambda: next(clock))
        patch.setattr(whole, "carried", lambda _, params, work, **__: prepare(params, work))  # in this process
        patch.setattr(runs, "crew", self.crew)
        self.folder, self.out = folder, folder / "www" / "shelf"
        self.work = private(self.out)
        self.rows = pd.DataFrame(answered("2026-09", SIZES) + answered("2026-10", SIZES), columns=COLUMNS)

    def crew(self, *_: object) -> AbstractContextManager[Carrier]:
        self.carrier = Carrier()
        return nullcontext(self.carrier)

    def late(self, rows: list[tuple]) -> None:
        self.rows = pd.concat([self.rows, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True)

    def given(self, as_of: str = "2026-11-05", roles: dict[str, str] | None = None, **more: object) -> Path:
        """The file of parameters, with the answers beside it."""
        self.rows.to_csv(self.folder / "survey.csv", index=False)
        dimensions = {name: name for name in ("brand", "channel", "region") if name in self.rows}
        mapping = {"kind": "transactional", "columns": {"time": "day", **(roles or {})}, "items": {"nps": "nps"},
                   "dimensions": dimensions}  # fmt: skip
        made = {"name": "kept", "title": "Kept", "source": "survey.csv", "mapping": mapping, "metrics": ["nps"],
                "for_each": ["brand"], "segments": ["channel"], "as_of": as_of, **more}  # fmt: skip
        (self.folder / "kept.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
        return self.folder / "kept.yaml"

    def run(self, keep: int = 3, **more: Any) -> dict[str, Any]:
        return cx.run(self.given(**more), self.out, keep=keep)


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Shelf:
    made = Shelf(tmp_path, monkeypatch)
    made.run()
    return made


def gone(n: int, nps: int) -> list[tuple]:
    """So many answers less: brand Ash, channel x, October."""
    return [("2026-10-10", "Ash", "x", nps, "gone")] * n


def late_comes(made: Shelf, late: list[tuple]) -> None:
    made.late([row for row in late if row[-1] != "gone"])
    for row in (row[:-1] for row in late if row[-1] == "gone"):
        same = made.rows[COLUMNS].astype(str).agg("|".join, axis=1) == "|".join(map(str, row))
        made.rows = made.rows.drop(same.idxmax())


LATE = [
    ("nothing", [], True),
    ("one answer", [("2026-10-20", "Ash", "x", 10)], False),
    ("nine answers", [("2026-10-20", "Ash", "x", 10)] * 9, False),
    ("ten answers", [("2026-10-20", "Ash", "x", 10)] * 10, True),
    ("five in each of two brands", [("2026-09-20", brand, "x", 10) for brand in ("Ash", "Elm")] * 5, False),
    ("twelve come and one of another answer goes", [("2026-10-20", "Ash", "x", 10)] * 12 + gone(1, 0), False),
    ("twelve come and one of theirs goes", [("2026-10-20", "Ash", "x", 10)] * 12 + gone(1, 10), True),
    ("three come and three go", [("2026-10-20", "Ash", "x", 10)] * 3 + gone(3, 0), False),
    ("twelve go", gone(9, 0) + gone(3, 10), True),
    ("another month", answered("2026-11", SIZES), True),
    ("a channel of few", [("2026-10-20", "Ash", "z", 10)] * 12 + [("2026-10-20", "Ash", "w", 0)] * 5, False),
]


@pytest.mark.parametrize(("late", "stays"), [case[1:] for case in LATE], ids=[case[0] for case in LATE])
def test_a_kept_run_goes_where_late_answers_would_come_out(kept, late, stays):
    late_comes(kept, late)
    month = kept.rows["day"].max()[:7]
    manifest = kept.run(title="Kept again", as_of="2026-12-05" if month == "2026-11" else "2026-11-05")
    first = "2026-11-02T060000Z"
    assert history.earlier(kept.out) == ([first] if stays else [])
    assert manifest["withdrawn"] == ([] if stays else [first])
    index = (kept.out / "index.html").read_text("utf-8")
    assert ("withdrawn: would give late answers away" in index) == (not stays)
    assert json.loads((kept.out / "manifest.json").read_text())["withdrawn"] == manifest["withdrawn"]
    records = {path.name for path in (kept.work / "releases").iterdir()}
    assert (f"{first}.parquet" in records) == stays


def test_the_answer_of_who_went_comes_out_where_who_came_is_netted(kept, monkeypatch):
    """Eleven come, one goes: who went was a detractor."""
    fits = history.compatible

    def netted(record: pd.DataFrame) -> pd.DataFrame:
        keys = ["item", "period", "cut", "brand", "channel", "people", "hidden", "out", "beside"]
        return record.groupby(keys, dropna=False, as_index=False)[["n", "w", "mark"]].sum().assign(answer=0.0)

    monkeypatch.setattr(history, "compatible", lambda old, new, least: fits(netted(old), netted(new), least))
    late_comes(kept, [("2026-10-20", "Ash", "x", 10)] * 11 + gone(1, 0))
    kept.run(title="Kept again")
    told = [pd.read_csv(folder / "summary.csv").query("part == 'estimate' and brand == 'Ash' and period == '2026-10'")
            for folder in (kept.out / "runs" / history.earlier(kept.out)[0], kept.out)]  # fmt: skip
    more = np.diff([(one["value"] * one["n"] / 100).iloc[0] for one in told])
    assert more.round() == 11 + 1  # promoters less detractors: more than eleven can bring


@pytest.mark.parametrize("mended", [True, False])
def test_a_page_of_two_runs_ago_is_not_left_beside_a_summary_that_differs_in_one(kept, monkeypatch, mended):
    if not mended:
        of_run = history.moment
        newest = lambda: json.loads((kept.out / "manifest.json").read_text())  # noqa: E731
        monkeypatch.setattr(history, "moment", lambda one: of_run(one if "jobs" in one else newest()))
    for late in ([("2026-10-20", "Elm", "x", 10)] * 10, []):
        kept.late(late)
        cx.run(kept.given(), kept.out, only={"brand": ["Ash"]}, keep=3)
        assert (kept.out / "elm.html").exists()
    one_less = kept.rows.index[(kept.rows["brand"] == "Elm") & (kept.rows["nps"] == 10) & (kept.rows["channel"] == "x")]
    kept.rows = kept.rows.drop([index for index in one_less if kept.rows["day"][index] > "2026-10"][:11])
    cx.run(kept.given(), kept.out, only={"brand": ["Ash"]}, keep=3)
    assert (kept.out / "elm.html").exists() is not mended
    assert any((kept.out / "runs" / name / "elm.html").exists() for name in history.earlier(kept.out)) is not mended


class Cut(Exception):
    """The end of a run in mid-step."""


@pytest.mark.parametrize("step", [2, *(pytest.param(step, marks=pytest.mark.slow) for step in (0, 1, *range(3, 12)))])
def test_a_crash_leaves_a_shelf_that_says_what_is_there(kept, monkeypatch, step):
    """One answer is late, the kept runs have to go: until the shelf says so they are there, then no new file is."""
    kept.run(title="Kept 2")
    before, names = (kept.out / "summary.csv").read_bytes(), history.earlier(kept.out)
    kept.late(LATE[1][1])
    put, left = os.replace, [step]

    def replace_some(source: str, target: str) -> None:
        if Path(target).parent in (kept.out, kept.out / "runs"):
            left[0] -= 1
            if left[0] < 0:
                raise Cut
        put(source, target)

    monkeypatch.setattr(os, "replace", replace_some)
    with suppress(Cut):
        kept.run(title="Kept 3")
    monkeypatch.setattr(os, "replace", put)
    index, there = (kept.out / "index.html").read_text("utf-8"), history.earlier(kept.out)
    manifest = json.loads((kept.out / "manifest.json").read_text())
    assert all(f"runs/{name}/" in index for name in there) or "being brought up to date" in index
    assert all((kept.out / link).exists() for link in re.findall(r'href="(runs/[^"]*)"', index))
    new = (kept.out / "summary.csv").read_bytes() != before
    assert not (new and there)
    assert new <= (set(names) <= set(manifest["withdrawn"]))
    kept.run(title="Kept 4")
    assert not set(names) & set(history.earlier(kept.out))
    assert set(names) <= set(json.loads((kept.out / "manifest.json").read_text())["withdrawn"])


def test_withdrawn_answers_withdraw_every_kept_run(kept):
    kept.run(title="Kept 2")
    kept.run(title="Kept 3")
    assert len(history.earlier(kept.out)) == 2
    kept.rows = kept.rows[1:]
    gone = kept.run(title="Kept 4", keep=0)["withdrawn"]
    assert (history.earlier(kept.out), len(gone)) == ([], 2)
    assert {path.stem for path in (kept.work / "releases").glob("*T*")} == {"2026-11-08T060000Z"}


SETTINGS = [{"where": {"channel": ["x"]}}, {"segments": []}, {"rules": {"hide_below": 12, "judge_from": 30}},
            {"roles": {"weight": "w"}}]  # fmt: skip


@pytest.mark.parametrize("other", [*SETTINGS[:2], *(pytest.param(one, marks=pytest.mark.slow) for one in SETTINGS[2:])],
                         ids=str)  # fmt: skip
def test_other_settings_make_all_anew_and_withdraw_every_kept_run(kept, other):
    kept.rows["w"] = 1.0
    kept.run(title="Kept again")
    assert history.earlier(kept.out)
    kept.run(**other)
    assert len(kept.carrier.carried) == 4
    assert history.earlier(kept.out) == []


@pytest.mark.parametrize("other", [*SETTINGS[2:], *(pytest.param(one, marks=pytest.mark.slow) for one in SETTINGS[:2])],
                         ids=str)  # fmt: skip
def test_some_pages_alone_are_not_made_under_other_settings(kept, other):
    """Of the command, so that status and words are those that a scheduler gets."""
    kept.rows["w"] = 1.0
    before = {path: path.read_bytes() for path in kept.out.rglob("*") if path.is_file()}
    given = ["run", kept.given(**other), "--out", kept.out, "--only", "brand=Ash"]
    done = subprocess.run([sys.executable, "-m", "cxkit", *map(str, given)], capture_output=True, text=True)
    words = f"cxkit: --only: {kept.out} was made with another filter, other segments, limits or mapping; "
    words += "its other pages would tell of other answers: run without --only\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", words)
    assert {path: path.read_bytes() for path in kept.out.rglob("*") if path.is_file()} == before
    with pytest.raises(CxError, match="--only"):
        cx.run(kept.folder / "kept.yaml", kept.out, only={"brand": ["Ash"]})
    kept.given()
    states = cx.run(kept.folder / "kept.yaml", kept.out, only={"brand": ["Ash"]})["jobs"]
    assert {job["status"] for job in states} <= {"unchanged", "skipped", "done"}


def test_a_run_without_its_record_is_withdrawn(kept):
    for path in (kept.work / "releases").glob("*T*"):
        path.unlink()
    assert kept.run(title="Kept again")["withdrawn"]
    assert history.earlier(kept.out) == []


def test_a_page_of_earlier_answers_is_not_left_beside_a_new_summary(kept):
    kept.late(LATE[1][1])
    made = Carrier.submit
    frame = kept.out / "ash.html"
    assert frame.exists()
    Carrier.submit = lambda self, function, job, folder, engine: (
        1 / 0 if job.name == "ash" else made(self, function, job, folder, engine)
    )
    try:
        manifest = kept.run()
    finally:
        Carrier.submit = made
    states = {job["name"]: (job["status"], job["file"]) for job in manifest["jobs"]}
    assert states["ash"] == ("failed", None)
    assert not frame.exists()


def test_a_record_tells_nothing_of_a_hidden_cell(kept):
    kept.late([("2026-10-20", "Ash", "z", 10)] * 3)
    kept.run()
    found = pd.read_parquet(kept.work / history.NEXT).query("hidden")
    assert set(found["channel"]) == {"z", "y"}
    assert found[["answer", "n", "w", "people"]].isna().all().all()
