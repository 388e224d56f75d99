"""Small notebooks and parameters for tests of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NIGHT = """\
name: night
title: Night
source: survey.csv
mapping: {kind: transactional, columns: {time: date}, items: {nps: score}, dimensions: {brand: firm}}
metrics: [nps]
as_of: 2026-11-15
for_each: [brand]
"""
PARAMETERS = """\
tallies = ""  # path
where = {}  # place
now = ""
before = ""
title = ""
metrics = []
segments = []
level = 0.95
correction = "holm"
"""


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS, **metadata: Any) -> Path:
    """A notebook of these code cells below a tagged parameters cell (none if None)."""
    tagged = [] if parameters is None else [_cell(parameters, 0, ["parameters"])]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": tagged + [_cell(source, number, []) for number, source in enumerate(cells, 1)],
        "metadata": {"kernelspec": kernel, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _cell(source: str, number: int, tags: list[str]) -> dict[str, Any]:
    kind: dict[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": [], "id": f"c{number}"}
    return {**kind, "metadata": {"tags": tags}, "source": source}


BOOKS = "report: notebooks/report.ipynb\noverview: notebooks/small.ipynb\naudit: notebooks/small.ipynb\n"
ROWS = "".join(f"2026-{m}-10,{firm},{score}\n" for m in ("09", "10") for firm in "AB" for score in (9, 3, 10) * 10)


def write_night(folder: Path, more: str = "") -> Path:
    """A project of two firms with notebooks that print the period; its parameters, and what else they say."""
    (folder / "survey.csv").write_text(f"date,firm,score\n{ROWS}", encoding="utf-8")
    for name in ("report", "small"):
        write_notebook(folder / "notebooks" / f"{name}.ipynb", "print(now)", parameters=PARAMETERS)
    (folder / "night.yaml").write_text(NIGHT + BOOKS + more, encoding="utf-8")
    return folder / "night.yaml"
