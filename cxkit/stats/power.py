"""Planning: how many answers a change needs, and the smallest change that a base could have shown.

V is the variance of one answer in the squared unit of the change (at most 1 for a net score in -1..1, 1/4 for a share).
Power is for planning and for saying what a base could have seen; never for explaining a result after the fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.cells import NO_DESIGNS, Cell, Counts, Designs, Moments, Successes, net_cell, share_cell
from cxkit.stats.core import FloatArray, plain, positive, refuse
from cxkit.stats.intervals import (
    NET_ADDED,
    SHARE_ADDED_EACH,
    adjusted_net,
    adjusted_share,
    mean_precision,
    nps_interval,
)
from cxkit.stats.limits import span, usable_correlation
from cxkit.stats.samples import trinomial_probabilities, trinomials

# Variance of one answer's -1, 0, 1 where it is not known: about the middle of published net promoter scores.
USUAL_NET_VARIANCE = 0.67


def detectable(
    variance_now: ArrayLike,
    n_now: ArrayLike,
    variance_before: ArrayLike,
    n_before: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest true change that a two-sided test would find with the given power.

    Args:
        variance_now: Variance of one answer per cell.
        n_now: (Effective) answers per cell.
        variance_before: The same for the cells compared with; 0 for a fixed benchmark.
        n_before: The same.
        alpha: Significance level, per cell; the family's first Holm step is alpha / family size.
        power: Chance of finding the change, in (0, 1).
        correlation: r of the two estimates where they share respondents.

    Formula: (z_{1-alpha/2} + z_power) sqrt(V1/n1 + V2/n2 - 2 r sqrt(V1 V2 / n1 n2)). Source: Cohen (1988), chapter 2.

    >>> detectable(0.67, 100, 0.67, 100)
    0.324307
    """
    v1, v2 = (np.asarray(v, dtype=np.float64) / positive(np.asarray(n, dtype=np.float64))
              for v, n in ((variance_now, n_now), (variance_before, n_before)))  # fmt: skip
    r = usable_correlation(correlation)
    return plain(_quantiles(alpha, power) * np.sqrt(v1 + v2 - 2.0 * r * np.sqrt(v1 * v2)))


def nps_detectable(
    now: Counts,
    before: Counts,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a net score, in 0..2, that bases and shares like these would show.

    Args:
        now: (detractors, passives, promoters) per cell.
        before: The same for the cells compared with.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents.

    Formula: `detectable` with V from shares after adding +3/4, +1 1/2, +3/4, so that a unanimous cell has a variance.
    Source: as `detectable`; Bonett and Price (2012), doi 10.3102/1076998611411915, for the addition.

    >>> nps_detectable((20, 30, 50), (30, 30, 40))
    0.318703
    """
    cells = net_cell(*now, designs[0]), net_cell(*before, designs[1])
    (v1, n1), (v2, n2) = (_smoothed_net(cell) for cell in cells)
    return detectable(v1, n1, v2, n2, alpha=alpha, power=power, correlation=correlation)


def rate_detectable(
    now: Successes,
    before: Successes,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a share, in 0..1, that bases and shares like these would show.

    Args:
        now: (successes, n) per cell.
        before: The same for the cells compared with.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents.

    Formula: `detectable` with V from shares after adding one answer to either side.
    Source: as `detectable`; Agresti and Caffo (2000), doi 10.1080/00031305.2000.10474560, for the addition.

    >>> rate_detectable((56, 70), (48, 80))
    0.205151
    """
    cells = share_cell(*now, designs[0]), share_cell(*before, designs[1])
    (v1, n1), (v2, n2) = (_smoothed_share(cell) for cell in cells)
    return detectable(v1, n1, v2, n2, alpha=alpha, power=power, correlation=correlation)


def mean_detectable(
    now: Moments,
    before: Moments,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
    designs: Designs = NO_DESIGNS,
    correlation: ArrayLike = 0.0,
) -> FloatArray:
    """Smallest change of a mean, in its own unit, that bases and variances like these would show.

    Args:
        now: (mean, variance, n) per cell; variance with divisor n.
        before: The same for the cells compared with.
        alpha: Significance level, per cell.
        power: Chance of finding the change.
        designs: Effective bases.
        correlation: r of the two estimates where they share respondents.

    Formula: `detectable` with V = n/(n - 1) times the variance; NaN where a side has no spread. Source: as
    `detectable`.

    >>> mean_detectable((5.5, 1.2, 40), (5.0, 1.5, 35))
    0.766667
    """
    (v1, _), (v2, _) = mean_precision(*now, designs[0]), mean_precision(*before, designs[1])
    return detectable(v1, 1.0, v2, 1.0, alpha=alpha, power=power, correlation=correlation)


def sample_size(
    change: ArrayLike,
    variance_now: ArrayLike = USUAL_NET_VARIANCE,
    variance_before: ArrayLike | None = None,
    *,
    alpha: ArrayLike = 0.05,
    power: float = 0.8,
) -> FloatArray:
    """Answers that each side needs so that a two-sided test finds a true change with the given power.

    Args:
        change: The change to find, in the unit whose variance is given; not 0.
        variance_now: Variance of one answer; .67 is usual for a net score in -1..1.
        variance_before: The same for the other side, None for the same variance, 0 for a fixed benchmark.
        alpha: Significance level.
        power: Chance of finding the change.

    Returns:
        Whole numbers of answers per side; times the design effect where answers are weighted or clustered.

    Formula: (z_{1-alpha/2} + z_power)^2 (V1 + V2) / change^2, rounded up. Source: as `detectable`.

    >>> sample_size(0.2, 0.6 * 0.4, 0.4 * 0.6)  # two shares, .6 and .4
    95.0
    """
    v1 = np.asarray(variance_now, dtype=np.float64)
    v2 = v1 if variance_before is None else np.asarray(variance_before, dtype=np.float64)
    needed = _quantiles(alpha, power) ** 2 * (v1 + v2) / positive(np.abs(np.asarray(change, dtype=np.float64))) ** 2
    return plain(np.ceil(needed - 1e-9))


def power_of(
    change: ArrayLike,
    variance_now: ArrayLike,
    n_now: ArrayLike,
    variance_before: ArrayLike,
    n_before: ArrayLike,
    *,
    alpha: ArrayLike = 0.05,
) -> FloatArray:
    """Chance that a two-sided test finds a true change, by the normal approximation.

    Args:
        change: The true change.
        variance_now: Variance of one answer.
        n_now: (Effective) answers.
        variance_before: The same for the other side; 0 for a fixed benchmark.
        n_before: The same.
        alpha: Significance level.

    Formula: Phi(|change|/SE - z) + Phi(-|change|/SE - z), z = z_{1-alpha/2}, SE^2 = V1/n1 + V2/n2.
    Source: Cohen (1988), chapter 2.

    >>> power_of(0.2, 0.24, 95, 0.24, 95)
    0.803363
    """
    v1, v2 = (np.asarray(v, dtype=np.float64) / positive(np.asarray(n, dtype=np.float64))
              for v, n in ((variance_now, n_now), (variance_before, n_before)))  # fmt: skip
    distance = np.abs(np.asarray(change, dtype=np.float64)) / np.sqrt(positive(v1 + v2))
    z = -special.ndtri(np.asarray(alpha, dtype=np.float64) / 2.0)
    return plain(special.ndtr(distance - z) + special.ndtr(-distance - z))


def nps_exact_power(
    now: Sequence[float], before: Sequence[float], n_now: int, n_before: int, *, level: float = 0.95
) -> float:
    """Chance that the default test of two net scores finds their difference, by enumerating every possible sample.

    Args:
        now: True shares (detractors, passives, promoters), summing to 1.
        before: The same for the other side.
        n_now: Answers; the work grows with n_now^2 n_before^2, so up to about 100.
        n_before: Answers of the other side.
        level: 1 minus the significance level.

    Formula: the multinomial probability of all pairs of samples whose MOVER interval excludes 0.
    Source: the definition of power, enumerated.

    >>> nps_exact_power((0.2, 0.3, 0.5), (0.4, 0.3, 0.3), 20, 20)
    0.3357
    """
    one, other = (_enumerated(shares, n, level) for shares, n in ((now, n_now), (before, n_before)))
    found = 0.0
    for value, low, high, probability in zip(*one, strict=True):
        values, lows, highs, probabilities = other
        change = value - values
        below, above = span(value - low, highs - values, 0.0), span(high - value, values - lows, 0.0)
        excluded = (change > below) | (-change > above)
        found += probability * float(probabilities[excluded].sum())
    return float(found)


def _enumerated(shares: Sequence[float], n: int, level: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    if abs(sum(shares) - 1.0) > 1e-9:
        raise ValueError(f"shares: expected (detractors, passives, promoters) that sum to 1, found {tuple(shares)}")
    counts = trinomials(n)
    low, high = nps_interval(counts[0], counts[1], counts[2], level)
    return (counts[2] - counts[0]) / n, low, high, trinomial_probabilities(counts, shares)


def _quantiles(alpha: ArrayLike, power: float) -> FloatArray:
    level = np.asarray(alpha, dtype=np.float64)
    refuse("alpha", level, (level <= 0) | (level >= 1), "numbers between 0 and 1")
    if not 0.0 < power < 1.0:
        raise ValueError(f"power: expected a number between 0 and 1, such as 0.8, found {power!r}")
    return cast(FloatArray, special.ndtri(power) - special.ndtri(level / 2.0))


def _smoothed_net(cell: Cell) -> tuple[FloatArray, FloatArray]:
    base = np.asarray(cell.design.n_eff)
    total = base + sum(NET_ADDED)
    return adjusted_net(cell, base)[1] * total, base


def _smoothed_share(cell: Cell) -> tuple[FloatArray, FloatArray]:
    # The cell is on the scale -1..1, where a variance is four times that of the share.
    base = np.asarray(cell.design.n_eff)
    total = base + 2.0 * SHARE_ADDED_EACH
    return adjusted_share(cell, base, SHARE_ADDED_EACH)[1] * total / 4.0, base
