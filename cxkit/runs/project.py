"""A folder to work in: notebooks, parameters, a mapping to answer, and schemas from which an editor completes keys."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, Literal

from cxkit.errors import CxError
from cxkit.input.mapping import TODO, Mapping
from cxkit.metrics import METRICS
from cxkit.runs.files import TEMPORARY, put, remove
from cxkit.runs.jobs import slugs
from cxkit.runs.limits import Limits, carried
from cxkit.runs.params import Params, kit_notebook
from cxkit.runs.private import looking
from cxkit.strict import parse_yaml

About = Literal["params", "mapping"]
MODELINE = "# yaml-language-server: $schema="
IGNORED = """\
# what a run makes, and data: answers of customers do not belong into a repository
/reports/*
!/reports/README.md
/data/
"""
REPORTS = "Each run publishes a folder here, unless `--out` names another; what may not be shared lies elsewhere.\n"


def schema(about: About) -> dict[str, Any]:
    """The JSON schema of the keys of a parameters file or of a mapping, for editors.

    >>> schema("params")["properties"]["period"]["enum"]
    ['month', 'quarter', 'week', 'day', 'year', 'wave']
    """
    found = (Params if about == "params" else Mapping).model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def new(folder: Path, export: str | None, limits: Limits, service: bool = False) -> str:
    """Make a project.

    Args:
        folder: Its folder, which is not there yet or empty.
        export: What the reports are about, of which a mapping is drafted; the kit's synthetic sample if None.
        limits: Of looking at the export.
        service: Whether the export is of tickets, and the pages tell how long they take and which promises are kept.

    Returns:
        What to do next.

    Raises:
        CxError: A folder that holds something, an export that cannot be read or has no clocks; nothing is left then.
    """
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise CxError(f"{folder}: expected a folder that is new or empty")
    if service and export is None:
        raise CxError(
            "--service: expected an export of tickets; `cxkit run params/service.yaml` shows those of the sample"
        )
    (name,) = slugs([folder.resolve().name], ())
    with looking():
        work = f"cxkit.inspection.draft:{'inspect_tickets' if service else 'inspect'}"
        draft = "" if export is None else carried(work, export, limits=limits)
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder.absolute().parent))
    try:
        for path, text in _files(name, export, draft, service).items():
            put(made / path, text.encode(), 0o666 & ~_umask())
        folder.mkdir(mode=0o777, exist_ok=True)
        for part in made.iterdir():
            part.replace(folder / part.name)
    finally:
        remove(made)
    asked = questions(draft)
    file = folder / "params" / f"{name}.yaml"
    todo = (
        f"{asked} questions in {folder / 'params' / 'mappings' / f'{name}.yaml'} say TODO; answer them, then: "
        * bool(asked)
    )
    return f"{todo}cxkit check {shlex.quote(str(file))} && cxkit run {shlex.quote(str(file))}"


def questions(draft: str) -> int:
    """How many questions a drafted mapping leaves open."""
    return sum(TODO in line for line in draft.splitlines() if not line.lstrip().startswith("#"))


def _files(name: str, export: str | None, draft: str, service: bool) -> dict[str, str]:
    """Path in the project -> text."""
    files = {f"params/{about}.schema.json": json.dumps(schema(about), indent=1) for about in ("params", "mapping")}
    files |= {".gitignore": IGNORED, "reports/README.md": REPORTS}
    page = f"notebooks/{'service' if service else 'report'}.ipynb"
    files[page] = kit_notebook(page).read_text("utf-8")
    files[f"params/{name}.yaml"] = _params(name, export, parse_yaml(draft, "mapping") or {}, page, service)
    if export is not None:
        files[f"params/mappings/{name}.yaml"] = f"{MODELINE}../mapping.schema.json\n{draft}"
    return files


def _params(name: str, export: str | None, mapping: dict[str, Any], page: str, service: bool) -> str:
    items, cuts = mapping.get("items") or {}, list(mapping.get("dimensions") or {})
    measured = [_measured(item, declared if isinstance(declared, dict) else {}) for item, declared in items.items()]
    promises = [name for name, declared in items.items() if isinstance(declared, dict) and declared.get("within")]
    known = {name: place for place, name in enumerate([*promises[::-1], *METRICS])}
    source = "sample" if export is None else export if "://" in export else os.path.abspath(export)
    lines = {
        "name": (json.dumps(name), "the shelf is reports/" + name),
        "title": (json.dumps(name), "what the pages call the run"),
        "source": (json.dumps(source, ensure_ascii=False), "a file, several files, a database"),
        **({"mapping": (f"mappings/{name}.yaml", "what the columns mean")} if export is not None else {}),
        "metrics": (
            f"[{', '.join(sorted(measured, key=lambda name: known.get(name, len(known)))) or 'nps'}]",
            "the first one leads",
        ),
        "period": ("wave" if "wave" in (mapping.get("columns") or {}) else "month", "or quarter, week, year, wave"),
        **({"report": (page, "the page of each place")} if service else {}),
        **(
            {"cohorts": ("full_resolution", "by the period in which cases were opened")}
            if service and "full_resolution" in items
            else {}
        ),
        "against": ("previous", "or year_ago, or a period such as 2026-04, or two: [previous, year_ago]"),
        "for_each": ("[]", f"a report each, one dimension or two: {', '.join(cuts) or 'brand, channel'}"),
        "segments": ("[]", "dimensions that are compared inside each report"),
    }
    head = (
        f"{MODELINE}params.schema.json\n# Which reports are wanted; with the schema an editor completes the keys.\n\n"
    )
    return head + "".join(f"{key}: {value} # {words}\n" for key, (value, words) in lines.items())


def _measured(item: str, declared: dict[str, Any]) -> str:
    """The metric that an item of a drafted mapping is reported by: of another scale than the usual the mean is left."""
    scale = tuple(declared.get("scale") or ())
    fits = (m.name for m in METRICS.values() if m.item == item and (scale in ((), m.scale) or m.statistic == "mean"))
    return item if declared.get("measure") else next(fits, item)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
