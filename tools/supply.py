"""What is installed, made from pyproject.toml and constraints.txt: `python tools/supply.py lock|conda|sbom|lowest`.

lock    writes requirements.lock: every package of `pip install cxkit` with the hashes of its files, in the versions of
        constraints.txt (needs uv): pip install --require-hashes -r requirements.lock
conda   writes environment.yml.
sbom    prints the packages of requirements.lock as a bill of materials, CycloneDX 1.6.
lowest  installs the lowest versions that pyproject.toml claims, in an environment of their own (needs uv), and runs
        the tests there. Further arguments go to pytest.

With `--check` lock and conda write nothing and tell by exit status 1 whether the file is as it would be made.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11.5"  # the oldest that every pinned package knows
CONDA_NAMES = {"ibis-framework[duckdb]": "ibis-duckdb", "PyYAML": "pyyaml"}  # where conda-forge calls it otherwise
TESTS = [
    "tests/stats",
    "tests/analysis",
    "tests/show",
    "tests/input",
    "tests/tallies",
    "tests/test_cli.py",
    "tests/runs/test_runs.py",
]
PINNED = re.compile(r"([\w.-]+)(?:\[[\w,.-]+\])?==([^\s;]+)")


def uv() -> str:
    """The program uv: beside this Python, or wherever it is found."""
    beside = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or (str(beside) if beside.exists() else shutil.which("uv"))
    if not found:
        sys.exit("tools/supply.py: needs uv: pip install uv")
    return found


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def lock() -> str:
    """The text of requirements.lock."""
    command = "pip compile pyproject.toml --quiet --constraint constraints.txt --generate-hashes --universal"
    options = [*command.split(), "--python-version", PYTHON, "--no-header", "--no-annotate"]
    made = subprocess.run([uv(), *options], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return (
        "# Every package of `pip install cxkit`, with the hashes of its files.\n# Made from pyproject.toml and"
        f" constraints.txt by: python tools/supply.py lock\n# For Python {PYTHON} or later:\n"
        f"#   pip install --require-hashes -r requirements.lock\n{made}"
    )


def conda() -> str:
    """The text of environment.yml."""
    about = project()
    lines = ["# For conda and mamba users: conda env create -f environment.yml",
             "# Made from pyproject.toml by: python tools/supply.py conda",
             f"name: {about['name']}", "channels:", "  - conda-forge", "dependencies:",
             f"  - python{about['requires-python']}", "  - pip"]  # fmt: skip
    for requirement in about["dependencies"]:
        name, bound = re.fullmatch(r"([\w.-]+(?:\[\w+\])?)(.*)", requirement).groups()  # type: ignore[union-attr]
        lines.append(f"  - {CONDA_NAMES.get(name, name)}{bound}")
    return "\n".join([*lines, "  - pip:", "      - --no-deps -e .", ""])


def sbom() -> str:
    """The bill of materials, as JSON; the same for the same lock."""
    text, about = (ROOT / "requirements.lock").read_text(encoding="utf-8"), project()
    parts = []
    for line in text.replace("\\\n", " ").splitlines():
        if not (pin := PINNED.match(line)):
            continue
        name, version = re.sub(r"[-_.]+", "-", pin[1]).lower(), pin[2]
        hashes = [{"alg": "SHA-256", "content": one} for one in re.findall(r"sha256:(\w+)", line)]
        purl, page = f"pkg:pypi/{name}@{version}", f"https://pypi.org/project/{name}/{version}/"
        files = [{"type": "distribution", "url": page, "hashes": hashes}]
        parts.append({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
                      "externalReferences": files})  # fmt: skip
    own = {"type": "application", "bom-ref": about["name"], "name": about["name"], "version": about["version"],
           "licenses": [{"license": {"id": about["license"]}}]}  # fmt: skip
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}",
            "metadata": {"component": own}, "components": parts}  # fmt: skip
    return json.dumps(bill, indent=1) + "\n"


def lowest(tests: list[str]) -> int:
    """Exit status of the tests with the lowest versions that are claimed."""
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/bin/python"
        subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
        install = [
            uv(),
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--resolution",
            "lowest-direct",
            "-e",
            ".[dev]",
        ]
        subprocess.run(install, cwd=ROOT, check=True)
        subprocess.run([uv(), "pip", "freeze", "--quiet", "--python", python, "--exclude-editable"], check=True)
        return subprocess.run([python, "-m", "pytest", *(tests or TESTS)], cwd=ROOT).returncode


def written(name: str, text: str, check: bool) -> int:
    """Write a file of the repository, or only tell whether it would change."""
    path = ROOT / name
    same = path.exists() and path.read_text(encoding="utf-8") == text
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not same:
        print(f"{name} is not as `python tools/supply.py` makes it", file=sys.stderr)
    return 1 if check and not same else 0


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    match arguments:
        case ["lock", *rest] if rest in ([], ["--check"]):
            return written("requirements.lock", lock(), bool(rest))
        case ["conda", *rest] if rest in ([], ["--check"]):
            return written("environment.yml", conda(), bool(rest))
        case ["sbom"]:
            print(sbom(), end="")
            return 0
        case ["lowest", *tests]:
            return lowest(tests)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
