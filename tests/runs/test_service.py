"""The service report through the product: a page per channel, curves, promises and targets."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import browsing
import numpy as np
import openpyxl
import pandas as pd
import pytest
from bare import bare

from cxkit.sample.write import EXPORTED, sample


@pytest.fixture(scope="module")
def shelf(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("service")


def test_pages_tell_curves_promises_and_targets(shelf: Path) -> None:
    page = (shelf / "phone.html").read_text("utf-8")
    assert re.search(r"First response, September 2026: \d+% within 5.min", page)
    assert 'id="curve-full-resolution' in page
    assert "by region: share that had ended after a time" not in page  # one is hidden: its curve would be the rest
    assert 'id="cohorts-full-resolution' in page
    assert "above" in page[: page.index("How long it takes</h2>")]
    assert re.search(r'href="chat.html">.*?href="social.html">', (shelf / "index.html").read_text("utf-8"), re.DOTALL)


def test_tickets_are_called_tickets(shelf: Path) -> None:
    """Also in tables of shares, definitions and remarks: nobody has answered anything."""
    page, data, every = (text(shelf / f"{name}.html") for name in ("phone", "data", "overview"))
    assert "share of “yes” among all tickets" in page
    assert "Tickets count like fewer after weights" in page
    assert re.search(r"channels with \d+ effective tickets or more", every)
    assert "first_response: some tickets are refused against the mapping" in data
    assert not re.search(r"among all answers|Answers count|\d answers or more|answers are refused", page + data + every)


def test_no_score_is_bare(shelf: Path) -> None:
    assert {page.name: found for page in shelf.glob("*.html") if (found := bare(page.read_text("utf-8")))} == {}
    page = (shelf / "phone.html").read_text("utf-8")
    taken = re.sub(r"(<td[^>]*>\d+%) <small>\d+% to \d+%</small>", r"\1", page, count=1)
    assert taken != page
    assert any("curve: no interval" in fault for fault in bare(taken))


@browsing.needs_chromium
@browsing.needs_axe
def test_axe_finds_nothing(shelf: Path) -> None:
    with browsing.browser() as opened, browsing.looking(opened, shelf / "phone.html") as (tab, seen):
        tab.evaluate(browsing.AXE.read_text("utf-8"))
        assert [one["help"] for one in tab.evaluate("axe.run()")["violations"]] == []
        assert len(seen.requests) == 1


@pytest.fixture(scope="module")
def experience(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("experience")


@pytest.fixture(scope="module")
def silent(shelf_of: Callable[..., Path]) -> Path:
    return shelf_of("silent")


def text(page: Path) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))))


def test_answers_are_told_beside_the_time_to_the_first_reply(experience: Path) -> None:
    page = text(experience / "report.html")
    assert re.search(r"CSAT falls along first reply: −\d\.\d percentage points \(−\d.* a step\. Associated with", page)
    assert "NPS: no evidence that it goes with first reply" in page
    assert "Inside each channel: −" in page
    assert re.search(r"60 min or more [−-]\d+\.\d pp .{0,80}▼ lower than the rest", page)
    assert "tickets: responses that found a row 14,243 of 59,579 (23.9 %)" in text(experience / "data.html")


def test_silent_tickets_waited_longer(silent: Path) -> None:
    """The medians are those of pandas over the tickets of the year; the planted factor is 1.3."""
    frames = sample()
    tickets = frames["tickets"].assign(answered=lambda t: t["ticket"].isin(frames["responses"]["ticket"].dropna()))
    tickets = tickets[tickets["opened"].dt.tz_convert("Europe/Berlin") >= "2025-11-01"]
    seen = tickets["solved"].fillna(EXPORTED.tz_convert("UTC"))
    hours = (seen - tickets["opened"]).dt.total_seconds() / 3600
    expected = hours.groupby(tickets["answered"]).median()  # fewer than half are open: their times change no median
    assert expected[False] > 1.2 * expected[True]
    page = text(silent / "report.html")
    score = r"(\S+) \S+ to \S+"
    told = re.search(
        rf"Full resolution base .*? Score \(h\) {score} {score} ▼ lower \(better\) {score} ▲ higher \(worse\)", page
    )
    assert told
    summary = pd.read_csv(silent / "summary.csv")
    (weighted,) = summary[summary["part"] == "weighted"].to_dict("records")
    assert f"CSAT would be {weighted['value']:.1f}% (" in page
    assert f"instead of {weighted['unweighted']:.1f}%: −{-weighted['difference']:.2f} percentage points" in page
    assert "Weighting corrects only what channel, first reply and opened again explain" in page
    book = openpyxl.load_workbook(silent / "summary.xlsx")
    assert [row[3] for row in book["Weighted for the silent"].iter_rows(min_row=2, values_only=True)] == [
        weighted["unweighted"]
    ]
    assert [float(one) for one in told.groups()[1:]] == pytest.approx([expected[True], expected[False]], rel=0.02)


@browsing.needs_chromium
@browsing.needs_axe
def test_axe_finds_nothing_on_joined_pages(experience: Path, silent: Path) -> None:
    with browsing.browser() as opened:
        for page in (experience / "report.html", experience / "data.html", silent / "report.html"):
            assert bare(page.read_text("utf-8")) == []
            with browsing.looking(opened, page) as (tab, _):
                tab.evaluate(browsing.AXE.read_text("utf-8"))
                assert [one["help"] for one in tab.evaluate("axe.run()")["violations"]] == []


def test_the_backlog_is_what_was_open_when_a_month_began(shelf_of: Callable[..., Path]) -> None:
    """Counted by pandas: of 293 tickets that were open on 1 October 18 were solved in it, none of the old ones."""
    start, end = pd.Timestamp("2026-10-01", tz="Europe/Berlin"), pd.Timestamp("2026-11-01", tz="Europe/Berlin")
    tickets = sample()["tickets"]
    held = tickets[(tickets["opened"] < start) & ~(tickets["solved"] < start)]
    old = start - held["opened"] >= pd.Timedelta("31D")
    assert (len(held), (held["solved"] < end).sum()) == (293, 18)
    shelf = shelf_of("backlog")
    page = text(shelf / "report.html")
    assert "Solved within the month is 6.1%" in page
    assert "n 293" in page
    assert f"31 or more: {100 * (held[old]['solved'] < end).mean():.2f}%" in page
    assert f"n {old.sum()}" in page
    assert "How long it takes: not shown, no duration is among the metrics." in page


DESK = browsing.ROOT.parent / "shared" / "data" / "servicedesk"


@pytest.mark.skipif(not DESK.exists(), reason="the log of the service desk is not on this machine")
def test_a_real_log_of_events_is_folded(shelf_of: Callable[..., Path]) -> None:
    """890 incidents of 5,998 events; shares and the median of pandas, in which open ones are none the wiser."""
    log = pd.read_csv(DESK / "incident_event_log.csv", dtype="str")
    last = (
        log.assign(step=log["sys_mod_count"].astype(int)).sort_values("step", kind="stable").groupby("number").tail(1)
    )
    opened, resolved = (pd.to_datetime(last[c], format="%d-%m-%Y %H:%M", errors="coerce")
                        for c in ("opened_at", "resolved_at"))  # fmt: skip
    kept = (resolved - opened <= pd.Timedelta("7D")) & (last["reopen_count"] == "0")
    shelf = shelf_of("servicedesk", "--set", f"data={DESK}")
    page = text(shelf / "report.html")
    assert len(last) == 890
    assert f"Resolved in 7 days, not reopened {100 * kept.mean():.1f}%" in page
    assert f"Within the service level {100 * last['made_sla'].eq('TRUE').mean():.1f}%" in page
    assert f"Reopened {100 * last['reopen_count'].ne('0').mean():.2f}%" in page
    assert "It is below the target of 80." in page
    hours = (resolved - opened).dt.total_seconds() / 3600
    told = re.search(r"Full resolution (\d+) h (\d+) to (\d+) n 890", page)
    assert told
    assert float(told[1]) == pytest.approx(hours.fillna(np.inf).median(), rel=0.05)
