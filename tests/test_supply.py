"""What is installed: the wheel runs outside the repository, the lock holds, every list is as its command makes it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_environment import DEV, ROOT, RUNTIME, constraints, project

SUPPLY = [sys.executable, str(ROOT / "tools" / "supply.py")]
UV = os.environ.get("UV") or shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
needs_uv = pytest.mark.skipif(UV is None, reason="uv is not installed: pip install -c constraints.txt -e '.[dev]'")
PARAMS = """\
name: own
title: Own export
source: answers.csv
mapping: {kind: transactional, columns: {time: day}, items: {nps: score}, dimensions: {shop: shop}}
metrics: [nps]
as_of: 2026-11-15
for_each: [shop]
"""


def told(*arguments: str, expected: int = 0, **options: object) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == expected, done.stdout + done.stderr
    return str(done.stdout)


def locked() -> dict[str, tuple[str, int]]:
    """Package -> its version and how many hashes it has, of requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [re.match(r"([\w.-]+)(?:\[[\w,]+\])?==(\S+)", line) for line in text.splitlines() if line[:1] != "#"]
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): (pin[2], pin.string.count("--hash=sha256:")) for pin in pins if pin}


def test_the_lock_holds_what_is_installed_for_users_with_hashes() -> None:
    pins, found = constraints(), locked()
    assert set(RUNTIME) <= set(found)
    assert all(hashes > 0 for _, hashes in found.values())
    assert {name: version for name, (version, _) in found.items() if name in pins} == {
        name: pins[name] for name in found if name in pins
    }
    assert not set(found) & (set(DEV) - {"python-dateutil"})


def test_conda_is_as_its_command_makes_it() -> None:
    told(*SUPPLY, "conda", "--check")


@needs_uv
@pytest.mark.slow  # .ci/run has it
def test_the_lock_is_as_its_command_makes_it() -> None:
    told(*SUPPLY, "lock", "--check")


@pytest.mark.slow
@pytest.mark.skipif(not (find_spec("hatchling") and find_spec("pip")), reason="needs hatchling and pip")
@pytest.mark.parametrize("extra", sorted(project()["optional-dependencies"]))
def test_every_extra_resolves_at_once_without_constraints(extra: str) -> None:
    """As who has no constraints.txt installs it; pip says so where it has to search."""
    try:
        socket.create_connection(("pypi.org", 443), timeout=10).close()
    except OSError as error:
        pytest.skip(f"PyPI cannot be reached: {error}")
    options = ["--dry-run", "--ignore-installed", "--no-build-isolation", "--progress-bar", "off"]
    clean = {name: value for name, value in os.environ.items() if name == "PIP_CERT" or not name.startswith("PIP_")}
    clean["PIP_CONFIG_FILE"] = os.devnull  # which may name constraints, too
    said = told(sys.executable, "-m", "pip", "install", *options, f".[{extra}]", cwd=ROOT, env=clean, timeout=300)
    assert "Would install" in said
    assert "looking at multiple versions" not in said


def test_the_bill_of_materials_lists_the_lock_and_is_the_same_every_time() -> None:
    text = told(*SUPPLY, "sbom")
    assert text == told(*SUPPLY, "sbom")
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {part["name"]: part for part in bill["components"]}
    assert {name: (p["version"], len(p["externalReferences"][0]["hashes"])) for name, p in listed.items()} == locked()
    assert listed["pandas"]["purl"] == f"pkg:pypi/pandas@{constraints()['pandas']}"
    assert bill["metadata"]["component"]["name"] == "cxkit"


def test_what_supply_does_not_know_is_refused() -> None:
    assert told(*SUPPLY, "lok", expected=2) == ""


def wheel(folder: Path) -> Path:
    """The wheel of this clone."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    told(sys.executable, "-m", "pip", "wheel", *options, str(ROOT))
    (made,) = folder.glob("*.whl")
    return made


@pytest.mark.skipif(not (find_spec("hatchling") and find_spec("pip")), reason="needs hatchling and pip")
def test_the_wheel_holds_notebooks_and_templates_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel(tmp_path)) as made:
        names = made.namelist()
        for notebook in (ROOT / "notebooks").glob("*.ipynb"):
            assert made.read(f"cxkit/notebooks/{notebook.name}") == notebook.read_bytes()
    package = {p.relative_to(ROOT).as_posix() for p in (ROOT / "cxkit").rglob("*") if p.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    assert {name for name in names if name.startswith("cxkit/") and "/notebooks/" not in name} == package
    assert not (ROOT / "cxkit" / "notebooks").exists()  # an editable install reads the folder at the top


@pytest.mark.slow
@pytest.mark.skipif(not (find_spec("hatchling") and find_spec("pip")), reason="needs hatchling and pip")
def test_the_wheel_runs_in_an_empty_folder_with_what_the_lock_installs(tmp_path: Path) -> None:
    """Downloads and installs a hundred packages: a minute or two."""
    made, place = wheel(tmp_path), tmp_path / "elsewhere"
    place.mkdir()
    told(sys.executable, "-m", "venv", "--clear", str(tmp_path / "fresh"))
    python, command = str(tmp_path / "fresh" / "bin" / "python"), str(tmp_path / "fresh" / "bin" / "cxkit")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps"]
    told(*install, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    told(*install, str(made))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    assert str(tmp_path / "fresh") in told(python, "-c", "import cxkit; print(cxkit.__file__)", cwd=place, env=clean)
    rows = [f"2026-{9 + i % 2:02}-{1 + i % 28:02},{'AB'[i % 2]},{i % 11}" for i in range(400)]
    (place / "answers.csv").write_text("\n".join(["day,shop,score", *rows, ""]), encoding="utf-8")
    (place / "own.yaml").write_text(PARAMS, encoding="utf-8")
    sample = (
        "name: sample\ntitle: Sample\nsource: sample\nmetrics: [nps]\nas_of: 2026-11-15\nfor_each: {brand: [Acme]}\n"
    )
    (place / "sample.yaml").write_text(sample, encoding="utf-8")
    for name, pages in (("own", {"a.html", "b.html"}), ("sample", {"acme.html"})):
        index = Path(told(command, "run", f"{name}.yaml", cwd=place, env=clean).splitlines()[-1])
        assert index == place / "reports" / name / "index.html"
        assert {path.name for path in index.parent.glob("*.html")} == {
            "index.html", "overview.html", "data.html", *pages}  # fmt: skip
