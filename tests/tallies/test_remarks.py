"""What is odd about a column as a whole is told: each of these once stood on a page as a wrong number, "fine"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import cxkit as cx
from cxkit.schema import REMARKS, accepting, remarked
from cxkit.tallies.audit import audit
from cxkit.tallies.remarks import listed

MAPPING: dict[str, Any] = {
    "kind": "transactional",
    "columns": {"respondent": "who", "time": "at"},
    "items": {"nps": "score", "csat": "happy", "ces": "easy"},
    "dimensions": {"brand": "brand"},
}


def export(n: int = 1200, seed: int = 1, start: str = "2026-01-01", days: int = 300) -> pd.DataFrame:
    """A right export: three questions that go together, people who come twice, all ends of all scales in use."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n)
    place = np.clip(0.62 + 0.22 * mood[:, None] + rng.normal(0, 0.2, (n, 3)), 0, 1)
    when = pd.Timestamp(start) + pd.to_timedelta(np.sort(rng.integers(0, days * 86_400, n)), unit="s")
    return pd.DataFrame(
        {
            "who": [f"c{i}" for i in rng.integers(0, n // 2, n)],
            "at": when.strftime("%Y-%m-%d %H:%M:%S"),
            "score": np.rint(10 * place[:, 0]).astype(int).astype(str),
            "happy": np.rint(1 + 4 * place[:, 1]).astype(int).astype(str),
            "easy": np.rint(1 + 6 * place[:, 2]).astype(int).astype(str),
            "brand": rng.choice(["A", "B", "C"], n),
        }
    )


def remarks(frame: pd.DataFrame, mapping: dict[str, Any] = MAPPING, **asked: Any) -> dict[str, list[dict[str, Any]]]:
    survey = cx.read(frame, mapping)
    metrics = asked.pop("metrics", [name for name in ("nps", "csat", "ces") if name in survey.metrics])
    tallies = cx.tally(survey, metrics, by=["brand"], **asked)
    return listed(audit(survey, tallies, where=asked.get("where"))["remarks"])


def codes(found: dict[str, list[dict[str, Any]]], *weights: str) -> list[tuple[str, str]]:
    return [(row["code"], row["about"]) for weight in weights or ("stop", "look") for row in found[weight]]


def test_of_a_right_export_nothing_is_said() -> None:
    assert codes(remarks(export()), "stop", "look", "record") == []


def shrunk(frame: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """The same answers on 1-5 from some row on, as after a change of the tool."""
    fifth = (1 + frame["score"].astype(int) * 4 / 10).round().astype(int).astype(str)
    return frame.assign(score=frame["score"].mask(rows, fifth))


@pytest.mark.parametrize(("period", "cut"), [("month", 1130), ("year", 700)])
def test_a_scale_that_changes_stops(period: str, cut: int) -> None:
    """Wrong by 60 points before: tested, "decreased, p < .001", and every check held."""
    frame = export()
    rows = np.arange(len(frame)) >= cut
    survey = cx.read(shrunk(frame, rows), MAPPING)
    wrong, right = (cx.nps([int(s) for s in one["score"][rows]]).value for one in (shrunk(frame, rows), frame))
    assert wrong == -100
    assert right > -40
    assert len(survey.refused) == 0
    (stop,) = remarks(shrunk(frame, rows), period=period)["stop"]
    assert (stop["code"], stop["about"], stop["more"]) == ("scale changed", "nps", "1-5")
    day = frame["at"][cut][:10]
    assert stop["found"][5:15] >= day  # from the day of the change on, or the next one
    accepted = MAPPING | {"accept": {"nps": "scale changed"}}
    found = remarks(shrunk(frame, rows), accepted, period=period)
    assert codes(found, "stop") == []
    assert ("scale changed", "nps") in codes(found, "record")


def test_a_scale_that_changes_between_waves_or_places() -> None:
    frame = export()
    waves = {**MAPPING, "columns": {"respondent": "who", "wave": "wave"}}
    frame["wave"] = np.where(np.arange(len(frame)) < 600, "2025", "2026")
    found = remarks(shrunk(frame, frame["wave"] == "2026"), waves, period="wave")
    assert ("scale changed", "nps") in codes(found, "stop")
    (stop,) = remarks(shrunk(frame, frame["brand"] == "B"))["stop"]
    assert (stop["code"], stop["cut"], stop["level"], stop["more"]) == ("scale differs", "brand", "B", "1-5")
    assert codes(remarks(shrunk(frame, frame["brand"] == "B"), where={"brand": ["A", "C"]})) == []
    poor = frame.assign(
        score=frame["score"].mask(frame["brand"] == "B", pd.Series(np.arange(1200) % 7 % 5).astype(str))
    )
    found = remarks(poor.assign(score=poor["score"].mask(poor["score"] == "4", "0")))  # a place that nobody likes
    assert codes(found, "stop") == []
    assert ("scale may differ", "nps") in codes(found, "look")


def test_an_item_that_never_reaches_an_end_of_its_scale() -> None:
    """Effort 1-5 read as 1-7: the mean was out of seven, and "found it easy" lost those who said four."""
    frame = export()
    frame["easy"] = (1 + (frame["easy"].astype(int) - 1) * 4 / 6).round().astype(int).astype(str)
    (look,) = remarks(frame)["look"]
    assert (look["code"], look["about"], look["found"], look["more"]) == ("end not reached", "ces", "7", "5")
    assert remarked(look).startswith("ces: nobody says 7, and many say 5")
    turned = MAPPING | {"items": MAPPING["items"] | {"ces": {"column": "easy", "reversed": True}}}
    assert [row for row in remarks(frame, turned)["look"] if row["code"] == "end not reached"] == [look]


def test_an_item_that_runs_against_the_others() -> None:
    frame = export()
    turned = frame.assign(happy=(6 - frame["happy"].astype(int)).astype(str))
    assert codes(remarks(turned)) == [("runs against", "csat")]
    mended = MAPPING | {"items": MAPPING["items"] | {"csat": {"column": "happy", "reversed": True}}}
    assert codes(remarks(turned, mended)) == []
    late = frame.assign(happy=frame["happy"].where(frame.index < 900, turned["happy"]))  # since the autumn only
    found = remarks(late)["look"]
    assert {(row["code"], row["about"]) for row in found} == {("runs against", "csat")}
    assert {row["found"] for row in found} <= {"2026-08", "2026-09", "2026-10"}


def test_a_respondent_that_stands_for_nobody() -> None:
    frame = export()
    frame.loc[::3, "who"] = "anonymous"
    (look,) = remarks(frame)["look"]
    assert (look["code"], look["n"], look["of"]) == ("one respondent", 400, 1200)


@pytest.mark.parametrize("other", ["{}.0", "C{}"])
def test_ids_that_differ_by_their_writing_only(other: str) -> None:
    frame = export()
    frame["who"] = [i.removeprefix("c") for i in frame["who"]] if ".0" in other else frame["who"]
    late = frame.index >= 800
    frame.loc[late, "who"] = [other.format(i.removeprefix("c")) for i in frame["who"][late]]
    both = len({i.strip("Cc").removesuffix(".0") for i in frame["who"][late]}
               & {i.strip("Cc") for i in frame["who"][~late]})  # fmt: skip
    (look,) = remarks(frame)["look"]
    assert (look["code"], look["about"], look["n"]) == ("ids alike", "respondent", both)


def test_levels_that_look_alike_or_stand_for_nothing() -> None:
    frame = export()
    frame["brand"] = np.tile(["Caf\u00e9", "Cafe\u0301", "Bar", "bar ", "N/A", "Inn"], 200)
    found = {row["code"]: row for row in remarks(frame)["look"]}
    assert sorted(found) == ["levels alike", "stands for nothing"]
    assert found["levels alike"]["found"] == "'Bar' / 'bar', 'Cafe\u0301' / 'Caf\u00e9'"
    assert found["stands for nothing"]["found"] == "'N/A'"


@pytest.mark.parametrize(("clock", "named"), [(True, True), (False, False)])
def test_files_that_overlap_without_ids(clock: bool, named: bool) -> None:
    frame = export(2400)
    frame["at"] = frame["at"] if clock else frame["at"].str[:10]
    roles = MAPPING["columns"] if named else {"time": "at"}
    mapping = MAPPING | {"columns": roles}
    assert codes(remarks(frame, mapping)) == []
    march = frame[frame["at"].str[:7] == "2026-03"]
    (look,) = remarks(pd.concat([frame, march]), mapping)["look"]
    assert (look["code"], look["found"]) == ("rows repeat", "2026-03-01 to 2026-03-31")
    assert len(march) <= look["n"] < len(march) + 10  # on one day a few are equal by chance


def test_answers_that_are_lost_stop_and_blanks_do_not() -> None:
    frame = export()
    words = {"9": "Promoter", "10": "Promoter", "8": "Passive", "7": "Passive"}
    (stop,) = remarks(frame.assign(score=frame["score"].replace(words)))["stop"]
    n = int(frame["score"].isin(words).sum())
    assert (stop["code"], stop["about"], stop["n"], stop["of"]) == ("answers lost", "nps", n, 1200)
    assert stop["more"] in ("labels: {'Promoter': ..., 'Passive': ...}", "labels: {'Passive': ..., 'Promoter': ...}")
    assert accepting(stop) == f"accept: {{nps: {-(-n // 12) / 100:g}}}"
    declared = MAPPING | {"items": MAPPING["items"] | {"nps": {"column": "score", "missing": {99: "refused"}}}}
    for missing in ("", "99"):
        blank = frame.assign(score=frame["score"].replace(dict.fromkeys(words, missing)))
        assert not [code for code, _ in codes(remarks(blank, declared)) if "lost" in code]
    few = frame.assign(score=frame["score"].where(frame.index % 11 > 0, "11"))  # a little less than a tenth
    assert codes(remarks(few), "stop", "look", "record") == [("answers lost", "nps")]
    assert codes(remarks(few), "stop") == []
    part = MAPPING | {"accept": {"nps": round(n / 1200 - 0.02, 2)}}
    assert codes(remarks(frame.assign(score=frame["score"].replace(words)), part), "stop") == [("answers lost", "nps")]


def test_answers_that_are_lost_lately_or_in_one_place() -> None:
    frame = export(days=290)
    late = frame.assign(happy=frame["happy"].where((frame.index < 1130) | (frame.index % 3 > 0), "9"))
    found = remarks(late)
    assert [(row["code"], row["found"]) for row in found["stop"]] == [("lost in a period", "2026-10")]
    place = (frame["brand"] == "B") & (frame["at"].str[:7] == "2026-10")
    found = remarks(frame.assign(happy=frame["happy"].where(~place, "good")))
    assert ("B", int(place.sum())) in [(row["level"], row["n"]) for row in found["look"]]


def test_shares_count_what_was_lost_at_any_stage() -> None:
    frame = export(600)
    frame.loc[::2, "at"] = "yesterday"
    survey = cx.read(frame, MAPPING)
    found = audit(survey, cx.tally(survey, ["nps"]))
    nps = found["answers"].set_index("item").loc["nps"]
    assert (nps["rows"], nps["used"], nps["refused"], nps["share"]) == (600, 300, 300, 50)
    assert codes(listed(found["remarks"]), "stop") == [("rows lost", "rows")]
    blank = frame.assign(at=frame["at"].replace("yesterday", ""))
    assert codes(remarks(blank)) == [("rows blank", "rows")]


def test_a_metric_that_used_nothing() -> None:
    found = remarks(export().assign(happy=""))
    assert codes(found, "stop") == [("nothing used", "csat")]
    gone = export()
    gone["happy"] = gone["happy"].where(gone["at"] < "2026-10", "")
    assert codes(remarks(gone)) == [("none now", "csat")]


def test_an_id_that_is_none_of_a_response() -> None:
    """A brand as the id of a response: three rows were used of 1,200, and 100 % of them."""
    frame = export()
    mapping = MAPPING | {"columns": {"response": "brand", "time": "at"}}
    found = remarks(frame, mapping)
    assert codes(found, "stop") == [("ids repeat", "response")]
    mapping = MAPPING | {"columns": {"response": "id", "time": "at"}}
    ids = frame.assign(id=[f"r{i}" for i in range(len(frame))])
    assert codes(remarks(pd.concat([ids, ids[:500]]), mapping)) == []  # files that overlap, and ids that say so


def test_what_is_accepted_is_checked() -> None:
    for accept, words in (
        ({"npss": 0.4}, "accept.npss: is no item, dimension or role; did you mean 'nps'?"),
        ({"nps": 4}, "expected a share above 0 and up to 1, found 4"),
        ({"nps": "scale change"}, "'scale change' is no remark; did you mean 'scale changed'?"),
    ):
        with pytest.raises(cx.CxError, match=".*".join(words.split("?")[0].split("(")[:1])):
            cx.read(export(60), MAPPING | {"accept": accept})


# Of each fault that is put into a right export: its remarks, one of which has to be there.
FAULTS: dict[str, set[str]] = {
    "scale late": {"scale changed"}, "scale of a brand": {"scale differs", "scale may differ"},
    "words": {"answers lost"}, "codes": {"answers lost"}, "dates": {"rows lost"}, "anonymous": {"one respondent"},
    "copies": {"rows repeat"}, "level": {"stands for nothing"}, "turned": {"runs against"},
    "short": {"end not reached", "scale changed", "scale differs"},
}  # fmt: skip


def spoiled(frame: pd.DataFrame, fault: str, rng: np.random.Generator) -> pd.DataFrame:
    n, frame = len(frame), frame.copy()
    some = rng.random(n) < rng.uniform(0.2, 0.6)
    if fault == "scale late":
        return shrunk(frame, np.arange(n) >= rng.integers(n // 5, n - n // 5))
    if fault == "scale of a brand":
        return shrunk(frame, frame["brand"] == rng.choice(["A", "B", "C"]))
    if fault in ("words", "codes"):
        item = rng.choice(["score", "happy", "easy"])
        frame.loc[some, item] = rng.choice(["Sehr gut", "n.b."] if fault == "words" else ["-9", "998"])
    if fault == "dates":
        frame.loc[some, "at"] = rng.choice(["31.12.26", "soon", "2026-13-01"])
    if fault == "anonymous":
        frame.loc[some, "who"] = rng.choice(["anonymous", "0", "-"])
    if fault == "copies":
        frame = pd.concat([frame, frame[some]], ignore_index=True)
    if fault == "level":
        frame.loc[some, "brand"] = rng.choice(["NA", "null", "n/a", "None"])
    if fault == "turned":
        frame["easy"] = (8 - frame["easy"].astype(int)).astype(str)
    if fault == "short":
        frame["easy"] = (1 + (frame["easy"].astype(int) - 1) * 4 / 6).round().astype(int).astype(str)
    return frame


def fuzz(fault: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = spoiled(export(int(rng.integers(600, 3000)), seed, days=int(rng.integers(60, 700))), fault, rng)
    period = str(rng.choice(["month", "quarter", "year"]))
    if fault == "dates" and "31.12.26" in set(frame["at"]):  # a form that may be another one is asked about
        with pytest.raises(cx.CxError, match="declare time_format"):
            remarks(frame, period=period)
        return
    found = remarks(frame, period=period)
    assert FAULTS[fault] & {code for code, _ in codes(found)}, (fault, seed)
    assert all(remarked(row) and REMARKS[row["code"]] for rows in found.values() for row in rows)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_no_fault_is_without_its_remark(fault: str) -> None:
    fuzz(fault, 1)


@pytest.mark.slow
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_no_fault_of_many_is_without_its_remark(fault: str) -> None:
    for seed in range(40):
        fuzz(fault, seed)


@pytest.mark.slow
def test_of_many_right_exports_none_is_stopped() -> None:
    for seed in range(100):
        rng = np.random.default_rng(seed)
        frame = export(int(rng.integers(30, 3000)), seed, days=int(rng.integers(20, 700)))
        assert codes(remarks(frame, period=str(rng.choice(["month", "quarter", "year"])))) == [], seed


@pytest.mark.parametrize("apart", ["channel", "file"])
def test_two_scales_in_the_same_months_stop_where_anything_tells_them_apart(apart: str, tmp_path: Any) -> None:
    """By a dimension that the run does not cut by, or by the file: row by row, so that no day or wave shows it."""
    frame = export()
    frame["channel"] = np.where(np.random.default_rng(3).random(len(frame)) < 0.4, "app", "web")
    mixed = shrunk(frame, frame["channel"] == "app")
    mapping = MAPPING | {"dimensions": MAPPING["dimensions"] | ({"channel": "channel"} if apart == "channel" else {})}
    source: Any = mixed
    if apart == "file":
        for name, rows in mixed.groupby("channel"):
            rows.to_csv(tmp_path / f"{name}.csv", index=False)
        source = {"files": [{"path": str(tmp_path / name)} for name in ("app.csv", "web.csv")]}
    found = remarks(source, mapping)
    (stop,) = found["stop"]
    level = "app" if apart == "channel" else "app.csv"
    assert (stop["code"], stop["cut"], stop["level"], stop["more"]) == ("scale differs", apart, level, "1-5")
    assert codes(found, "look") == []
    assert codes(remarks(source, mapping | {"accept": {"nps": "scale differs"}}), "stop") == []


def test_a_dimension_that_is_made_of_the_answers_is_no_other_scale() -> None:
    frame = export()
    groups = pd.cut(frame["score"].astype(int), [-1, 6, 8, 10], labels=["Detractor", "Passive", "Promoter"])
    mapping = MAPPING | {"dimensions": {"brand": "brand", "kind_of": "group"}}
    assert codes(remarks(frame.assign(group=groups.astype(str)), mapping)) == []


def test_options_of_one_question_do_not_run_against_each_other() -> None:
    frame = export()
    frame["why"] = np.where(np.arange(len(frame)) % 2, "Price", "Service")
    items = {"why": {"column": "why", "several": ";", "options": ["Price", "Service"]}}
    survey = cx.read(frame, MAPPING | {"items": items})
    found = listed(audit(survey, cx.tally(survey, ["why"], by=["brand"]))["remarks"])
    assert codes(found) == []


@pytest.mark.parametrize("total", ["England", None])
def test_a_level_that_is_the_total_of_the_others_stops(total: str | None) -> None:
    """Tables of the NHS hold their total as a row, by which each answer was counted twice."""
    rows = [(place, score, n + 7 * score) for place, n in (("A", 40), ("B", 11), ("C", 23)) for score in (2, 7, 9, 10)]
    frame = pd.DataFrame(rows, columns=["place", "score", "n"])
    if total:
        frame = pd.concat([frame, frame.groupby("score", as_index=False)["n"].sum().assign(place=total)])
    mapping = {"kind": "transactional", "columns": {"count": "n", "wave": "wave"}, "items": {"nps": "score"},
               "dimensions": {"brand": "place"}}  # fmt: skip
    survey = cx.read(frame.assign(wave="1"), mapping)
    found = listed(audit(survey, cx.tally(survey, ["nps"], by=["brand"], period="wave"))["remarks"])
    assert [(row["code"], row["level"], row["n"]) for row in found["stop"]] == (
        [("level is a total", "England", 884)] if total else []
    )
