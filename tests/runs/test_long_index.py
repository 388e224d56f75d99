"""A long index: found, filtered and sorted by one script that its hash allows, and whole without it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import browsing
import pandas as pd
import pytest
from small import PARAMETERS, write_night, write_notebook

import cxkit as cx
from cxkit.metrics import Metric
from cxkit.runs import pages
from cxkit.runs.params import load
from cxkit.runs.prepare import prepare
from cxkit.show import index

FIRMS = {f"Firm {number:02d}": 9 if number % 8 else 1 for number in range(40)} | {"Süd": 9}
NEW = {"Firm 07": [0] * 80, "Firm 11": [10] * 2}  # the second is hidden, and one beside it


def write_many(folder: Path, number: int = len(FIRMS)) -> Path:
    parameters = write_night(folder, "targets: {nps: 20}\n")
    for name in ("report", "small"):
        write_notebook(folder / "notebooks" / f"{name}.ipynb", "print(now)", parameters=f"{PARAMETERS}targets = {{}}\n")
    rows = ["date,firm,score"]
    for firm, promoters in list(FIRMS.items())[:number]:
        usual = [10] * promoters * 8 + [3] * (10 - promoters) * 8
        months = {"09": usual, "10": NEW.get(firm, usual)}
        rows += [f"2026-{month}-10,{firm},{score}" for month, scores in months.items() for score in scores]
    (folder / "survey.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return parameters


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    cx.run(write_many(folder), folder / "www" / "shelf")
    return folder / "www" / "shelf"


@pytest.fixture(scope="module")
def opened() -> Iterator[Any]:
    with browsing.browser() as chromium:
        yield chromium


def shown(tab: Any) -> list[str]:
    names: list[str] = tab.locator(".cx-shelf tbody tr:not([hidden]) th").all_inner_texts()
    return names


@browsing.needs_chromium
@pytest.mark.parametrize("mode", ["light", "narrow"])
def test_reports_are_found_filtered_and_sorted(opened: Any, shelf: Path, mode: str) -> None:
    tab = opened.new_page(**browsing.MODES[mode])
    seen = browsing.Seen(tab)
    tab.goto((shelf / "index.html").as_uri())
    assert (shown(tab)[0], len(shown(tab))) == ("Firm 07", 41)
    tab.get_by_label("Find").fill("sud")
    assert shown(tab) == ["Süd"]
    assert tab.get_by_role("status").inner_text() == "1 of 41 reports in this table"
    tab.get_by_label("Find").fill("firm")
    tab.get_by_label("Target").select_option("below")
    assert set(shown(tab)) == {"Firm 07", "Firm 08", "Firm 16", "Firm 24", "Firm 32"}
    tab.get_by_role("button", name="Brand").click()
    assert shown(tab) == sorted(shown(tab))
    tab.get_by_label("Change").select_option(label="▼ decreased (1)")
    assert shown(tab) == ["Firm 07"]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (seen.console, seen.dialogs, len(seen.requests)) == ([], [], 1)
    rows = tab.evaluate("[...document.querySelectorAll('.cx-shelf tbody tr')].map(row => row.offsetHeight)")
    assert mode == "light" or max(rows) <= 60
    tab.close()


@browsing.needs_chromium
def test_without_a_script_everything_is_there(opened: Any, shelf: Path) -> None:
    context = opened.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((shelf / "index.html").as_uri())
    assert tab.locator(".cx-shelf tbody th a").count() == 41
    assert tab.locator(".cx-find, .cx-sort").count() == 0
    context.close()


@browsing.needs_chromium
@browsing.needs_axe
@pytest.mark.parametrize("mode", list(browsing.MODES))
def test_axe_finds_nothing(opened: Any, shelf: Path, mode: str) -> None:
    with browsing.looking(opened, shelf / "index.html", mode) as (tab, _):
        tab.evaluate(browsing.AXE.read_text("utf-8"))
        assert [one["help"] for one in tab.evaluate("axe.run()")["violations"]] == []


@browsing.needs_validator
def test_the_index_is_valid_html(shelf: Path) -> None:
    assert browsing.validity([shelf / "index.html"]) == []


def test_one_script_is_allowed_by_its_hash_and_pages_have_none(shelf: Path) -> None:
    page = (shelf / "index.html").read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}'; style-src" in page
    assert not [path.name for path in shelf.glob("firm-*.html") if "<script" in path.read_text("utf-8")]


def test_above_a_number_the_index_is_pages_and_the_first_names_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "AT_ONCE", 4)
    out = tmp_path / "www" / "shelf"
    cx.run(write_many(tmp_path, 11), out)
    pages = [(out / index.file_of(number)).read_text("utf-8") for number in range(3)]
    held = [re.findall(r'<th scope="row"><a href="([^"]+)"', page) for page in pages]
    assert [len(one) for one in held] == [4, 4, 3]
    every = {file for one in held for file in one}
    assert len(every) == 11
    named = pages[0][pages[0].index("All 11 reports by name") :]
    assert set(re.findall(r'href="([^"]+)"', named)) >= every
    assert '<b>5 to 8</b> · <a href="index.3.html">9 to 11</a>' in pages[1]
    monkeypatch.undo()
    again = cx.run(tmp_path / "night.yaml", out, force=True)
    assert set(again["files"]) >= {"index.html"}
    assert not (out / "index.2.html").exists()


def test_reports_without_a_score_are_folded(tmp_path: Path) -> None:
    parameters = write_many(tmp_path, 5)
    few = "".join(f"2026-{m}-10,Few {n},9\n" for m in ("09", "10") for n in range(5))
    (tmp_path / "survey.csv").write_text((tmp_path / "survey.csv").read_text("utf-8") + few, encoding="utf-8")
    cx.run(parameters, tmp_path / "www" / "shelf")
    page = (tmp_path / "www" / "shelf" / "index.html").read_text("utf-8")
    folded = page[page.index(" reports without a score</summary>") :]
    assert folded.index('href="few-0.html"') < folded.index("</details>")
    assert page.count('href="few-0.html"') == 1


@browsing.needs_chromium
def test_of_two_dimensions_the_first_makes_groups(opened: Any, tmp_path: Path) -> None:
    """Each with how many of it are named at the head; found by the name of the group, sorted inside it."""
    parameters = write_many(tmp_path)
    text = parameters.read_text("utf-8").replace("{brand: firm}", "{market: market, brand: firm}")
    parameters.write_text(text.replace("[brand]", "[market, brand]"), encoding="utf-8")
    head, *rows = (tmp_path / "survey.csv").read_text("utf-8").splitlines()
    lines = [f"{row},{'South' if row.split(',')[1] in ('Firm 07', 'Firm 09', 'Süd') else 'North'}" for row in rows]
    (tmp_path / "survey.csv").write_text("\n".join([f"{head},market", *lines]) + "\n", encoding="utf-8")
    (page,) = indexed(parameters, tmp_path / "work").values()
    groups = re.findall(
        r'<details open class="cx-group"><summary><b>(?:<bdi>)?(.*?)(?:</bdi>)?</b>(.*?)</summary>', page
    )
    assert groups == [("South", " · 3 reports, 1 to act on"), ("North", " · 38 reports, 4 to act on")]
    assert page.count("How these numbers were made</summary>") == 1
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    tab = opened.new_page(**browsing.MODES["light"])
    tab.goto((tmp_path / "index.html").as_uri())
    tab.get_by_label("Find").fill("south")
    assert shown(tab) == ["South · Firm 07", "South · Firm 09", "South · Süd"]
    assert tab.get_by_role("status").inner_text() == "3 of 41 reports on this page"
    assert tab.locator(".cx-group:not([hidden])").count() == 1
    tab.get_by_label("Find").fill("")
    tab.get_by_role("button", name="NPS").first.click()
    assert shown(tab)[:3] == ["South · Firm 07", "South · Firm 09", "South · Süd"]
    tab.locator(".cx-group > summary").first.click()
    assert tab.get_by_role("link", name="South · Süd").count() == 0
    tab.close()


def indexed(parameters: Path, work: Path) -> dict[str, str]:
    """The index of a run of which no page is made."""
    prepared = prepare(load(parameters), work)
    jobs = [{**job.to_dict(), "status": "done"} for job in prepared.jobs]
    record = {key: getattr(prepared, key) for key in ("name", "title", "as_of", "now", "before", "period")}
    metrics = {data["name"]: Metric.from_dict(data) for data in prepared.metrics}
    return pages.index(pd.read_parquet(prepared.summary), {**record, "jobs": jobs}, metrics)


def test_the_index_says_which_reports_are_new_and_which_are_gone(tmp_path: Path) -> None:
    parameters, out = write_night(tmp_path), tmp_path / "www" / "shelf"
    assert "since" not in cx.run(parameters, out)
    survey = (tmp_path / "survey.csv").read_text("utf-8")
    (tmp_path / "survey.csv").write_text(survey.replace(",B,", ",C,"), encoding="utf-8")
    parameters.write_text(parameters.read_text("utf-8").replace("2026-11-15", "2026-11-16"), encoding="utf-8")
    for force in (False, True):  # made again on the same day it tells the same
        told = cx.run(parameters, out, force=force)["since"]
        assert told == {"as_of": "2026-11-15", "new": ["C"], "gone": ["B"]}
        page = (out / "index.html").read_text("utf-8")
        assert re.sub(r"</?bdi>", "", page).count("since the shelf as of 2026-11-15: 1 new (C) · 1 gone (B).") == 1
    (tmp_path / "survey.csv").write_text(survey.replace(",B,", ",D,"), encoding="utf-8")
    assert cx.run(parameters, out)["since"] == {"as_of": "2026-11-15", "new": ["D"], "gone": ["B"]}
    (tmp_path / "survey.csv").write_text(survey, encoding="utf-8")
    assert cx.run(parameters, out)["since"] == {"as_of": "2026-11-15", "new": [], "gone": []}
