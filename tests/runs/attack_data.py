"""Random surveys of many small cells, and a run on each: what `test_attack` attacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

MONTHS = ["2026-08", "2026-09", "2026-10"]
JOINED: dict[str, Any] = {"roles": {"response": "case"}, "joined": ["nps", "csat", "recommended", "channel"]}
VARIANTS: dict[str, dict[str, Any]] = {
    "segments": {"roles": {"comment": "words"}, "comments": 3, "invited": {"2026-10": 400, "2026-09": 300}},
    "crossed": {"for_each": ["brand", "region"], "segments": ["channel"], "metrics": ["csat", "nps"]},
    "weighted": {"roles": {"weight": "w"}, "metrics": ["nps", "csat_mean"]},
    "people": {"roles": {"respondent": "who"}},
    "panel": {"roles": {"respondent": "who"}, "kind": "relationship", "for_each": ["region"], "segments": ["channel"]},
    "merged": {"merge_small": True, "for_each": ["region"], "segments": ["brand"], "metrics": ["recommended", "nps"]},
    "everybody": {"for_each": [], "segments": ["brand"]},
    "joined": JOINED | {"nonresponse": {"metrics": ["nps", "csat"], "within": ["region", "channel"]}},
    "joined_once": JOINED | {"nonresponse": {"metrics": ["nps", "csat"], "within": ["channel"]}},
    "joined_apart": JOINED | {"nonresponse": {"metrics": ["nps", "csat"], "within": ["channel"]}, "segments": []},
}
PLAIN: dict[str, Any] = {
    "kind": "transactional", "roles": {}, "for_each": ["brand"], "segments": ["channel", "region"],
    "metrics": ["nps", "csat", "recommended"],
}  # fmt: skip


def answers(seed: int) -> pd.DataFrame:
    """Three months with cells of every size, many of them small; of each question some are blank, or none."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(120, 700))
    blank = {name: rng.choice([0, 0.02, 0.2]) for name in ("brand", "region", "channel", "nps", "csat", "recommended")}

    def levels(names: str, least: float) -> Any:
        return rng.choice(list(names), size, p=rng.dirichlet(rng.uniform(least, 2, len(names))))

    frame = pd.DataFrame({
        "day": rng.choice(MONTHS, size, p=rng.dirichlet([3, 3, 3])), "brand": levels("ABCDE", 0.2),
        "region": levels("NSW", 0.2), "channel": levels("xyz", 0.1), "nps": rng.integers(0, 11, size).astype(object),
        "csat": rng.integers(1, 6, size).astype(object),
        "recommended": (rng.random(size) < 0.4).astype(int).astype(object),
    })  # fmt: skip
    for name, share in blank.items():
        frame.loc[rng.random(size) < share, name] = None
    frame.loc[rng.random(size) < 0.01, "nps"] = 99
    frame["day"] += "-10"
    frame["w"] = rng.lognormal(0, 0.5, size).round(3)
    frame["who"] = rng.integers(0, max(size // 2, 1), size).astype(str)
    frame["words"] = [f"comment {number}" if rng.random() < 0.5 else None for number in range(size)]
    return frame


def parameters(folder: Path, variant: str, seed: int) -> Path:
    """A parameters file over random answers, which lie beside it."""
    given = {**PLAIN, **VARIANTS[variant]}
    folder.mkdir(parents=True, exist_ok=True)
    frame, apart = answers(seed), given.pop("joined", [])
    if apart:  # what was said of a case stands in a table of its own
        frame["case"] = [f"T{number}" for number in range(len(frame))]
        frame[["case", *apart]].sample(frac=1, random_state=seed).to_csv(folder / "said.csv", index=False)
    frame.drop(columns=apart).to_csv(folder / "survey.csv", index=False)
    mapping = {
        "kind": given.pop("kind"), "columns": {"time": "day", **given.pop("roles")},
        "items": {"nps": {"column": "nps", "missing": {99: "refused"}}, "csat": "csat", "recommended": "recommended"},
        "dimensions": {"brand": "brand", "region": "region", "channel": "channel"},
    }  # fmt: skip
    for name in apart:
        part = mapping["dimensions" if name in mapping["dimensions"] else "items"]
        part[name] = {"column": f"said.{name}", **({"missing": {99: "refused"}} if name == "nps" else {})}
    mapping |= {"joins": {"said": {"source": "said.csv", "key": "case"}}} if apart else {}
    run = {"name": "attacked", "title": "Attacked", "source": "survey.csv", "mapping": mapping, "as_of": "2026-11-15"}
    path = folder / "attacked.yaml"
    path.write_text(yaml.safe_dump({**run, **given}), encoding="utf-8")
    return path


def truth(seed: int) -> pd.DataFrame:
    """The answers that count, one row each: item, period, dimensions, value; counted without the product."""
    frame = answers(seed).fillna({"brand": "(blank)", "region": "(blank)", "channel": "(blank)"})
    frame["period"] = frame["day"].str[:7]
    long = frame.melt(["period", "brand", "region", "channel"], ["nps", "csat", "recommended"], "item")
    return long[long["value"].notna() & (long["value"] != 99)]
