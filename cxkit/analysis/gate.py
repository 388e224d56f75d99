"""The gate: on how many answers a verdict and a promise may rest, and why these are too few."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cxkit.analysis.cells import Cells, FloatArray, kish
from cxkit.metrics import Metric
from cxkit.schema import Rules, worded
from cxkit.stats import Design, plain_design
from cxkit.stats.core import critical
from cxkit.stats.design import base_at


class Gate(NamedTuple):
    """What a cell needs before a change of it is judged: answers that count in full, and clusters if it has any."""

    answers: float
    clusters: int

    @classmethod
    def of(cls, rules: Rules, minimum: float | None) -> Gate:
        """The gate of some rules, with another minimum of answers where one is given."""
        return cls(rules.judge_from if minimum is None else minimum, rules.judge_clusters)


def dependable(metric: Metric, cells: Cells) -> Design:
    """The design on which a promise rests: n_eff, or Kish's base where that is smaller.

    V/SE^2 alone rises to n where one weight outweighs all others, because then both sides of it see one answer.
    """
    own = cells.ranks if metric.statistic == "quantile" else cells.design
    design = plain_design(cells.n) if own is None else own
    return design._replace(n_eff=np.minimum(np.asarray(design.n_eff, float), kish(cells)))


def judged_base(metric: Metric, cells: Cells, level: float, gate: Gate) -> FloatArray:
    """Answers on which a verdict may rest: those of `dependable` times the t factor; 0 with too few clusters."""
    # However little is known of the spread, what answered is at least one answer.
    base = np.maximum(base_at(dependable(metric, cells), critical(level)), 1.0)
    clusters = np.ravel(cells.sums.clusters)
    sparse = (clusters < gate.clusters) & (clusters < cells.n)
    return np.where((cells.n == 0) | sparse, 0.0, base)


def too_few(cells: Cells, base: FloatArray, gate: Gate, i: int) -> tuple[str, str]:
    """Why the answers of a cell are too few to judge, as code and words; blank where they are enough."""
    if not base[i] < gate.answers:
        return "", ""
    clusters = np.ravel(cells.sums.clusters)[i]
    code = "worth little"
    if cells.n[i] < gate.answers:
        code = "few answers"
    elif clusters < gate.clusters:
        code = "one cluster" if clusters < 2 else "few clusters"
    causes = " and ".join(word for part, word in _CAUSES.items() if part in cells.kind)
    facts = {"judge_from": gate.answers, "judge_clusters": gate.clusters, "clusters": clusters}
    return code, worded(code, n=cells.n[i], base=base[i], causes=causes, **facts)


_CAUSES = {"weighted": "weights", "raked": "weights", "clustered": "clusters", "stratified": "strata"}
