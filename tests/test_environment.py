"""The lists of packages agree: pyproject.toml, environment.yml, constraints.txt and the README; who makes them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["project"]
    return found


def requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in parsed}


RUNTIME = requirements(project()["dependencies"])
DEV = requirements(project()["optional-dependencies"]["dev"])


def constraints() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line.split("#")[0].split(";")[0].strip() for line in text.splitlines()]
    pins = [re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s=]+)", line) for line in lines if line]
    assert None not in pins, "constraints.txt: every line is a comment or NAME==VERSION"
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def test_conda_has_every_package_of_the_project_in_the_same_versions() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    *listed, below_pip = yaml.safe_load(text)["dependencies"]
    packages = requirements(listed)
    assert str(packages.pop("python").specifier) == project()["requires-python"]
    assert str(packages.pop("pip").specifier) == ""
    names = {"ibis-framework": "ibis-duckdb"}  # conda-forge's own, with the backend
    assert {name: str(one.specifier) for name, one in packages.items()} == {
        names.get(name, name): str(one.specifier) for name, one in RUNTIME.items()
    }
    assert below_pip == {"pip": ["--no-deps -e ."]}


@pytest.mark.parametrize("name", sorted({*RUNTIME, *DEV}))
def test_constraints_pin_every_dependency_within_its_bounds(name: str) -> None:
    pins = constraints()
    assert name in pins
    assert (RUNTIME | DEV)[name].specifier.contains(pins[name])


def test_constraints_say_how_they_are_made_anew() -> None:
    comments = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    assert any("pip freeze" in line for line in comments)


def test_nothing_that_only_tests_need_is_installed_for_users() -> None:
    assert not set(RUNTIME) & {"pytest", "hypothesis", "mypy", "ruff", "statsmodels", "playwright"}
    assert not set(RUNTIME) & set(DEV)


def test_the_readme_lists_the_packages_that_are_installed() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^Needs Python 3\.11 or later\. pip brings (.+?)\.$", text, re.MULTILINE | re.DOTALL)
    names = {canonicalize_name(name) for name in re.findall(r"[A-Za-z][\w.-]+", listed.replace(" and ", " "))}
    assert names == set(RUNTIME)


def test_the_readme_has_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    start = "python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e "
    assert f"{start}. && .venv/bin/cxkit run params/demo.yaml\n" in text
    assert f"{start}'.[dev]' && .venv/bin/pytest\n" in text
