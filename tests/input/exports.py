"""Small exports in the layouts that vendors document, made by hand so that every row is known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

NPS = "How likely are you to recommend us to a friend or colleague?"
SATISFIED = "How satisfied were you with our service?"


def table(rows: Sequence[Sequence[object]], mark: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=mark, lineterminator=end).writerows(rows)
    return text.getvalue()


def qualtrics(folder: Path) -> Path:
    """Eight rows: a preview, a test, an unfinished one, a repeated respondent, an answer 11, one left empty."""
    ids = ["StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished",
           "RecordedDate", "ResponseId", "RecipientLastName", "RecipientFirstName", "RecipientEmail",
           "ExternalReference",
           "LocationLatitude", "LocationLongitude", "DistributionChannel", "UserLanguage", "Q1", "Q1_NPS_GROUP", "Q2",
           "store"]  # fmt: skip
    texts = [*ids[:17], f"{NPS}\n(0 = not at all)", f"{NPS} - Group", SATISFIED, "store"]
    imports = [json.dumps({"ImportId": name}) for name in ids]
    for place in (0, 1, 7):
        imports[place] = json.dumps({"ImportId": ids[place][0].lower() + ids[place][1:], "timeZone": "America/Denver"})
    answers = [
        ("2025-08-19 22:00:00", "IP Address", "True", "R_1", "c1", "10", "Promoter", "5", "North"),
        ("2025-08-31 23:30:00", "IP Address", "True", "R_2", "c2", "9", "Promoter", "4", "North"),
        ("2025-08-31 23:59:59", "0", "1", "R_3", "c3", "3", "Detractor", "1", "South"),
        ("2025-09-01 00:00:00", "IP Address", "False", "R_4", "c1", "7", "Passive", "", "South"),
        ("2025-09-02 10:00:00", "IP Address", "True", "R_5", "c5", "11", "", "3", "South"),
        ("2025-09-03 10:00:00", "IP Address", "True", "R_6", "c6", "", "", "5", ""),
        ("2025-09-04 10:00:00", "Survey Preview", "True", "R_7", "", "0", "Detractor", "1", "North"),
        ("2025-09-05 10:00:00", "Survey Test", "True", "R_8", "", "0", "Detractor", "1", "North"),
    ]
    rows = [
        [at, at, status, "10.0.0.1", "100", "61", done, at, response, "Doe", "Jo", "jo@example.org", customer,
         "52.5", "13.4", "email", "EN", score, group, csat, store]
        for at, status, done, response, customer, score, group, csat, store in answers
    ]  # fmt: skip
    return _text(folder / "qualtrics.csv", table([ids, texts, imports, *rows]))


def surveymonkey(folder: Path) -> Path:
    """A title above two header rows, labels with an en dash, US dates."""
    head = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name", NPS,
            "Which did you use?", "", SATISFIED]  # fmt: skip
    second = ["", "", "", "", "", "", "", "", "Chat", "Phone", "Response"]
    rows = [
        ["118000001", "4", "06/30/2020 11:30:00 PM", "06/30/2020 11:31:00 PM", "10.0.0.1", "a@example.org", "Al",
         "10 – Extremely likely", "Chat", "", "5"],
        ["118000002", "4", "07/01/2020 12:05:00 AM", "07/01/2020 12:06:00 AM", "10.0.0.1", "b@example.org", "Bo",
         "8", "", "Phone", "4"],
        ["118000003", "4", "07/02/2020 01:05:00 PM", "07/02/2020 01:06:00 PM", "10.0.0.1", "c@example.org", "Cy",
         "0 – Not at all likely", "Chat", "Phone", ""],
    ]  # fmt: skip
    return _text(folder / "surveymonkey.csv", "Customer survey 2020\r\n" + table([head, second, *rows]))


def google_forms(folder: Path, decided: bool = True) -> Path:
    """A sheet saved as TSV; every day is 12 or less unless the file is to decide the order of day and month."""
    rows = [
        ["Timestamp", "Email Address", NPS, "Which branch?"],
        ["3/12/2019 9:50:30", "a@example.org", "9", "North"],
        ["4/1/2019 19:00:00", "b@example.org", "6", "South"],
        ["4/13/2019 8:00:00" if decided else "4/11/2019 8:00:00", "c@example.org", "10", "South"],
    ]
    return _text(folder / "google.tsv", table(rows, "\t", "\n"))


def typeform(folder: Path) -> Path:
    """Two questions with the same text, times in UTC."""
    rows = [
        ["#", NPS, "Why?", "Why?", "Start Date (UTC)", "Submit Date (UTC)", "Network ID"],
        ["aa1", "9", "quick", "", "2026-09-30 22:29:00", "2026-09-30 22:30:00", "n1"],
        ["aa2", "2", "", "slow", "2026-10-01 10:00:00", "2026-10-01 10:01:00", "n2"],
        ["aa3", "7", "", "", "2026-10-02 10:00:00", "2026-10-02 10:01:00", "n1"],
    ]
    return _text(folder / "typeform.csv", table(rows))


def zendesk(folder: Path) -> Path:
    """Five tickets: good, bad, offered, not offered, and one that is still open."""
    head = ["Id", "Requester", "Requester email", "Subject", "Status", "Priority", "Via", "Group", "Created at",
            "Updated at",
            "Assigned at", "Solved at", "Resolution time", "Satisfaction Score", "Reopens", "Replies",
            "First reply time in minutes"]  # fmt: skip
    rows = [
        ["1", "Al", "a@example.org", "Late", "Closed", "High", "Mail", "Care", "2026-09-01 10:00", "", "",
         "2026-09-01 12:00", "2", "Good", "0", "1", "15"],
        ["2", "Bo", "b@example.org", "Late", "Closed", "High", "Chat", "Care", "2026-09-02 10:00", "", "",
         "2026-09-02 10:30", "0.5", "Bad", "1", "3", "5"],
        ["3", "Cy", "c@example.org", "Late", "Solved", "", "Chat", "Sales", "2026-09-03 10:00", "", "",
         "2026-09-04 10:00", "24", "Offered", "0", "1", "90"],
        ["4", "Di", "d@example.org", "Late", "Solved", "Low", "Mail", "Sales", "2026-10-03 10:00", "", "",
         "2026-10-03 11:00", "1", "Not Offered", "0", "1", "-4"],
        ["5", "Ed", "e@example.org", "Late", "Open", "Low", "Mail", "Sales", "2026-10-31 10:00", "", "",
         "", "", "Not Offered", "0", "0", ""],
    ]  # fmt: skip
    return _text(folder / "zendesk.csv", table([head, *rows]))


def spss(folder: Path) -> Path:
    """Codes with labels; 98 and 99 are declared to be missing, 12 is not."""
    pyreadstat = pytest.importorskip("pyreadstat", reason="the extra `spss` is not installed")
    frame = pd.DataFrame(
        {
            "id": [1.0, 2, 3, 4, 5, 6, 7],
            "recommend": [10.0, 9, 99, 3, 98, 12, None],
            "region": [1.0, 1, 2, 2, 1, 2, 1],
            "when": pd.to_datetime(["2026-09-30", "2026-10-01", "2026-10-02"] * 2 + ["2026-10-03"]),
        }
    )
    path = folder / "survey.sav"
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"recommend": NPS},
        variable_value_labels={"recommend": {98: "Don't know", 99: "Refused"}, "region": {1: "North", 2: "South"}},
        missing_ranges={"recommend": [{"lo": 98, "hi": 99}]},
    )
    return path


def json_lines(folder: Path) -> Path:
    """Numbers and texts mixed in one key, a key that comes late, an object as a value."""
    rows: list[dict[str, Any]] = [
        {"id": "a", "at": "2026-10-01T08:00:00+02:00", "score": 9, "brand": "A"},
        {"id": "b", "at": "2026-10-01T00:30:00+02:00", "score": "10", "brand": "B"},
        {"id": "c", "at": "2026-10-02T08:00:00Z", "score": "eleven", "brand": "B", "extra": {"device": "phone"}},
    ]
    return _text(folder / "answers.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n")


def _plain_rows() -> list[list[object]]:
    return [
        ["id", "answered", "score", "brand ", "e-mail"],
        ["1", "2026-10-01 08:00", "9", "Müller", "a@example.org"],
        ["2", "2026-10-02 08:00", "10", "Müller", "b@example.org"],
        ["2", "2026-10-02 08:00", "10", "Müller", "b@example.org"],
        ["3", "2026-10-03", "8.5", "", "c@example.org"],
        ["4", "yesterday", "8", "", "d@example.org"],
    ]


def plain_csv(folder: Path) -> Path:
    path = folder / "plain.csv"
    path.write_bytes(table(_plain_rows(), ";").encode("cp1252"))
    return path


def plain_utf16(folder: Path) -> Path:
    path = folder / "plain.txt"
    path.write_bytes(table(_plain_rows(), "\t").encode("utf-16"))
    return path


def excel(folder: Path) -> Path:
    head, *rows = _plain_rows()
    path = folder / "plain.xlsx"
    pd.DataFrame(rows, columns=[str(name) for name in head]).to_excel(path, index=False)
    return path


def parquet(folder: Path) -> Path:
    head, *rows = _plain_rows()
    (folder / "parts").mkdir(exist_ok=True)
    for i, part in enumerate((rows[:2], rows[2:])):
        frame = pd.DataFrame(part, columns=[str(name) for name in head])
        frame.to_parquet(folder / "parts" / f"{i}.parquet", index=False)
    return folder / "parts"


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


EXPORTS: dict[str, Callable[[Path], Path]] = {
    made.__name__: made
    for made in (
        qualtrics, surveymonkey, google_forms, typeform, zendesk, spss, json_lines, plain_csv, plain_utf16, excel,
        parquet,
    )
}  # fmt: skip
