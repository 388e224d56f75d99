"""Every possible sample of n answers in three classes, for exact probabilities instead of simulated ones."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from cxkit.stats.core import FloatArray


def trinomials(n: int) -> FloatArray:
    """All (detractors, passives, promoters) of n answers, as three rows."""
    d, p = np.divmod(np.arange((n + 1) ** 2), n + 1)
    kept = d + p <= n
    return np.stack([d[kept], n - d[kept] - p[kept], p[kept]]).astype(np.float64)


def trinomial_probabilities(counts: FloatArray, shares: ArrayLike) -> FloatArray:
    """Multinomial probability of each column of counts (3, k) under shares (..., 3), as (..., k)."""
    logs = special.gammaln(counts.sum(axis=0) + 1.0) - special.gammaln(counts + 1.0).sum(axis=0)
    share = np.asarray(shares, dtype=np.float64)[..., :, None]
    return cast(FloatArray, np.exp(logs + special.xlogy(counts, share).sum(axis=-2)))
