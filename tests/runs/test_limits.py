"""What an export may do to a run, with real processes: it is refused in words, in time and within its memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest

MAPPING = "{kind: transactional, columns: {wave: wave%s}, items: {nps: nps}, dimensions: {brand: brand}}"
PARAMS = (
    "{{name: small, title: Small, source: {source}, metrics: [nps], period: wave, now: '1',\n"
    " mapping: {mapping}{more}}}\n"
)


class Done(NamedTuple):
    status: int
    out: str
    err: str
    seconds: float
    memory: int  # bytes, of the largest process below


# Linux counts what the process held that called `exec` as held by the program that it became. So a small process stands
# between the tests, which grow, and the command.
BETWEEN = """\
import json, pathlib, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
pathlib.Path(sys.argv[1]).write_text(json.dumps([status, memory]))
"""


def cxkit(*arguments: str | Path, cwd: Path) -> Done:
    """The command, as a person types it."""
    began, used = time.monotonic(), cwd / "used.json"
    command = [sys.executable, "-m", "cxkit", *arguments]
    with (cwd / "out.txt").open("wb") as out, (cwd / "err.txt").open("wb") as err:
        subprocess.run([sys.executable, "-c", BETWEEN, used, *command], stdout=out, stderr=err, cwd=cwd, check=True)
    status, memory = json.loads(used.read_text(encoding="utf-8"))
    texts = ((cwd / name).read_text(encoding="utf-8") for name in ("out.txt", "err.txt"))
    return Done(status, *texts, time.monotonic() - began, memory)


def refused(done: Done, *words: str) -> None:
    assert done.status == 2, done
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


def params(folder: Path, source: str, comment: bool = False, more: str = "") -> Path:
    mapping = MAPPING % (", comment: said" if comment else "")
    path = folder / "run.yaml"
    path.write_text(PARAMS.format(source=source, mapping=mapping, more=more), encoding="utf-8")
    return path


def rows(n: int, **last: str) -> str:
    lines = [f"1,{'AB'[i % 2]},{i % 11}" for i in range(n)]
    return "\n".join(["wave,brand,nps", *lines, ""])


# Time and memory ------------------------------------------------------------------------------------------------------


def test_one_value_in_the_last_cell_of_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["wave", "brand", "nps"], ["1", "A", 9]):
        book.active.append(row)
    book.active["XFD1048576"] = "far away"
    book.save(tmp_path / "far.xlsx")
    assert (tmp_path / "far.xlsx").stat().st_size < 6000
    done = cxkit("check", params(tmp_path, "far.xlsx"), cwd=tmp_path)
    refused(done, "far.xlsx: has 16,384 columns, 16,380 of them empty; expected a table of answers")
    assert done.memory < 800 << 20


def test_a_sheet_of_many_far_cells_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["wave", "brand", "nps"])
    book.save(tmp_path / "wide.xlsx")
    far = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (i, i) for i in range(2, 3_000))
    with zipfile.ZipFile(tmp_path / "wide.xlsx") as old, zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", 8) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b"</sheetData>", far + b"</sheetData>") if "sheet1" in name else part)
    done = cxkit("check", params(tmp_path, "bomb.xlsx"), cwd=tmp_path)
    refused(done, "bomb.xlsx: has 1,", " cells; expected a table of answers")
    assert done.memory < 800 << 20


def test_reading_has_the_memory_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text(rows(400_000), encoding="utf-8")
    done = cxkit("run", params(tmp_path, "many.csv"), "--memory", "150", cwd=tmp_path)
    refused(done, "memory")
    assert done.memory < 600 << 20
    assert not list(tmp_path.glob("reports/small*"))


def test_reading_has_the_time_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text(rows(200_000), encoding="utf-8")
    done = cxkit("run", params(tmp_path, "many.csv"), "--timeout", "0.5", cwd=tmp_path)
    refused(done, "took longer than --timeout allows (0.5 s")
    assert not list(tmp_path.glob("reports/small*"))


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_who_only_looks_has_the_limits_that_messages_name(tmp_path: Path) -> None:
    (tmp_path / "many.csv").write_text(rows(400_000), encoding="utf-8")
    file = params(tmp_path, "many.csv")
    for command, given in (("check", file), ("inspect", "many.csv")):
        has = options(cxkit(command, "--help", cwd=tmp_path).out)
        for limit in (("--timeout", "0.5"), ("--memory", "16")):
            done = cxkit(command, given, *limit, cwd=tmp_path)
            refused(done, "reading and counting the data", limit[0])
            assert options(done.err) <= has


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody ever writes into these pipes."""
    for name in ("pipe.csv", "pipe.yaml", "pipe.ipynb", "pipe.duckdb", "folder/pipe.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
        file = params(tmp_path, "{url: 'duckdb://pipe.duckdb', table: t}" if "duckdb" in name else Path(name).parts[0])
        if name == "pipe.ipynb":
            (tmp_path / "all.csv").write_text(rows(40), encoding="utf-8")
            file = params(tmp_path, "all.csv", more=f", report: {name}")
        done = cxkit("check", name if name == "pipe.yaml" else file, cwd=tmp_path)
        refused(done, f"{name}: expected a file, found a pipe, socket or device")


def test_to_hash_a_file_has_the_time_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "endless.csv").touch()
    os.truncate(tmp_path / "endless.csv", 1 << 38)  # no disk holds it, but it says so
    done = cxkit("run", params(tmp_path, "endless.csv"), "--timeout", "1", cwd=tmp_path)
    refused(done, "endless.csv: to read it took longer than --timeout allows")
    assert not (tmp_path / "reports").exists()


def test_one_long_comment_holds_nobody_up(tmp_path: Path) -> None:
    said = [f"{'a.' * 60_000}@{'b-' * 60_000}", "1 " * 150_000, "www." * 70_000, "x" * 300_000]
    lines = [f"1,{'AB'[i % 2]},{i % 11},{said[i] if i < len(said) else 'fine'}" for i in range(100)]
    text = "\n".join(["wave,brand,nps,said", *lines, ""])
    (tmp_path / "said.csv").write_text(text, encoding="utf-8")
    file = params(tmp_path, "said.csv", comment=True, more=", comments: 5, weights: false")
    done = cxkit("check", file, cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.seconds < 60


# What is read -----------------------------------------------------------------------------------------------------


def test_wide_headers_and_long_comments_are_read(tmp_path: Path) -> None:
    questions = [f"Question {i}: {'how satisfied were you with what we did, ' * 60}?" for i in range(900)]
    header = ",".join(["wave", "brand", "nps", *(f'"{question}"' for question in questions)])
    assert len(header) > 2_000_000
    long = '"' + "a long story, " * 20_000 + '"'
    body = [",".join(["1", "AB"[i % 2], str(i % 11), long if i == 1 else "x", *["y"] * 899]) for i in range(40)]
    (tmp_path / "wide.csv").write_text("\n".join([header, *body, ""]), encoding="utf-8")
    done = cxkit("check", params(tmp_path, "wide.csv"), cwd=tmp_path)
    assert done.status == 0, done.err
    assert "40 rows" in done.out


def test_a_file_that_changes_while_it_is_read_stops_the_run(tmp_path: Path) -> None:
    """A writer that never rests; the content is the same each time, the file is not."""
    source, text = tmp_path / "log.csv", rows(20_000)
    source.write_text(text, encoding="utf-8")
    writer = 'while :; do cp "$0" "$0.new" && mv "$0.new" "$0"; sleep 0.02; done'
    other = subprocess.Popen(["sh", "-c", writer, str(source)])
    try:
        done = cxkit("run", params(tmp_path, "log.csv"), cwd=tmp_path)
    finally:
        other.kill()
        other.wait()
    refused(done, "log.csv: changed while it was read")
    assert not (tmp_path / "reports" / "small" / "index.html").exists()


def test_data_do_not_reach_a_terminal_as_orders(tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202eevil\u2066\x9b31m"
    text = rows(40) + f"1,{evil},9\n1,A,{evil}\n"
    (tmp_path / "evil.csv").write_text(text, encoding="utf-8")
    file = params(tmp_path, "evil.csv", more=", for_each: [brand]")
    for command in (("inspect", "evil.csv"), ("check", file)):
        done = cxkit(*command, cwd=tmp_path)
        told = done.out + done.err
        assert not set(told) & set("\x1b\x07\x9b\u202e\u2066"), command
        assert command[0] == "inspect" or "\\u001b" in told, command  # where it is a comment it is left out
    assert done.status == 0, done.err
    file.write_text("name: \x1b[31m\n")
    refused(cxkit("check", file, cwd=tmp_path))


# YAML ---------------------------------------------------------------------------------------------------------------

LAUGHS = "\n".join(["a0: &a0 [x, x, x, x, x, x, x, x, x, x]", *(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])  # fmt: skip
YAML = {
    "aliases that multiply": (LAUGHS, "counted with its aliases"),
    "a list that holds itself": ("a: &a [*a]", "refers to itself"),
    "a key that holds itself": ("&a x: {y: *a}\nz: &b {b: *b}", "refers to itself"),
    "a long chain of aliases": (
        "\n".join(["a0: &a0 x", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 99))]),
        "levels",
    ),
    "depth of brackets": ("a: " + "[" * 5000, "levels inside each other"),
    "depth of keys": ("\n".join("  " * i + f"k{i}:" for i in range(500)), "levels inside each other"),
    "a whole number without end": (f"level: {'9' * 5000}", "expected a whole number of at most 18 digits"),
    "a negative one": (f"memory: -{'9' * 30}", "expected a whole number of at most 18 digits"),
    "NUL as it is": ("name: a\0b", "not valid YAML"),
    "NUL as it is written": ('source: "a\\0b.csv"', "text with NUL"),
    "half a character": ('title: "\\ud800"', "text with NUL or half a character"),
    "a key with NUL": ('"a\\0": 1', "text with NUL"),
    "no UTF-8": (b"name: \xff", "cannot be read as UTF-8"),
    "an escape that is none": ('name: "\\q"', "not valid YAML"),
    "an object": ("name: !!python/object/apply:os.system [id]", "not valid YAML"),
    "a tag that does not fit": ("name: !!bool maybe", "not valid YAML"),
    "a date by its tag": ("name: !!timestamp x", "not valid YAML"),
    "a number by its tag": ("level: !!int x", "expected a whole number"),
    "bytes": ("name: !!binary x", "not valid YAML"),
    "a list for the whole": ("- a", "expected keys and values"),
    "a key that is a list": ("? [a]\n: b", "a key must be text"),
    "keys that are numbers": ("1: a\n2.5: b\ntrue: c\nnull: d", ""),
    "merged aliases": ("a: &a {x: 1}\nb: {<<: [*a, *a], <<: *a}", ""),
    "megabytes": ("a: " + "x" * 3_000_000, "is larger than"),
    "two documents": ("a: 1\n---\nb: 2", "not valid YAML"),
}


@pytest.mark.parametrize("what", YAML)
def test_yaml_is_refused_in_words(what: str, tmp_path: Path) -> None:
    from cxkit.errors import CxError
    from cxkit.runs.params import load

    text, words = YAML[what]
    (tmp_path / "bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.process_time()
    with pytest.raises(CxError) as raised:
        load(tmp_path / "bad.yaml")
    assert words in str(raised.value)
    assert "bad.yaml" in str(raised.value)
    assert time.process_time() - began < 5


def test_the_command_refuses_yaml_in_words_too(tmp_path: Path) -> None:
    for what in ("aliases that multiply", "depth of brackets", "a whole number without end", "NUL as it is written"):
        text, words = YAML[what]
        (tmp_path / "bad.yaml").write_text(str(text), encoding="utf-8")
        refused(cxkit("check", "bad.yaml", cwd=tmp_path), words)


@pytest.mark.parametrize(
    "text", ["name: " + "1" * 300_000 + "x", 'name: "' + "a:" * 500_000 + '"', "name: " + "passw" * 100_000]
)
def test_long_words_of_yaml_hold_nobody_up(text: str, tmp_path: Path) -> None:
    """They are matched with patterns, and told in errors from which passwords are taken."""
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    refused(cxkit("check", "bad.yaml", cwd=tmp_path), "bad.yaml: title: required, but absent")


@pytest.mark.parametrize("scheme", ["mysql", "singlestoredb"])
def test_mysql_gets_no_comments(scheme: str, tmp_path: Path) -> None:
    """It runs what a versioned one holds, and two minus signs begin one only where a blank follows."""
    given = ("SELECT nps FROM t /*!50000 INTO OUTFILE 'x' */", "SELECT 1 --1 INTO OUTFILE 'x'")
    for sql in given if scheme == "mysql" else ("SELECT 1 /*M! INTO OUTFILE 'x' */", "/*! DELETE FROM t */ SELECT 1"):
        source = json.dumps({"url": f"{scheme}://ann@127.0.0.1:1/crm", "sql": sql})
        done = cxkit("check", params(tmp_path, source), cwd=tmp_path)
        refused(
            done, f"cxkit: {scheme}://ann@127.0.0.1:1/crm: sql: holds a comment, and MySQL runs what some of them hold"
        )
    fine = json.dumps({"url": f"{scheme}://ann@127.0.0.1:1/crm", "sql": "SELECT '/*! -- #' AS nps"})
    refused(cxkit("check", params(tmp_path, fine), cwd=tmp_path), "/crm: cannot be opened")


def test_no_password_reaches_a_terminal(tmp_path: Path) -> None:
    secret = "hun/ter2@secret"
    file = params(tmp_path, f"{{url: 'postgres://ann:{secret}@127.0.0.1:1/crm', table: t}}")
    done = [
        cxkit("check", file, cwd=tmp_path),
        cxkit("inspect", f"postgres://ann:{secret}@127.0.0.1/crm", cwd=tmp_path),
    ]
    done.append(cxkit("check", file, "--set", f"source.url=[postgres://ann:{secret}@127.0.0.1/x", cwd=tmp_path))
    done.append(cxkit("check", file, "--set", f"titel=postgres://ann:{secret}@127.0.0.1/x", cwd=tmp_path))
    for one in done:
        refused(one)
        assert "ter2" not in one.out + one.err, one.err
