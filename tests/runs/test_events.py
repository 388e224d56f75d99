"""What happened is marked in the trends of its places, said to be declared, and never anywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from small import write_night

import cxkit as cx

EVENTS = """\
events:
  - {period: 2026-10, text: "New <app>"}
  - {period: 2026-09, text: Prices up, where: {brand: [B]}}
  - {period: 2026-10, text: Strike, where: {brand: [B]}}
  - {period: 2020-01, text: Long ago}
"""


def trend(page: Path) -> BeautifulSoup:
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return next(one for one in soup.select("figure") if "95% interval of each period" in one.get_text())


def numbers(figure: BeautifulSoup) -> list[str]:
    return [one.get_text() for one in figure.select("svg text") if one.get_text() in ("1", "2", "3")]


def test_events_stand_on_their_places(tmp_path: Path) -> None:
    night = write_night(tmp_path)
    text = night.read_text(encoding="utf-8").replace("report: notebooks/report.ipynb", "report: notebooks/own.ipynb")
    kit = Path(__file__).parents[2] / "notebooks" / "report.ipynb"
    (tmp_path / "notebooks" / "own.ipynb").write_text(kit.read_text(encoding="utf-8"), encoding="utf-8")
    small = tmp_path / "notebooks" / "small.ipynb"
    small.write_text(small.read_text(encoding="utf-8").replace("segments = []", "segments = []\\nevents = []"), "utf-8")
    night.write_text(text + EVENTS, encoding="utf-8")
    cx.run(night, tmp_path / "www" / "shelf")
    a, b = (trend(tmp_path / "www" / "shelf" / f"{name}.html") for name in "ab")
    assert numbers(a) == ["1"]
    assert "1 2026-10: New <app>. What happened is declared; nothing here tests" in a.get_text()
    assert numbers(b) == ["1", "2"]
    assert "1 2026-09: Prices up. 2 2026-10: New <app>; Strike. What happened" in b.get_text()


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("{period: 2026-13, text: a}", "events.0.period: .*2026-13"),
        ("{period: October, text: a}", "events.0.period: .*October"),
        ("{period: 2026-10, text: a, where: {firm: [A]}}", "events.0.where: 'firm' is not in for_each; expected brand"),
        ("{period: 2026-10, text: a, where: {brand: [C]}}", "events.0.where.brand: no report is of 'C'"),
        ("{period: 2026-10}", "events.0.text: required"),
    ],
)
def test_events_that_cannot_be_are_refused(tmp_path: Path, event: str, told: str) -> None:
    night = write_night(tmp_path, f"events: [{event}]\n")
    for name in ("report", "small"):
        book = tmp_path / "notebooks" / f"{name}.ipynb"
        book.write_text(
            book.read_text(encoding="utf-8").replace("segments = []", "segments = []\\nevents = []"), "utf-8"
        )
    with pytest.raises(cx.CxError, match=told):
        cx.run(night, tmp_path / "www" / "shelf")
