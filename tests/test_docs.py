"""What the documents say is true of the code: their Python runs, their YAML is accepted, their links lead somewhere."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command

import cxkit as cx
from cxkit import cli
from cxkit.input.mapping import Mapping, load_mapping
from cxkit.metrics import METRICS
from cxkit.runs.params import Params, load
from cxkit.strict import parse_yaml

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "reports" / "README.md"]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(document: Path, language: str) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def yaml_files(document: Path) -> dict[str, str]:
    """The YAML blocks of a document, by the file name in their first line."""
    named = {}
    for block in blocks(document, "yaml"):
        first = re.match(r"# (params/\S+\.yaml)", block)
        assert first, f"{document.name}: a YAML block begins with the name of its file"
        named[first[1]] = block
    return named


YAML = [(document, name, text) for document in DOCUMENTS for name, text in yaml_files(document).items()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_in_documents_runs_and_prints_what_it_says(document: Path) -> None:
    names: dict[str, object] = {}
    for block in blocks(document, "python"):
        exec(compile(block, document.name, "exec"), names)
    session = "\n".join(blocks(document, "pycon"))
    example = doctest.DocTestParser().get_doctest(session, names, document.name, str(document), 0)
    outcome = doctest.DocTestRunner(optionflags=FLAGS).run(example)
    assert outcome.failed == 0


@pytest.mark.parametrize(("document", "name", "text"), YAML, ids=[f"{path.name}:{name}" for path, name, _ in YAML])
def test_yaml_in_documents_is_accepted(document: Path, name: str, text: str, tmp_path: Path) -> None:
    if name.startswith("params/mappings/"):
        assert load_mapping(parse_yaml(text, name)).items
        return
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    params = load(file)
    if isinstance(params.mapping, dict):
        load_mapping(params.mapping)


RECIPES = re.findall(
    r"^### (.*?)\n.*?^```csv\n(.*?)^```.*?^```yaml\n(.*?)^```.*?^```text\n(.*?)^```",
    (ROOT / "docs" / "mapping.md").read_text("utf-8").partition("## Recipes")[2],
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("title", "rows", "mapping", "table"), RECIPES, ids=[title for title, *_ in RECIPES])
def test_a_recipe_gives_what_it_says(title: str, rows: str, mapping: str, table: str, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(rows, encoding="utf-8")
    survey = cx.read(tmp_path / "export.csv", parse_yaml(mapping, title))
    found = cx.estimate(cx.tally(survey, list(survey.metrics), period="month"), periods=["2026-10"])
    shown = found[["metric", "n", "value", "low", "high"]].to_string(index=False, float_format="{:.1f}".format)
    assert [line.split() for line in shown.splitlines()] == [line.split() for line in table.splitlines()], shown


def test_the_walk_through_of_the_readme_leads_to_a_comparison(tmp_path: Path) -> None:
    files = yaml_files(ROOT / "README.md")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    rng, n = np.random.default_rng(1), 600
    columns = re.findall(r"`(\w+)`", re.search(r"an export with the columns (.*?):", readme(), re.DOTALL)[1])  # type: ignore[index]
    export = pd.DataFrame({
        "date": rng.choice(["2026-09-03", "2026-10-30"], n), "customer": [f"C{i}" for i in rng.integers(0, 900, n)],
        "shop": rng.choice(["Bonn", "Kiel"], n), "channel": rng.choice(["phone", "web"], n),
        "score": rng.choice([*range(11), 99], n), "satisfied": rng.integers(1, 6, n),
    })  # fmt: skip
    assert list(export.columns) == columns
    (tmp_path / "data").mkdir()
    export.to_csv(tmp_path / "data" / "acme.csv", index=False)

    params = load(tmp_path / "params" / "acme.yaml", as_of="2026-11-15")
    survey = cx.read(params.source, mapping=params.mapping, folder=params.data)
    assert survey.refused["reason"].str.contains("no answer").any()
    by = [*params.for_each, *params.segments]
    tallies = cx.tally(survey, params.metrics, by=by, period=params.period)
    table = cx.compare(tallies, now="2026-10", before="2026-09", by=list(params.for_each))
    assert set(table["metric"]) == {"nps", "csat"}
    assert set(table["shop"]) == {"Bonn", "Kiel"}


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8"))
    absent = [one for one in targets if "://" not in one and not (document.parent / one).exists()]
    assert absent == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_exist(document: Path) -> None:
    named = re.findall(r"(?<![\w/])((?:notebooks|params|docs|cxkit)/[\w/.-]*\w)", document.read_text(encoding="utf-8"))
    invented = ("acme", "airline", "waves", "NAME")
    absent = [one for one in named if not any(word in one for word in invented) and not (ROOT / one).exists()]
    assert absent == []


def test_the_guide_has_every_key() -> None:
    text = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    keys = {*Mapping.model_fields, *Params.model_fields}
    for field in ("columns", "items", "dimensions"):
        inner = Mapping.model_fields[field].annotation
        model = next(iter(kind for kind in [inner, *getattr(inner, "__args__", ())] if hasattr(kind, "model_fields")))
        keys |= {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_the_guide_says_the_codes_of_the_metrics() -> None:
    text = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    assert "yes 1, no 0; `cared` unsure 2; `loyalty` helped 1, no change 0, hurt -1" in text
    assert METRICS["cared"].classes == {"No": (0.0,), "Unsure": (2.0,), "Yes": (1.0,)}
    assert METRICS["loyalty"].classes == {"Hurt": (-1.0,), "No change": (0.0,), "Helped": (1.0,)}


@pytest.mark.parametrize("name", ["README.md", "docs/scheduling.md", "docs/mapping.md"])
def test_commands_have_only_options_that_exist(name: str) -> None:
    commands = get_command(cli.app).commands.values()  # type: ignore[attr-defined]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    lines = [line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if "cxkit run" in line]
    assert lines
    used = {option for line in lines for option in re.findall(r"(?<=\s)--[a-z-]+", line.split("cxkit run")[1])}
    assert used <= known


def test_the_map_of_the_architecture_names_what_is_there() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|.*?\|(.*)\|$", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    assert {folder for folder, _ in rows} == {
        p.name for p in (ROOT / "cxkit").iterdir() if (p / "__init__.py").exists()
    }
    for folder, text in rows:
        for module in re.findall(r"`(\w+)`", text):
            assert (ROOT / "cxkit" / folder / f"{module}.py").exists(), (folder, module)


def test_notebooks_are_committed_without_outputs() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells), path.name


def test_each_promise_of_privacy_names_a_test_that_is_there():
    found = re.findall(r"`(tests/\S+\.py)::(\w+)`", (ROOT / "docs" / "privacy.md").read_text("utf-8"))
    assert len(found) > 5
    assert [name for file, name in found if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []
