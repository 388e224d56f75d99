"""What a notebook depends on, told from its source: its own place, the whole run, or things that nobody can know.

A report may be kept only where nothing that it shows has changed. The rules are narrow on purpose: what they do not
recognise is built again.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, Literal

Scope = Literal["place", "run", "unknown"]

_PACKAGES = """IPython __future__ collections cxkit dataclasses functools itertools math matplotlib numpy operator
    pandas re scipy seaborn statistics string textwrap typing"""
KNOWN = frozenset(_PACKAGES.split())
"""Packages that bring nothing of their own into a page."""
OUTSIDE = re.compile(
    r"read(_\w+)?|open|connect|urlopen|urlretrieve|fetch\w*|load_dataset|loadtxt|loadmat|genfromtxt|fromfile|memmap|imread"
    r"|eval|exec|compile|input|getattr|globals|locals|vars|__\w+__|get_ipython|system|environ|getenv"
)
"""Names that reach for files, addresses, or for anything at all."""
CLOCK = ("now", "today", "utcnow")
PRINTED = ("data_date", "lonely", "months", "partial", "roles", "rows", "synthetic", "timezone", "where")
"""Parts of the provenance that a report may print; the others (files, audit of the whole data) are the overview's."""
THE_RUNS = {"by": "list(where)", "metrics": "metrics", "lead": "lead.name"}
"""How a comparison is called that is the run's own: another family would depend on cells of other places."""
FACTS = (
    "metrics",
    "audit",
    "period",
    "rules",
    "weighted",
)  # of the tallies: the same in all reports of a run, hashed for each


def scope(notebook: Path) -> Scope:
    """What the pages of a notebook depend on, beside its parameters and the code.

    Returns:
        "place": the cells of its own place (every use of the tallies is narrowed by `where`), and what all share;
        "run": the tallies of the run; "unknown": it imports or reads something else, or does what cannot be followed.
    """
    source = "\n".join(_code(notebook))
    try:
        tree = ast.parse(re.sub(r"^%(matplotlib|config)\b.*", "", source, flags=re.MULTILINE))
    except SyntaxError:  # magics, shell commands
        return "unknown"
    nodes = list(ast.walk(tree))
    if any(_outside(node) for node in nodes):
        return "unknown"
    parents = {child: node for node in nodes for child in ast.iter_child_nodes(node)}
    return "place" if _narrow(nodes, parents) else "run"


def _code(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code" and not _tagged(cell)]


def _tagged(cell: dict[str, Any]) -> bool:
    return "parameters" in cell.get("metadata", {}).get("tags", [])


def _outside(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] not in KNOWN for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = [alias.name for alias in node.names]
        known = node.level == 0 and str(node.module).split(".")[0] in KNOWN
        return not known or "*" in names or any(OUTSIDE.fullmatch(name) for name in names)
    if isinstance(node, ast.Attribute):
        return OUTSIDE.fullmatch(node.attr) is not None or node.attr in CLOCK
    return isinstance(node, ast.Name) and OUTSIDE.fullmatch(node.id) is not None


def _narrow(nodes: list[ast.AST], parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether every use of the tallies is narrowed to the notebook's own place."""
    loads = [node for node in nodes if isinstance(node, ast.Call) and _called(node) == "load"]
    names = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and node.value in loads:
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        stored = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "where"
        if stored or (isinstance(node, ast.Name) and node.id == "tallies" and parents.get(node) not in loads):
            return False
    plain = [node for node in nodes if isinstance(node, ast.Name) and node.id in names]
    uses = [node for node in plain if isinstance(node.ctx, ast.Load)]
    inline = [call for call in loads if not isinstance(parents[call], ast.Assign)]
    return all(_own(use, parents) for use in [*uses, *inline])


def _own(use: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether one use of the tallies shows nothing of another place."""
    user = parents[use]
    if isinstance(user, ast.Attribute):
        return user.attr in FACTS or (user.attr == "provenance" and _harmless(user, parents[user]))
    if not isinstance(user, ast.Call) or not user.args or user.args[0] is not use:
        return False
    given = {keyword.arg: keyword.value for keyword in user.keywords}
    if _is_where(given.get("where")) or (
        _called(user) == "provenance" and len(user.args) > 1 and _is_where(user.args[1])
    ):
        return True
    narrowed = parents[user]  # a frame of all places, of which cx.at takes one: the run's own comparison only
    if not isinstance(narrowed, ast.Call) or _called(narrowed) != "at" or not _is_where(narrowed.args[-1]):
        return False
    family = {name: ast.unparse(given[name]) for name in ("by", "metrics", "lead") if name in given}
    return _called(user) == "estimate" or family == THE_RUNS


def _harmless(provenance: ast.Attribute, user: ast.AST) -> bool:
    """Whether only such parts of the provenance can be shown as all reports of a run are hashed with."""
    if isinstance(user, ast.Subscript):
        return isinstance(user.slice, ast.Constant) and user.slice.value in PRINTED
    call = user if isinstance(user, ast.Call) else None
    shown = isinstance(user, ast.keyword) or call is not None
    return shown and (call is None or ast.unparse(call.func) in ("show.header", "show.audit"))


def _is_where(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Name) and node.id == "where"


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
