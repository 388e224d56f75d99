"""The command `cxkit`: what a person or a scheduler types. Imports of any weight wait until a command needs them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cxkit.errors import CxError, printable, refusal
from cxkit.runs.limits import Limits, carried

if TYPE_CHECKING:
    import pandas as pd

    from cxkit.runs.params import RunParams

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Customer-experience reports that say how sure they are.",
    epilog="Exit status: 0 all reports are fine, 1 some failed or it was stopped, 2 parameters or the data are wrong.",
)

Engine = Literal["warm", "kernel"]
Log = Literal["text", "json"]
ParamsFile = Annotated[Path, typer.Argument(metavar="PARAMS.yaml", help="Parameters of the run.", show_default=False)]
Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the file; dots lead inwards. Repeatable."),
]
Out = Annotated[str | None, typer.Option(metavar="DIR", help="The shelf to publish on; by default reports/NAME.")]
AsOf = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Count relative periods from this day, as in 2026-11-01; by default today."),
]

Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.1, help="What a report, or reading the data, may take.")
]
Memory = Annotated[
    int, typer.Option(metavar="MB", min=16, help="What a report, or reading the data, may allocate beyond libraries.")
]


def _version(wanted: bool) -> None:
    if wanted:
        from cxkit import __version__

        _say(f"cxkit {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    params: ParamsFile,
    out: Out = None,
    work: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where private files are kept; by default in the user's state.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Reports made at a time; by default one per processor.")
    ] = None,
    only: Annotated[
        list[str],
        typer.Option("--only", metavar="KEY=VALUE", help="Make only these reports, as in brand=Acme. Repeatable."),
    ] = [],  # noqa: B006  (typer reads it, nothing changes it)
    sets: Sets = [],  # noqa: B006
    as_of: AsOf = None,
    engine: Annotated[
        Engine,
        typer.Option(help="What runs the cells: forks of a warm process, or an ordinary kernel for each report."),
    ] = "warm",
    timeout: Timeout = 600,
    force: Annotated[
        bool, typer.Option("--force", help="Make every page again, also where nothing has changed.")
    ] = False,
    keep: Annotated[
        int, typer.Option(metavar="N", min=0, help="Earlier runs to keep in the folder `runs` of the shelf.")
    ] = 0,
    older: Annotated[bool, typer.Option("--older", help="Replace also a shelf that is as of a later day.")] = False,
    log: Annotated[Log, typer.Option(help="How results are told: words, or a line of JSON for each report.")] = "text",
    fail_on: Annotated[
        Literal["signal"] | None, typer.Option(help="End with status 3 where the reports are there and one signals.")
    ] = None,
    memory: Memory = 4096,
) -> None:
    """Make every report of a run, and print the path of its index."""
    with _readable():
        from cxkit.runs import private, progress
        from cxkit.runs.run import run as make
        from cxkit.runs.run import shelf_of

        began = time.monotonic()
        checked = _load(params, sets, only, as_of)
        folder = shelf_of(checked, out)
        given: dict[str, Any] = {
            "work": work,
            "workers": workers,
            "engine": engine,
            "limits": Limits(timeout, memory << 20),
        }
        given |= {"force": force, "keep": keep, "older": older, "tell": _say if log == "text" else None}
        given["remark"] = progress.record if log == "json" else None
        manifest = make(checked, folder, progress=lambda total: progress.progress(total, log), **given)
        if log == "text":
            progress.summarise(manifest, private.private(folder, work), time.monotonic() - began)
            _say(str(folder / "index.html"))
        for one in manifest["signals"] if log == "json" else ():
            progress.record({"signal": one})
        failed = sum(job["status"] == "failed" for job in manifest["jobs"])
    raise typer.Exit(1 if failed else 3 if fail_on and manifest["signals"] else 0)


@app.command()
def inspect(
    export: Annotated[
        str, typer.Argument(metavar="EXPORT", help="A file, or a folder of Parquet.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the mapping is written; else it is shown.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text, such as utf-8 or cp1252.")] = None,
    separator: Annotated[str | None, typer.Option(help="Between the columns of text.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; else its first.")] = None,
    header_row: Annotated[
        list[int], typer.Option(metavar="ROW", help="Where the names of the columns stand; twice for two rows.")
    ] = [],  # noqa: B006
    layout: Annotated[str | None, typer.Option(help="Of a survey tool, whether its marks are there or not.")] = None,
    timeout: Timeout = 600,
    memory: Memory = 4096,
) -> None:
    """Look at an export and write a mapping to start from, with TODO where only a person can know."""
    with _readable():
        if out and out.exists():
            raise CxError(f"{out}: exists; name another file")
        from cxkit.runs.private import looking

        with looking():
            told = {
                "encoding": encoding,
                "separator": separator,
                "sheet": sheet,
                "header_row": header_row,
                "layout": layout,
            }
            source = {"path": export} | {key: value for key, value in told.items() if value}
            text = carried("cxkit.inspection.draft:inspect", source, limits=Limits(timeout, memory << 20))
        if out is None:
            _say(text.rstrip("\n"))
            return
        from cxkit.runs.project import questions

        out.write_text(text, encoding="utf-8")
        _say(f"{out}: {questions(text)} questions say TODO; answer them, then name the file as `mapping` of a run")


@app.command()
def check(
    params: ParamsFile,
    out: Out = None,
    sets: Sets = [],  # noqa: B006
    as_of: AsOf = None,
    log: Annotated[Log, typer.Option(help="In words, or a line of JSON for each remark on the data.")] = "text",
    timeout: Timeout = 600,
    memory: Memory = 4096,
) -> None:
    """Check parameters, notebooks and data without making a report, and whether the last run has published."""
    with _readable():
        checked = _load(params, sets, [], as_of)
        from cxkit.runs import progress, publishing, shelf
        from cxkit.runs.private import looking
        from cxkit.runs.run import shelf_of

        if "publishing" in shelf.claim(folder := shelf_of(checked, out), checked.name) and log == "text":
            _say(f"{folder}: {publishing.BROKEN}, or is just publishing; the next run finishes it")
        with looking():
            limits = Limits(timeout, memory << 20)
            lines, odd = carried("cxkit.runs.prepare:told", checked, limits=limits, memory=checked.memory)
        for line in lines if log == "text" else ():
            _say(line)
        for row in odd if log == "json" else ():
            progress.record(row)
    raise typer.Exit(2 if any(row["weight"] == "stop" for row in odd) else 0)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    export: Annotated[
        str | None, typer.Argument(metavar="EXPORT", help="What the reports are about; else the synthetic sample.")
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="EXPORT holds tickets: how long they take, and which promises are kept.")
    ] = False,
    timeout: Timeout = 600,
    memory: Memory = 4096,
) -> None:
    """Make a project: notebooks, parameters, and of an export a mapping to start from."""
    with _readable():
        from cxkit.runs import project

        _say(project.new(folder, export, Limits(timeout, memory << 20), service))


@app.command()
def schema(about: Annotated[Literal["params", "mapping"], typer.Argument(help="Of which file.")] = "params") -> None:
    """Print the JSON schema of a parameters file or of a mapping, for editors."""
    import json

    from cxkit.runs import project

    _say(json.dumps(project.schema(about), indent=1))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files are written.")] = Path("data/sample"),
) -> None:
    """Write the synthetic sample data set, to try mappings and notebooks on."""
    with _readable():
        from cxkit.sample.write import write

        for path in write(folder):
            _say(str(path))


@app.command()
def plan(
    metric: Annotated[str, typer.Option(help="Which metric, as in nps.")],
    change: Annotated[float | None, typer.Option(help="The change to find, in the metric's unit.")] = None,
    share: Annotated[float | None, typer.Option(help="For shares: about where it stands, in percent.")] = None,
    shares: Annotated[
        str | None, typer.Option(help="For net scores: percent of detractors, passives, promoters, as in 20,30,50.")
    ] = None,
    sd: Annotated[float | None, typer.Option(help="For means: the standard deviation of one answer.")] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.9999, help="Confidence level.")] = 0.95,
) -> None:
    """Tell how many answers a change needs, and what a base could show."""
    with _readable():
        from cxkit.analysis.planning import answers_needed, detectable_changes

        parts = None if shares is None else _percents(shares)
        spread: dict[str, Any] = {"share": share, "shares": parts, "sd": sd, "level": level}
        if change is not None:
            needed = answers_needed(metric, change, **spread)
            title = f"Answers in each period to show a change of {change:g} ({metric})"
            _table(
                title,
                "comparisons",
                needed.pivot(index="comparisons", columns="power", values="n"),
                "{:,.0f}",
                "{:.0%} power",
            )
        seen = detectable_changes(metric, **spread)
        title = f"Smallest change that could be shown with 80 % power ({metric}), one comparison of so many"
        _table(
            title,
            "n per period",
            seen.pivot(index="n", columns="comparisons", values="detectable"),
            "{:.3g}",
            "of {}",
        )
        _say("n counts effective answers: multiply by the design effect where answers are weighted or clustered.")


def _percents(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise CxError(f"shares: expected three numbers such as 20,30,50, found {text!r}") from None


def _table(title: str, corner: str, frame: pd.DataFrame, number: str, head: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column(corner, justify="right")
    for column in frame.columns:
        table.add_column(head.format(column), justify="right")
    for row in frame.itertuples():
        table.add_row(f"{row[0]:,}", *(number.format(value) for value in row[1:]))
    Console().print(table)


def _say(text: str, err: bool = False) -> None:
    """Print a text in which data may stand: no terminal obeys it."""
    typer.echo(printable(text), err=err)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """What a user can put right, or the system refuses, in words and with status 2; other errors keep their traceback.

    A connection that breaks is one between processes of the kit: no user can put it right.
    """
    try:
        yield
    except (CxError, OSError) as error:
        if isinstance(error, ConnectionError) or (isinstance(error, OSError) and error.errno is None):
            raise
        _say(f"cxkit: {refusal(error) if isinstance(error, OSError) else error}", err=True)
        raise typer.Exit(2) from None


def _load(file: Path, sets: list[str], only: list[str], as_of: str | None) -> RunParams:
    from cxkit.runs.params import load, pair

    return load(file, dict(pair(s, "--set") for s in sets), [pair(o, "--only") for o in only], as_of)
