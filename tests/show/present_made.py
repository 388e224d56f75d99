"""Synthetic frames in the vocabulary of the kit; intervals are only plausible, nothing here tests a statistic."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd

from cxkit.metrics import METRICS, Metric

SCRIPT = '<script>alert(1)</script> & Söhne "AG"'
OVERRIDE = "\u202egnihton\u202c \u2069 tail"
ENDLESS = "Extraordinarily " * 625  # 10,000 characters
HOSTILE = [
    SCRIPT,
    "x' onmouseover='alert(2)",
    "javascript:alert(3)",
    OVERRIDE,
    ENDLESS,
    "$\\frac{1}{2}$",
    "]]>--><!-- {{ x }}",
    "日本 שלום",
]
BRANDS = ["Acme", "Borealis", "Cormorant", "Dune", "Everline", "Fjord", "Gull (7 answers)", "Hollow (empty)"]
MONTHS = [f"{year}-{month:02d}" for year in (2025, 2026) for month in range(1, 13)][-15:-2]


class Reader(HTMLParser):
    """What a browser reads in markup: its tags, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(text: str) -> str:
    """Words with plain spaces: where lines may end is no matter of the words."""
    return text.replace("\u00a0", " ")


class Words(Reader):
    """What a browser reads, with plain spaces."""

    def __init__(self, markup: str) -> None:
        super().__init__(markup)
        self.text = plain(self.text)


def cells(markup: str) -> list[list[str]]:
    """The text of every cell of the tables, by row."""
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", markup, re.DOTALL)
    return [
        [Words(cell).text.strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.DOTALL)]
        for line in lines
    ]


def estimate(metric: str, period: str, n: float | None, value: float | None, **rest: Any) -> dict[str, Any]:
    """One row of estimates."""
    unit = METRICS[metric].unit
    half = {"points": 148.0, "percent": 90.0, "scale": 3.0, "minutes": 60.0}[unit] / math.sqrt(n) if n else math.nan
    low_end, high_end = METRICS[metric].ends
    row = {
        "metric": metric, "period": period, "n": math.nan if n is None else n, "n_eff": math.nan if n is None else n,
        "value": math.nan if value is None else value, "low": math.nan, "high": math.nan, "level": 0.95,
        "method": {"points": "score interval", "percent": "Wilson interval", "scale": "t interval",
        "minutes": "order statistics"}[unit], "note": "", "reason": "",
    }  # fmt: skip
    if value is not None:
        row |= {"low": max(value - half, low_end), "high": min(value + half * 0.96, high_end)}
    elif n is None:
        row |= {"note": "hidden: fewer than 10 people answered", "reason": "few people"}
    elif n == 0:
        row |= {"note": "no answers", "reason": "no answers"}
    return row | rest


def comparison(metric: str, change: float | None, half: float, verdict: str, **rest: Any) -> dict[str, Any]:
    """One row of comparisons."""
    known = change is not None
    row = {
        "metric": metric, "now": "2026-10", "before": "2026-09", "n": 412.0, "n_before": 398.0, "n_eff": 371.4,
        "n_eff_before": 360.2,
        "change": change if known else math.nan, "low": change - half if known else math.nan,
        "high": change + half if known else math.nan, "pvalue": 0.003 if verdict == "changed" else 0.41,
        "pvalue_adj": 0.021 if verdict == "changed" else 0.82, "family": 8,
        "family_of": "NPS by brand" if metric == "nps" else "all other metrics by brand", "detectable": half * 1.45,
        "verdict": verdict,
        "level": 0.95, "method": "MOVER of score limits, Holm correction", "note": "", "reason": "",
        "reason_side": "",
    }  # fmt: skip
    if verdict == "too few":
        row |= {"pvalue": math.nan, "pvalue_adj": math.nan, "reason": "few answers", "reason_side": "now", "n": 22.0}
        row |= {"n_eff": 22.0}
    return row | rest


def asked(rows: list[dict[str, Any]], named: dict[str, float] | None = None, p: float = 0.4) -> list[dict[str, Any]]:
    """Parts of which somebody asked whether they changed differently; those that are named with a shrunken change."""
    differ = p < 0.05
    made = []
    for row in rows:
        own = next((value for value in row.values() if isinstance(value, str) and value in (named or {})), None)
        size = (named or {}).get(own or "", math.nan)
        test = {"alike_q": 12.3, "alike_df": 4.0, "alike_pvalue": p, "alike_pvalue_adj": p, "alike_detectable": 21.0,
                "alike_verdict": "differently" if differ else "no evidence", "named": own is not None}  # fmt: skip
        limits = {"named_low": size - 14, "named_high": size + 14, "named_level": 0.99 if own else math.nan}
        made.append({**row, **test, "named_change": size, **limits})
    return made


def distribution(metric: Metric, period: str, n: int, shares: list[float], **rest: Any) -> list[dict[str, Any]]:
    """The rows of one place and period."""
    group = {answer: label for label, answers in metric.classes.items() for answer in answers}
    codes = sorted(group)
    total = sum(shares)
    return [
        {"metric": metric.name, "period": period, **rest, "answer": code, "group": group[code],
         "n": round(n * share / total),
         "share": 100 * share / total}
        for code, share in zip(codes, shares, strict=True)
    ]  # fmt: skip


NPS_SHARES = [2, 1, 1, 2, 2, 6, 7, 14, 22, 20, 23]


def headline_frame() -> pd.DataFrame:
    return pd.DataFrame([
        estimate("nps", "2026-10", 412.0, 42.3, brand="Acme", n_eff=371.4),
        estimate("csat", "2026-10", 388.0, 81.2, brand="Acme"),
        estimate("ces", "2026-10", 42.0, 5.31, brand="Acme"),
    ])  # fmt: skip


def headline_changes_frame() -> pd.DataFrame:
    return pd.DataFrame([
        comparison("nps", 8.1, 6.2, "changed", brand="Acme"),
        comparison("csat", -1.3, 3.4, "no evidence", brand="Acme", method="Newcombe, Holm correction"),
        comparison("ces", None, 0.2, "too few", brand="Acme", method="Welch's t test, Holm correction"),
    ])  # fmt: skip


def months_frame() -> pd.DataFrame:
    values = 34 + 8 * np.sin(np.arange(len(MONTHS)) / 2.2)
    rows = [
        estimate("nps", m, 300 + 17 * i, float(v), brand="Acme")
        for i, (m, v) in enumerate(zip(MONTHS, values, strict=True))
    ]
    rows[4] = estimate("nps", MONTHS[4], 0, None, brand="Acme")
    rows[7] = estimate("nps", MONTHS[7], 24, 31.0, brand="Acme")
    return pd.DataFrame(rows)


def segment_frames(
    levels: list[str], dimension: str = "area", metric: str = "nps"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimates and comparisons of the levels of a dimension, with a small, a hidden and an empty one at the end."""
    estimates = [estimate(metric, "2026-10", 2412.0, 36.2, brand="Acme", **{dimension: None})]
    comparisons = []
    for i, level in enumerate(levels):
        place = {"brand": "Acme", dimension: level}
        kind = len(levels) - i
        n = {3: 22.0, 2: None, 1: 0.0}.get(kind, 90.0 + 61 * (i * 7 % 11)) if len(levels) > 3 else 200.0 + i
        value = None if not n else 36 + 28 * math.sin(1.7 * i)
        estimates.append(estimate(metric, "2026-10", n, value, **place))
        verdict = "too few" if not n or n < 30 else "changed" if i % 5 == 1 else "no evidence"
        change = None if verdict == "too few" else 14 * math.cos(1.3 * i) + (9 if verdict == "changed" else 0)
        extra = {"pvalue": 0.011, "pvalue_adj": 0.075} if i == 3 else {}
        if not n:
            note = "hidden: fewer than 10 people answered" if n is None else "no answers"
            extra |= {"note": note, "reason": "few people" if n is None else "no answers"}
        comparisons.append(comparison(metric, change, 11.0, verdict, **place, **extra))
    return pd.DataFrame(estimates), pd.DataFrame(comparisons)


def answers_frame() -> pd.DataFrame:
    rows = []
    for i, month in enumerate(MONTHS[-6:]):
        rows += distribution(
            METRICS["nps"], month, 400, [s + (i if k > 8 else 0) for k, s in enumerate(NPS_SHARES)], brand="Acme"
        )
    return pd.DataFrame(rows)


def grid_frame() -> pd.DataFrame:
    rows = []
    for i, area in enumerate("ABCDEF"):
        for j, channel in enumerate(["phone", "chat", "e-mail", "store", "web"]):
            k = i * 5 + j
            n = None if k == 7 else 0.0 if k == 11 else 24.0 if k == 16 else 60.0 + 13 * (k % 9)
            rows.append(
                estimate(
                    "nps", "2026-10", n, 30 + 40 * math.sin(k) if n else None, brand="Acme", area=area, channel=channel
                )
            )
    return pd.DataFrame(rows)


def refused_frame() -> pd.DataFrame:
    return pd.DataFrame([
        {"item": "nps", "reason": "declared missing: 11 (blank)", "n": 84}, {"item": "nps",
         "reason": "outside 0-10: 12", "n": 3},
        {"item": "csat", "reason": "empty", "n": 1},
    ])  # fmt: skip


def manifest_of(brands: list[str]) -> dict[str, Any]:
    jobs = [
        {"name": f"b{i}", "title": brand, "kind": "report", "where": {"brand": brand}, "status": "done",
         "file": f"b{i}.html",
         "sha256": "0" * 64, "seconds": 0.4, "error": None, "why": None}
        for i, brand in enumerate(brands)
    ]  # fmt: skip
    blank = {"file": None, "sha256": None, "seconds": None, "error": None, "why": None, "kind": "report"}
    overview = {
        "name": "overview",
        "title": "All brands",
        "kind": "overview",
        "file": "overview.html",
        "status": "done",
    }
    jobs.append({**blank, **overview, "where": {}})
    jobs.append(
        {
            **blank,
            "name": "s",
            "title": "Skipped & Co",
            "where": {"brand": "S"},
            "status": "skipped",
            "why": "not in the data",
        }
    )
    jobs.append(
        {
            **blank,
            "name": "f",
            "title": "Failed",
            "where": {"brand": "F"},
            "status": "failed",
            "error": "cell 4: KeyError: 'x'",
        }
    )
    return {
        "name": "demo", "title": "Demo run", "as_of": "2026-11-22", "now": "2026-10", "before": "2026-09",
        "period": "month",
        "started": "2026-11-22T07:40:00Z", "finished": "2026-11-22T07:40:21Z", "jobs": jobs,
        "data": [{"path": "survey.csv", "sha256": "ab" * 32, "rows": 60_211}],
        "refused": [{"item": "nps", "reason": "declared missing: 11 (blank)", "n": 84}],
        "packages": {"pandas": "3.1.1"},
        "filters": {"country": ["DE", "AT"]},
    }  # fmt: skip


def summary_of(brands: list[str]) -> pd.DataFrame:
    rows = []
    for i, brand in enumerate(brands):
        n = None if "7 answers" in brand else 0.0 if "empty" in brand else 24.0 if i == 4 else 300.0 + 40 * i
        verdict = "too few" if not n or n < 30 else "changed" if i % 4 == 1 else "no evidence"
        place = {"report": f"b{i}", "brand": brand}
        for metric, value in (("nps", 20.0 + 9 * (i % 6)), ("csat", 70.0 + i % 20)):
            rows.append({"part": "estimate", **estimate(metric, "2026-10", n, value if n else None, **place)})
            change = None if verdict == "too few" else 9.0 - 5 * (i % 5)
            rows.append({"part": "comparison", **comparison(metric, change, 6.5, verdict, **place)})
    return pd.DataFrame(rows)
