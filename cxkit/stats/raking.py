"""Raking: weights that make a sample agree with published margins, one dimension at a time, over and over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxkit.stats.core import FloatArray, floats, refuse

Margins = Mapping[str, Mapping[Any, float]]


class Raked(NamedTuple):
    """Weights with mean 1 and what they cost.

    Attributes:
        weights: One per row, mean 1.
        iterations: Rounds over all margins.
        design_effect: n sum w^2 / (sum w)^2: how many answers one effective answer costs.
        n_eff: n / design_effect.
        trimmed: Rows that stand at the cap.
        gap: Largest remaining difference between a weighted share and its margin.
    """

    weights: FloatArray
    iterations: int
    design_effect: float
    n_eff: float
    trimmed: int
    gap: float


def rake(
    columns: Mapping[str, ArrayLike],
    margins: Margins,
    *,
    base: ArrayLike | None = None,
    cap: float | None = 5.0,
    tolerance: float = 1e-6,
    rounds: int = 1000,
) -> Raked:
    """Weights that rake rows to margins by iterative proportional fitting.

    Args:
        columns: Category of each row per dimension, one-dimensional, equally long.
        margins: Published share (or count) of each category per dimension.
        base: Weight of each row before raking; None for 1 each.
        cap: Largest allowed ratio of a weight to the mean weight, per unit of base; None for no trimming.
        tolerance: Largest allowed gap between a weighted share and its margin.
        rounds: Rounds after which raking gives up.

    Returns:
        Weights, their design effect, rounds, and what trimming left open: with a cap the margins may not be reached,
        and `gap` says by how much.

    Raises:
        ValueError: For a dimension without margins or margins without a column; for categories of the sample without a
            margin, or the other way round; for margins that disagree in their sum by more than 1 %; where raking does
            not settle.

    Formula: w <- w t_k / sum_{i in k} w_i for each category k of each dimension in turn; then w <- min(w, cap).
    Source: Deming and Stephan (1940), doi 10.1214/aoms/1177731829; Izrael, Battaglia and Frankel (2009) for trimming;
    Kish (1965) for the design effect.

    >>> rake({"sex": ["f", "f", "f", "m"]}, {"sex": {"f": 0.5, "m": 0.5}}).weights
    array([0.67, 0.67, 0.67, 2. ])
    """
    start, codes, targets = _checked(columns, margins, base)
    if cap is not None and cap <= 1.0:
        raise ValueError(f"cap: expected a number above 1, found {cap:g}")
    # Everything is on the scale of shares of the total weight.
    limit = None if cap is None else cap * start / start.sum()
    weights, done, gap = _fit(start / start.sum(), codes, targets, limit, tolerance, rounds)
    effect = float(weights.size * np.square(weights).sum())
    trimmed = 0 if limit is None else int(np.count_nonzero(weights >= limit * (1.0 - 1e-6)))
    return Raked(weights * weights.size, done, effect, weights.size / effect, trimmed, gap)


def _fit(
    weights: FloatArray,
    codes: list[NDArray[np.intp]],
    targets: list[FloatArray],
    limit: FloatArray | None,
    tolerance: float,
    rounds: int,
) -> tuple[FloatArray, int, float]:
    gap = np.inf
    for done in range(1, rounds + 1):
        previous = weights
        for code, target in zip(codes, targets, strict=True):
            weights = weights * (target / np.bincount(code, weights, target.size))[code]
        if limit is not None:
            weights = _trim(weights, limit)
        gap = max(_gap(weights, code, target) for code, target in zip(codes, targets, strict=True))
        settled = np.abs(weights - previous).max() <= 1e-9 * weights.max()
        # Weights that no longer move, and still miss a margin, are fine where the cap holds them back.
        if gap <= tolerance or (settled and limit is not None and np.any(weights >= limit * (1.0 - 1e-9))):
            return weights / weights.sum(), done, gap
        if settled:
            break
    raise ValueError(
        f"margins: raking did not reach them in {done} rounds (largest gap {gap:.2g}); a combination of categories "
        "that nobody answered for may make the margins impossible"
    )


def response_weights(cases: ArrayLike, answered: ArrayLike, trim: float) -> FloatArray:
    """Weights of answers that stand for the silent of their class, too: the inverse response rate.

    Args:
        cases: (..., c) cases of each class, answered or not.
        answered: (..., c) answers of each class.
        trim: Largest weight before all are scaled.

    Returns:
        (..., c) weights of an answer of each class, 0 where there is none; over all answers they sum to the cases.

    Formula: w_c = min(N_c / n_c, trim), scaled by sum N / sum w n. Source: Little (1986), doi 10.2307/1403140;
    Potter (1990), Proceedings of the Survey Research Methods Section of the ASA, for trimming.

    >>> response_weights([80, 20], [40, 2], trim=5)
    array([2.22222222, 5.55555556])
    """
    n = floats(answered)
    weight = np.minimum(np.divide(floats(cases), n, out=np.zeros_like(n), where=n > 0), trim)
    total = floats((weight * n).sum(axis=-1, keepdims=True))
    return np.asarray(weight * floats(cases).sum(axis=-1, keepdims=True) / np.where(total > 0, total, 1.0))


def _trim(weights: FloatArray, limit: FloatArray) -> FloatArray:
    """Weights cut at their limits, the excess spread over the others in proportion; the total stays 1."""
    cut = np.zeros(weights.shape, dtype=bool)
    for _ in range(weights.size):
        over = ~cut & (weights > limit * (1.0 + 1e-12))
        if not over.any():
            break
        cut |= over
        # The cap is above the mean, so somebody is always left to take the excess.
        scale = (1.0 - limit[cut].sum()) / weights[~cut].sum()
        weights = np.where(cut, limit, weights * scale)
    return weights


def _gap(weights: FloatArray, code: NDArray[np.intp], target: FloatArray) -> float:
    return float(np.abs(np.bincount(code, weights, target.size) / weights.sum() - target).max())


def _checked(
    columns: Mapping[str, ArrayLike], margins: Margins, base: ArrayLike | None
) -> tuple[FloatArray, list[NDArray[np.intp]], list[FloatArray]]:
    if set(columns) != set(margins) or not columns:
        raise ValueError(f"margins: expected the dimensions of the sample, {sorted(columns)}; found {sorted(margins)}")
    codes, targets, length = [], [], {name: len(np.asarray(column)) for name, column in columns.items()}
    if len(set(length.values())) > 1 or not all(length.values()):
        raise ValueError(f"columns: expected equally many rows, at least one; found {length}")
    for name, column in columns.items():
        found = np.asarray(column).tolist()
        wanted = dict(margins[name])
        if set(found) != set(wanted):
            alone = sorted(map(str, set(found) - set(wanted))), sorted(map(str, set(wanted) - set(found)))
            raise ValueError(
                f"{name}: categories of sample and margins differ; only in the sample: {alone[0]}, only in the "
                f"margins: {alone[1]}; merge or rename them first"
            )
        place = {category: i for i, category in enumerate(wanted)}
        shares = np.array(list(wanted.values()), dtype=np.float64)
        refuse(f"margins of {name}", shares, ~(shares > 0) | np.isinf(shares), "shares above 0")
        codes.append(np.array([place[category] for category in found], dtype=np.intp))
        targets.append(shares)
    sums = {name: float(target.sum()) for name, target in zip(columns, targets, strict=True)}
    if max(sums.values()) > 1.01 * min(sums.values()):
        raise ValueError(f"margins: expected one sum in all dimensions, found {sums}")
    start = np.ones(next(iter(length.values()))) if base is None else floats(base)
    refuse("base", start, ~(start > 0) | np.isinf(start), "weights above 0")
    return start, codes, [target / target.sum() for target in targets]
