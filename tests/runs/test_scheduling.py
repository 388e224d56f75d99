"""The recipes of docs/scheduling.md are what systemd and cron accept, and name options that the command has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cxkit import cli

TEXT = (Path(__file__).parents[2] / "docs" / "scheduling.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_accepts_the_units(tmp_path):
    names = re.findall(r"`/etc/systemd/system/(cxkit\.\w+)`:", TEXT)
    assert names == ["cxkit.service", "cxkit.timer"]
    program = tmp_path / "cxkit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name, body in zip(names, re.findall(r"```ini\n(.*?)```", TEXT, re.DOTALL), strict=True):
        body = body.replace("/srv/cxkit/.venv/bin/cxkit", str(program)).replace("User=cxkit\n", "")  # who is not here
        (tmp_path / name).write_text(body)
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "cxkit" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def crontab_lines() -> list[str]:
    return [line for block in re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line]


def test_the_line_for_cron_has_five_fields_and_a_command():
    (line,) = crontab_lines()
    *fields, command = line.split(None, 5)
    assert all(re.fullmatch(r"\*|\d+", field) for field in fields)
    assert command.startswith("cd ")
    assert "%" not in command  # cron would take it for a line break


@pytest.mark.skipif(not shutil.which("crontab"), reason="no crontab here")
def test_cron_accepts_the_line(tmp_path):
    table = tmp_path / "table"
    table.write_text("".join(f"{line}\n" for line in crontab_lines()))
    done = crontab("-T", str(table))  # checks and does no more; not every cron knows it
    if "invalid option" in done.stderr:
        if os.geteuid() != 0 or not os.environ.get("CI") or crontab("-u", "nobody", "-l").returncode == 0:
            pytest.skip("this crontab cannot check a table without installing it")
        done = crontab("-u", "nobody", str(table))
        crontab("-u", "nobody", "-r")
    assert (done.returncode, done.stderr) == (0, "")


def crontab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["crontab", *arguments], capture_output=True, text=True, check=False)


def test_every_option_that_is_named_exists():
    known = CliRunner().invoke(cli.app, ["run", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    for option in set(re.findall(r"--[a-z][a-z-]+", TEXT)) - {"--now"}:  # of systemctl
        assert option in known, option
