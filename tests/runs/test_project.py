"""`cxkit new` and `cxkit schema`: from an export to a first page, and schemas that accept what the kit accepts."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cxkit.runs.project import schema
from cxkit.strict import load_yaml, parse_yaml

ROOT = Path(__file__).parents[2]
ANSWERS = {"kind": "transactional", "timezone": "Europe/Berlin", "reversed": "false"}


def cxkit(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cxkit", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=240)


def export(folder: Path) -> Path:
    head = "date,customer,shop,How likely are you to recommend us?,satisfied\n"
    rows = (
        f"2026-{9 + i % 2:02d}-{1 + i % 28:02d},C{i},{('Bonn', 'Kiel')[i % 3 % 2]},{i * 7 % 11},{1 + i % 5}\n"
        for i in range(400)
    )
    (folder / "export.csv").write_text(head + "".join(rows), encoding="utf-8")
    return folder / "export.csv"


def test_from_an_export_to_a_page(tmp_path: Path) -> None:
    export(tmp_path)
    made = cxkit("new", "shop", "export.csv", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("3 questions in shop/params/mappings/shop.yaml say TODO")
    shop = tmp_path / "shop"
    assert stat.S_IMODE(shop.stat().st_mode) & 0o055 == 0o055
    early = cxkit("check", "params/shop.yaml", cwd=shop)
    assert early.returncode == 2
    assert "TODO: relationship" in early.stderr
    mapping = shop / "params" / "mappings" / "shop.yaml"
    text = mapping.read_text("utf-8")
    for key, answer in ANSWERS.items():
        text = re.sub(rf'^(\s*{key}: )"TODO:[^"]*"', rf"\g<1>{answer}", text, flags=re.MULTILINE)
    mapping.write_text(text, encoding="utf-8")
    params = shop / "params" / "shop.yaml"
    params.write_text(params.read_text("utf-8").replace("for_each: []", "for_each: [shop]"), encoding="utf-8")
    out = tmp_path / "www" / "shop"
    done = cxkit("run", "params/shop.yaml", "--out", str(out), "--as-of", "2026-11-02", cwd=shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in out.glob("*.html")} == {
        "bonn.html",
        "kiel.html",
        "overview.html",
        "data.html",
        "index.html",
    }


@pytest.mark.slow
def test_a_project_on_the_sample(tmp_path: Path) -> None:
    assert cxkit("new", "My Shop", cwd=tmp_path).returncode == 0
    params = load_yaml(tmp_path / "My Shop" / "params" / "my-shop.yaml")
    assert (params["name"], params["source"], params["metrics"]) == ("my-shop", "sample", ["nps"])
    assert cxkit("check", "params/my-shop.yaml", "--as-of", "2026-11-15", cwd=tmp_path / "My Shop").returncode == 0


@pytest.mark.parametrize("arguments", [("full",), ("file",), ("new", "absent.csv"), ("below/new", "bad.xlsx")])
def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "bad.xlsx").write_bytes(b"PK\3\4 no workbook")
    before = sorted(tmp_path.rglob("*"))
    done = cxkit("new", *arguments, cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert sorted(tmp_path.rglob("*")) == before


def documented(kind: str) -> list[dict[str, Any]]:
    """The YAML files of the kit and of its documents."""
    guides = [path.read_text("utf-8") for path in (ROOT / "README.md", ROOT / "docs" / "mapping.md")]
    texts = [text for guide in guides for text in re.findall(r"^```yaml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)]
    inside = [parse_yaml(text, "doc") for text in texts if text.startswith("# params/mappings/") == (kind == "mapping")]
    folder = ROOT / "params" / ("mappings" if kind == "mapping" else "")
    return [*inside, *(load_yaml(path) for path in folder.glob("*.yaml"))]


@pytest.mark.parametrize("kind", ["params", "mapping"])
def test_the_schema_accepts_what_the_kit_accepts(kind: Any) -> None:
    found = json.loads(cxkit("schema", kind, cwd=ROOT).stdout)
    assert found == schema(kind)
    files = documented(kind)
    assert len(files) >= 3
    for data in files:
        jsonschema.validate(data, found)
    for wrong in ({"metricz": ["nps"]}, {"items": 3}, {"level": "high"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**files[0], **wrong}, found)


DESK = ROOT.parent / "shared" / "data" / "servicedesk" / "incident_event_log.csv"


def answered(mapping: Path, answers: dict[str, str]) -> None:
    """Answers in place of the questions of a drafted mapping, by key; the first of a key that fits stays."""
    text = mapping.read_text("utf-8")
    for key, answer in answers.items():
        text = re.sub(rf'^(\s*{key}: )"TODO:[^"]*"', rf"\g<1>{answer}", text, flags=re.MULTILINE)
    assert '"TODO' not in text
    mapping.write_text(text, encoding="utf-8")


def test_a_project_on_tickets(tmp_path: Path) -> None:
    """Counted here: of 400 tickets that were watched, those that were solved in seven days and not opened again.

    Of each customer there are two of one moment, so that one in two is followed by another.
    """
    rows, kept = ["id,customer,channel,opened,first_reply,solved,reopened"], []
    for i in range(400):
        month, hours, again = 9 + i % 2, 3 * (i % 90), i % 11 == 0
        end = "" if i % 37 == 5 else f"2026-{month:02d}-{2 + hours // 24:02d} {hours % 24:02d}:00"
        begun = f"2026-{month:02d}-02 00:"
        rows.append(f"T{i},C{i % 200},web,{begun}00,{begun}{i % 60:02d},{end},{('no', 'yes')[again]}")
        kept += [bool(end) and hours <= 168 and not again] if month == 10 else []
    (tmp_path / "tickets.csv").write_text("\n".join(rows), encoding="utf-8")
    made = cxkit("new", "desk", "tickets.csv", "--service", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    desk = tmp_path / "desk"
    params = load_yaml(desk / "params" / "desk.yaml")
    assert params["metrics"][:4] == ["in_a_week", "in_an_hour", "first_contact", "again"]
    assert (params["report"], params["cohorts"]) == ("notebooks/service.ipynb", "full_resolution")
    answered(desk / "params" / "mappings" / "desk.yaml", {"timezone": "UTC", "open_until": "2026-11-12"})
    out = tmp_path / "www" / "desk"
    done = cxkit("run", "params/desk.yaml", "--out", str(out), "--as-of", "2026-11-12", cwd=desk)
    assert (done.returncode, done.stderr) == (0, "")
    page = (out / "report.html").read_text("utf-8")
    said = re.sub(r"<[^>]+>", " ", page)
    assert f"Resolved in 7 days, not reopened is {100 * sum(kept) / len(kept):.1f}%" in said
    assert re.search(r"Another one within 7 days\s+50(\.0+)?%", said)
    assert 'id="cohorts-full-resolution' in page


@pytest.mark.slow
@pytest.mark.skipif(not DESK.exists(), reason="the log of the service desk is not on this machine")
def test_a_project_on_a_real_log_of_tickets(tmp_path: Path) -> None:
    """The share is that of `tests/runs/test_service.py`, by pandas: 63.3 % of 890."""
    assert cxkit("new", "desk", str(DESK), "--service", cwd=tmp_path).returncode == 0
    desk = tmp_path / "desk"
    mapping = desk / "params" / "mappings" / "desk.yaml"
    answered(mapping, {"timezone": "UTC", "to": "resolved_at", "open_until": "2017-02-05"})
    params = desk / "params" / "desk.yaml"
    params.write_text(params.read_text("utf-8").replace("period: month", "period: year"), encoding="utf-8")
    done = cxkit("run", "params/desk.yaml", "--out", str(tmp_path / "www" / "x"), "--as-of", "2017-02-05", cwd=desk)
    assert (done.returncode, done.stderr) == (0, "")
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (tmp_path / "www" / "x" / "report.html").read_text("utf-8")))
    assert re.search(r"Resolved in 7 days, not reopened 63\.3% .{0,40} n 890", said)


@pytest.mark.parametrize("arguments", [("desk", "export.csv", "--service"), ("desk", "--service")])
def test_what_holds_no_tickets_makes_no_pages_of_them(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    export(tmp_path)
    done = cxkit("new", *arguments, cwd=tmp_path)
    assert (done.returncode, "tickets" in done.stderr) == (2, True)
    assert not (tmp_path / "desk").exists()
