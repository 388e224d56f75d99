"""Tallies that last: in a file, cut down to a file for each place of a run, and added up from day to day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxkit.errors import CxError
from cxkit.input.mapping import RESERVED
from cxkit.input.waves import Order, together
from cxkit.metrics import Metric
from cxkit.schema import BESIDE, REASONS, Rules
from cxkit.tallies.clusters import ABOVE
from cxkit.tallies.sums import settle
from cxkit.tallies.tallies import Place, Tallies, untold

PARTS = ("counts", "sums", "pairs", "hidden", "audit")


def save(tallies: Tallies, path: str | Path) -> Path:
    """Write tallies to one Parquet file: every part in one long table, declarations and provenance in its metadata."""
    return _write(_table(tallies), _about(tallies), path)


def save_places(tallies: Tallies, places: Mapping[str, Place], folder: Path) -> dict[str, Path]:
    """Write a file for each of several places, which holds its own cells and what all places may print.

    A notebook that is given such a file cannot show another place, and equal bytes make an equal page.

    Args:
        tallies: Of the run, hidden cells taken out.
        places: By the name of their file; all of the same dimensions.
        folder: Where they are written.
    """
    if not places:
        return {}
    dimensions = list(next(iter(places.values())).where)
    table, shared = _table(tallies), _about(tallies)
    rows = table.select(dimensions).to_pandas().groupby(dimensions).indices
    refused = np.flatnonzero(table["part"].to_numpy() == "audit")
    levels = [level for level in tallies.levels if set(dimensions) <= set(level)]
    known = {name: value for name, value in tallies.provenance.items() if name in PRINTED}
    said = {part: tallies.provenance[part] for part in ("comments", "cohorts", *BESIDE) if tallies.provenance.get(part)}
    written = {}
    for name, place in places.items():
        own = {
            part: [one for one in records if all(one.get(key) == value for key, value in place.where.items())]
            for part, records in said.items()
        }
        about = shared | {
            "levels": levels,
            "values": tallies.values | {key: [value] for key, value in place.where.items()},
            "provenance": known | own,
            "place": {name: getattr(place, name) for name in ("where", "made", "design")}
            | {name: _plain(getattr(place, name)) for name in _FRAMES},
        }
        own_rows = rows.get(tuple(place.where.values()) if len(dimensions) > 1 else place.where[dimensions[0]], [])
        written[name] = _write(
            table.take(np.concatenate([own_rows, refused]).astype(np.intp)), about, folder / f"{name}.parquet"
        )
    return written


_DECLARED = ("by", "levels", "period", "periods", "compared", "values", "weighted", "provenance")
PRINTED = ("data_date", "lonely", "months", "partial", "roles", "rows", "synthetic", "timezone", "waves", "where",
           "year_starts")  # fmt: skip
"""Parts of the provenance that the page of a place may print; the others (files, audit of the data) are the run's."""


def _table(tallies: Tallies) -> pa.Table:
    parts = [getattr(tallies, part).assign(part=part) for part in PARTS]
    frame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return pa.Table.from_pandas(frame, preserve_index=False)


def _about(tallies: Tallies) -> dict[str, Any]:
    return {
        "metrics": [metric.to_dict() for metric in tallies.metrics.values()],
        "columns": {part: getattr(tallies, part).dtypes.astype(str).to_dict() for part in PARTS},
        "rules": asdict(tallies.rules),
        **{name: getattr(tallies, name) for name in _DECLARED},
    }


_FRAMES = ("comparisons", "targets", "whole", "moved", "crossed", "beside")  # of a place


def _plain(frame: pd.DataFrame) -> tuple[dict[Any, list[Any]], dict[Any, str]]:
    """A frame as JSON holds it: its columns, and their types."""
    return frame.astype(object).where(frame.notna(), None).to_dict("list"), frame.dtypes.astype(str).to_dict()


def _write(table: pa.Table, about: Mapping[str, Any], path: str | Path) -> Path:
    described = table.replace_schema_metadata({b"cxkit": json.dumps(about).encode()})
    pq.write_table(described, path)
    return Path(path)


def load(path: str | Path) -> Tallies:
    """Tallies that `save` wrote.

    Raises:
        CxError: A file that is absent, holds no tallies, or lacks what tallies of today have.
    """
    try:
        # From memory: to read a file pyarrow starts a thread, and a process that is to be forked must have none.
        content = pa.BufferReader(Path(path).read_bytes())
        table = pq.ParquetFile(content).read(use_threads=False)
        about = json.loads(table.schema.metadata[b"cxkit"])
    except (OSError, ValueError, KeyError, TypeError) as error:  # pyarrow's own are ValueErrors, too
        raise CxError(f"{path}: holds no tallies; `cxkit run` and cx.save write them ({error})") from error
    _require_known(path, about)
    frame = table.to_pandas(use_threads=False).assign(**({} if "open" in table.column_names else {"open": 0}))
    about["columns"]["counts"].setdefault("open", "int64")  # before there was this column no duration could be open
    parts = {}
    for part, columns in about["columns"].items():
        rows = frame.loc[frame["part"] == part].reindex(columns=list(columns))
        parts[part] = rows.reset_index(drop=True).astype(columns)
    if words := sorted(set(parts["hidden"]["reason"]) - REASONS.keys()):
        raise CxError(f"{path}: written by another version of cxkit: {words[0]!r} is no code of a reason; tally anew")
    return Tallies(
        **parts,
        metrics={data["name"]: Metric.from_dict(data) for data in about["metrics"]},
        **{name: about[name] for name in _DECLARED if name not in ("levels", "compared")},
        levels=[tuple(level) for level in about["levels"]],
        compared=[tuple(pair) for pair in about["compared"]],
        rules=Rules(**about.get("rules", {})),  # older ones were made under the limits that are the default
        place=_place(about["place"]) if "place" in about else None,
    )


def _place(given: dict[str, Any]) -> Place:
    frames = {name: pd.DataFrame(columns, columns=list(types)).astype(types)
              for name, (columns, types) in ((name, given[name]) for name in _FRAMES)}  # fmt: skip
    return Place(**given | frames)


def _require_known(path: str | Path, about: dict[str, Any]) -> None:
    """That tallies have every part and declaration of today, whatever version wrote them."""
    lacking = [name for name in ("metrics", "columns", *_DECLARED) if name not in about]
    lacking += [part for part in PARTS if part not in about.get("columns", PARTS)]
    needed = {"item", "period", "cut", "answer", "n", "w", "w2"}
    place = about.get("place", {})
    lacking += [name for name in _FRAMES if place and name not in place]
    lacking += ["list of periods"] if isinstance(place.get("made", {}).get("before"), str) else []
    lacking += sorted(needed - set(about.get("columns", {}).get("counts", needed)))
    sums = about.get("columns", {}).get("sums", {})
    if "ss" in sums and any(metric["statistic"] == "quantile" for metric in about.get("metrics", ())):
        lacking += [name for name in (f"{ABOVE}ss",) if name not in sums]  # clusters did not count for durations
    lacking += ["nn"] if "people" in sums and "nn" not in sums else []  # how often people answered was told by weights
    if "ss" in sums and {"cluster", "stratum"} & {*about.get("provenance", {}).get("roles", ())}:
        lacking += [name for name in ("wave_clusters",) if name not in sums]  # segments were no domains
    lacking += (
        ["order of waves"] if about.get("period") == "wave" and "waves" not in about.get("provenance", ()) else []
    )
    wrong = [f"no {name}" for name in lacking] + [f"a dimension {name}" for name in RESERVED & set(about.get("by", ()))]
    if wrong:
        raise CxError(f"{path}: was written by another version of cxkit ({', '.join(wrong)}); tally the data anew")


def _both_known(first: Tallies, second: Tallies) -> list[tuple[str, str]]:
    """The declared pairs; where people are known, only those with both ends in one of the tallies.

    Who answered in a period of either cannot be known, and the comparison would count them as strangers.
    """
    pairs = list(dict.fromkeys([*first.compared, *second.compared]))
    if "respondent" not in first.provenance.get("roles", {}):
        return pairs
    return [pair for pair in pairs if any(set(pair) <= set(one.periods) for one in (first, second))]


def _in_order(first: Tallies, second: Tallies) -> tuple[list[str], dict[str, Any]]:
    """The periods of both in the order of time; of waves that of all that are known, to keep in the provenance."""
    held = {*first.periods, *second.periods}
    if first.period == "wave":
        waves = together(*(Order(**one.provenance["waves"]) for one in (first, second)))
        return [wave for wave in waves.waves if wave in held], {"waves": waves._asdict()}
    return first.calendar.span(held), {}


def _both(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """What two tallies know of who answered where; nothing where one of them, as out of a file, knows nothing."""
    known = len(first.columns) == len(second.columns)
    return pd.concat([first, second], ignore_index=True) if known else untold()


def add(first: Tallies, second: Tallies) -> Tallies:
    """The tallies of two sets of answers together, such as yesterday's and today's.

    Counts and weights add. Cluster sums, strata and repeated respondents do not: with those, only tallies of different
    periods can be put together, and the pairs between them are not known.

    Raises:
        CxError: Tallies that were declared differently, hide cells, or share a period and have clusters.
    """
    for name in ("by", "levels", "period", "weighted", "metrics", "rules"):
        if getattr(first, name) != getattr(second, name):
            raise CxError(f"tallies with different {name} cannot be added")
    for name in ("where", "timezone", "year_starts", "lonely", "raked", "population", "business"):
        if first.provenance.get(name) != second.provenance.get(name):
            raise CxError(f"tallies with different {name} cannot be added")
    if len(first.hidden) or len(second.hidden):
        raise CxError("tallies with hidden cells cannot be added; add the whole ones and hide afterwards")
    if len(first.sums) and len(second.sums) and set(first.sums.columns) != set(second.sums.columns):
        raise CxError("tallies of which one has `rest` and the other has not cannot be added")
    common = set(first.counts["period"]) & set(second.counts["period"])
    linked = {"cluster", "respondent", "stratum"} & {*first.provenance["roles"], *second.provenance["roles"]}
    linked |= {"raked weights"} if first.provenance.get("raked") else set()
    if common and linked:
        raise CxError(f"{', '.join(sorted(linked))}: sums over these do not add, and both tallies hold {min(common)}")
    keys = ["item", "period", *first.by, "cut", "answer"]
    both = pd.concat([first.counts, second.counts])
    counts = both.groupby(keys, as_index=False, dropna=False)[["n", "open", "w", "w2"]].sum()
    labels, waves = _in_order(first, second)
    refused = pd.concat([first.audit, second.audit])
    reasons = [column for column in refused.columns if column != "n"]
    audit = refused.groupby(reasons, sort=False, dropna=False)["n"].sum().reset_index()
    values = {name: list(dict.fromkeys([*first.values[name], *second.values[name]])) for name in first.by}
    return replace(
        first,
        counts=settle(counts),
        sums=pd.concat([first.sums, second.sums], ignore_index=True),
        pairs=pd.concat([first.pairs, second.pairs], ignore_index=True),
        periods=labels,
        compared=_both_known(first, second),
        values=values,
        audit=audit,
        joint=_both(first.joint, second.joint),
        members=_both(first.members, second.members),
        provenance={
            **first.provenance,
            **waves,
            "files": [*first.provenance["files"], *second.provenance["files"]],
            "rows": first.provenance["rows"] + second.provenance["rows"],
            "synthetic": first.provenance["synthetic"] or second.provenance["synthetic"],
        },
    )
