"""How many small faults do the tests notice? `python tools/mutants.py [--n 200] [--seed 1] [MODULE ...]`.

A mutant is a module in which one comparison, operator, constant or condition is another. Each is put into a copy of
this tree, and those tests of its folder (`tests/stats` and the examples in `cxkit/stats`, for `cxkit/stats`) that call
the changed function are run until one fails, short ones first. What no test notices is printed: the place, what stood
there, and what stands there now.

A first pass over each folder records which test calls which function; what a fixture calls belongs to all tests of the
file. Text, annotations, messages of errors and the arguments named in `SAME` stay: nothing could notice.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import compileall
import contextlib
import itertools
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

import ibis  # noqa: F401 - here and in the next lines: what every test needs, loaded once and then forked
import pandas  # noqa: F401
import pytest
import scipy.stats  # noqa: F401
from hypothesis import Phase, settings

ROOT = Path(__file__).parents[1]
MODULES = ["cxkit/stats", "cxkit/analysis", "cxkit/tallies"]
SAME = {"strict", "frozen", "slots", "copy", "stacklevel", "check", "indent", "ignore_index", "use_threads"}
UNCHANGED = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)
OTHERS: dict[type, tuple[type[Any], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip


@dataclass
class Mutant:
    """One change: the module, the function it is in ("" outside of any), the line, and both texts."""

    module: str
    function: str
    line: int
    kind: str
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} ({self.kind}) {self.before}  ->  {self.after}"


# Making them


def mutants(module: str) -> list[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    return [_made(module, tree, *site) for site in _sites(tree, "")]


def _made(module: str, tree: ast.Module, place: list[Any], at: int, function: str, kind: str, new: ast.AST) -> Mutant:
    old = place[at]
    place[at] = new
    source = ast.unparse(tree)
    place[at] = old
    return Mutant(module, function, old.lineno, kind, _short(old), _short(new), source)


def _short(node: ast.AST) -> str:
    """One line; of a statement, its condition."""
    text = ast.unparse(node)
    return text.split("\n")[0] if isinstance(node, ast.If | ast.While) else " ".join(text.split())


def _sites(node: ast.AST, function: str) -> Iterator[tuple[list[Any], int, str, str, ast.AST]]:
    """(list, position in it, function, kind, what stands there instead) of every change below a node."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        place = field if isinstance(field, list) else _Field(node, name)
        for at, child in enumerate(list(place)):
            if not isinstance(child, ast.AST) or isinstance(child, UNCHANGED):
                continue
            if isinstance(child, ast.keyword) and child.arg in SAME:
                continue
            inner = _inner(node, child, function)
            yield from ((place, at, inner, *change) for change in _changes(child))
            if name == "ifs":
                yield place, at, inner, "condition", ast.UnaryOp(ast.Not(), cast(ast.expr, child))
            yield from _sites(child, inner)


class _Field(list[Any]):
    """A field that holds one node, as a list that sets it."""

    def __init__(self, node: ast.AST, name: str) -> None:
        super().__init__([getattr(node, name)])
        self.node, self.name = node, name

    def __setitem__(self, at: Any, value: Any) -> None:
        super().__setitem__(at, value)
        setattr(self.node, self.name, value)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            for i, op in enumerate(ops):
                for new in OTHERS[type(op)]:
                    yield "comparison", ast.Compare(left, [*ops[:i], new(), *ops[i + 1 :]], others)
        case ast.BinOp(left=left, op=op, right=right) if not (_is_text(left) or _is_text(right)):
            yield from (("operator", ast.BinOp(left, new(), right)) for new in OTHERS.get(type(op), ()))
        case ast.AugAssign(target=target, op=op, value=value) if not _is_text(value):
            yield from (("operator", ast.AugAssign(target, new(), value)) for new in OTHERS.get(type(op), ()))
        case ast.BoolOp(op=op, values=values):
            yield from (("condition", ast.BoolOp(new(), values)) for new in OTHERS[type(op)])
        case ast.If(test=test, body=body, orelse=orelse):
            yield "condition", ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "condition", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.UnaryOp(operand=operand):
            yield "operator", operand
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield "constant", ast.Constant(value + 1)
            if isinstance(value, float) and value:
                yield "constant", ast.Constant(value * 2)


def _is_text(node: ast.AST) -> bool:
    """Text or None: operators put strings and types together, too."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | None))


# Running them

CALLED: set[tuple[str, str]] = set()
"""(module, function) of what has been called, as functions with a note in them tell."""
HOOK = "_note_call"


def noting(module: str, source: str) -> str:
    """A module of which each function says that it is called, where somebody listens: not in another process."""
    tree = ast.parse(source)
    for node, name in _functions(tree, ""):
        call = ast.parse(f"{HOOK}({(module, name)!r})").body
        at = 1 if ast.get_docstring(node) is not None else 0
        node.body[at:at] = call
    quiet = ast.parse(f"import builtins\n{HOOK} = getattr(builtins, {HOOK!r}, lambda call: None)").body
    first = (ast.get_docstring(tree) is not None) + any(isinstance(node, ast.ImportFrom) for node in tree.body[:2])
    tree.body[first:first] = quiet  # below the docstring and the import from __future__
    return ast.unparse(ast.fix_missing_locations(tree))


def _functions(node: ast.AST, outer: str) -> Iterator[tuple[ast.FunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        name = _inner(node, child, outer)
        yield from _functions(child, name)
        if isinstance(child, ast.FunctionDef):
            yield child, name


def _inner(node: ast.AST, child: ast.AST, outer: str) -> str:
    """The qualified name of what a child is in."""
    if not isinstance(child, ast.FunctionDef | ast.ClassDef):
        return outer
    between = ".<locals>." if isinstance(node, ast.FunctionDef) else "."
    return f"{outer}{between}{child.name}" if outer else child.name


class Watcher:
    """A pytest plugin that notes for each test which functions of the package it calls, and how long it takes."""

    def __init__(self) -> None:
        self.calls: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.files: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def _noting(self, test: str, into: set[tuple[str, str]]) -> Iterator[None]:
        CALLED.clear()
        begun = sum(os.times()[:4])
        try:
            return (yield)
        finally:
            into |= CALLED
            self.seconds[test] += sum(os.times()[:4]) - begun

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        return (yield from self._noting(item.nodeid, self.files[item.nodeid.split("::")[0]]))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        return (yield from self._noting(item.nodeid, self.calls[item.nodeid]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def calling(self, mutant: Mutant, budget: float) -> dict[str, float]:
        """The tests that call the function of a mutant (outside of any, the module), with their seconds."""

        def hit(calls: set[tuple[str, str]]) -> bool:
            return any(module == mutant.module and mutant.function in ("", name) for module, name in calls)

        files = {name for name, calls in self.files.items() if hit(calls)}
        tests = {name for name, calls in self.calls.items() if hit(calls) or name.split("::")[0] in files}
        chosen = sorted(tests - self.failed, key=lambda name: self.seconds[name])
        spent = itertools.accumulate(self.seconds[name] for name in chosen)
        return {name: self.seconds[name] for name, until in zip(chosen, spent, strict=True) if until <= budget}


class Chosen:
    """A pytest plugin that runs these tests only, files that take little first."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.files: dict[str, float] = defaultdict(float)
        for name, took in seconds.items():
            self.files[name.split("::")[0]] += took

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.seconds]
        items.sort(key=lambda item: self.files[item.nodeid.split("::")[0]])


def options(tree: Path, *more: str) -> list[str]:
    without = ["-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", "--hypothesis-seed=0", "--tb=no"]
    without += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is loaded before the fork
    return [f"--rootdir={tree}", *without, "-q", "-m", "not slow", "--doctest-modules", *more]


@contextlib.contextmanager
def instead(path: Path, source: str) -> Iterator[None]:
    """Another source for a while. Its time comes back, too: by it Python knows whether what it has compiled is new."""
    stood, times = path.read_bytes(), path.stat()
    path.write_text(source, encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(stood)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def forked(tree: Path, work: Callable[[], int], limit: float) -> int | None:
    """The exit status of work done in a fork, in the copy and in silence; None where it takes too long."""
    if not (child := os.fork()):
        _alone(tree, work)
    end = time.monotonic() + limit
    status = None
    while status is None and time.monotonic() < end:
        done, raw = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(raw) if done else None
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if status is None:
        os.waitpid(child, 0)
    return status


def _alone(tree: Path, work: Callable[[], int]) -> NoReturn:
    """What a fork does; it never comes back, or it would go on as its parent."""
    status = 3
    try:
        os.setsid()
        log = os.open(tree / "log.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(log, number)
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        status = int(work())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def watch(tree: Path, folder: str, kept: Path) -> Watcher:
    """One pass over the tests of a folder, or what an earlier one noted."""
    notes = kept / f"{folder}.pickle"

    def work() -> int:
        vars(builtins)[HOOK] = CALLED.add
        watcher = Watcher()
        status = pytest.main(options(tree, f"cxkit/{folder}", f"tests/{folder}"), plugins=[watcher])
        notes.write_bytes(pickle.dumps(watcher))
        return status

    if not notes.exists():
        paths = [path for path in (tree / "cxkit" / folder).glob("*.py") if path.name != "__init__.py"]
        sources = {path: noting(str(path.relative_to(tree)), path.read_text(encoding="utf-8")) for path in paths}
        with contextlib.ExitStack() as stack:
            for path, source in sources.items():
                stack.enter_context(instead(path, source))
            status = forked(tree, work, 3600)
        if status not in (0, 1):
            raise SystemExit(f"the tests of {folder} do not run:\n{(tree / 'log.txt').read_text()[-2000:]}")
    watcher: Watcher = pickle.loads(notes.read_bytes())
    print(f"{folder}: {len(watcher.calls)} tests, {sum(watcher.seconds.values()):.0f} s", flush=True)
    if watcher.failed:
        print(f"left out, because they fail as it is: {', '.join(sorted(watcher.failed))}")
    return watcher


def survives(tree: Path, mutant: Mutant, seconds: dict[str, float]) -> bool:
    """Whether no test notices. A fault that keeps the tests busy for ever is noticed."""
    files = sorted({name.split("::")[0] for name in seconds})
    if not files:
        return True

    def work() -> int:
        sys.dont_write_bytecode = True
        settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
        settings.load_profile("mutants")  # a counterexample need not be made short
        return pytest.main(options(tree, "-x", *files), plugins=[Chosen(seconds)])

    with instead(tree / mutant.module, mutant.source):
        return forked(tree, work, 60 + 20 * sum(seconds.values())) == 0


# The command


def modules(names: list[str]) -> list[str]:
    """The files of these folders, or files."""
    found: list[str] = []
    for name in names:
        path = ROOT / name
        found += [str(p.relative_to(ROOT)) for p in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    return [name for name in found if not name.endswith("__init__.py")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", nargs="*", default=MODULES, help="files or folders, as cxkit/stats")
    parser.add_argument("--n", type=int, default=200, help="how many of all mutants, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=1)
    help_ = "seconds of processor time per mutant, in which short tests come first; the rest is not run"
    parser.add_argument("--budget", type=float, default=30, help=help_)
    parser.add_argument("--notes", type=Path, metavar="DIR", help="keep there which test calls what, for the next time")
    args = parser.parse_args()
    begun = time.monotonic()
    every = [mutant for name in modules(args.module) for mutant in mutants(name)]
    drawn = random.Random(args.seed).sample(every, args.n) if 0 < args.n < len(every) else every
    drawn.sort(key=lambda mutant: (mutant.module, mutant.line))
    print(f"{len(drawn)} of {len(every)} mutants, seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "node_modules", "__pycache__"))
        kept = args.notes or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        compileall.compile_dir(tree / "cxkit", quiet=2)
        left, watchers = [], dict[str, Watcher]()
        for mutant in drawn:
            own = mutant.module.split("/")[1]
            if own not in watchers:
                watchers[own] = watch(tree, own, kept)
            if survives(tree, mutant, watchers[own].calling(mutant, args.budget)):
                left.append(mutant)
                print(mutant, flush=True)
    for name in sorted({Path(mutant.module).parent for mutant in drawn}):
        both = [sum(Path(mutant.module).parent == name for mutant in some) for some in (left, drawn)]
        print(f"{name}: {both[1] - both[0]} of {both[1]}")
    killed = len(drawn) - len(left)
    print(f"killed {killed} of {len(drawn)}, {killed / len(drawn):.3f}, in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
