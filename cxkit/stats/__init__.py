"""Formulas of customer-experience statistics: arrays in, arrays out, in natural units (net scores -1..1, shares 0..1).

Imports nothing but NumPy and scipy. Every function works on whole arrays of cells; a base of 0 gives NaN.
"""

from cxkit.stats.additive import Residuals, additive
from cxkit.stats.core import Difference, Interval
from cxkit.stats.design import (
    Cross,
    Design,
    Lonely,
    Sums,
    cell_design,
    covariance,
    cross_of,
    domain_correlation,
    finite_population,
    linearised,
    plain_design,
    raked_design,
    sums_of,
)
from cxkit.stats.differences import nps_difference, nps_test, rate_difference, rate_test
from cxkit.stats.drivers import common_factor, correlations, hotelling, jackknife, moments, shapley
from cxkit.stats.durations import (
    attributable_share,
    event_rate,
    hazard_ratio,
    kaplan_meier,
    lasting,
    logrank,
    quantile,
    quantile_interval,
    restricted_mean,
    survival_at,
    survival_quantile,
)
from cxkit.stats.funnels import funnel
from cxkit.stats.intervals import nps_interval, rate_interval
from cxkit.stats.level import local_level
from cxkit.stats.means import alike_difference, mean_difference, mean_interval, paired_difference
from cxkit.stats.mix import mix_and_rate
from cxkit.stats.multiplicity import (
    Heterogeneity,
    benjamini_hochberg,
    cochran_q,
    e_benjamini_hochberg,
    family_size,
    holm,
    shrink,
    shrunk_interval,
    variance_between,
)
from cxkit.stats.ordinal import superiority
from cxkit.stats.power import (
    detectable,
    mean_detectable,
    nps_detectable,
    nps_exact_power,
    rank_detectable,
    rate_detectable,
    sample_size,
    smallest_base,
)
from cxkit.stats.raking import rake, response_weights
from cxkit.stats.watching import change_evidence, follow

__all__ = [
    "Cross",
    "Design",
    "Difference",
    "Heterogeneity",
    "Interval",
    "Lonely",
    "Residuals",
    "Sums",
    "additive",
    "alike_difference",
    "attributable_share",
    "benjamini_hochberg",
    "cell_design",
    "change_evidence",
    "cochran_q",
    "common_factor",
    "correlations",
    "covariance",
    "cross_of",
    "detectable",
    "domain_correlation",
    "e_benjamini_hochberg",
    "event_rate",
    "family_size",
    "finite_population",
    "follow",
    "funnel",
    "hazard_ratio",
    "holm",
    "hotelling",
    "jackknife",
    "kaplan_meier",
    "lasting",
    "linearised",
    "local_level",
    "logrank",
    "mean_detectable",
    "mean_difference",
    "mean_interval",
    "mix_and_rate",
    "moments",
    "nps_detectable",
    "nps_difference",
    "nps_exact_power",
    "nps_interval",
    "nps_test",
    "paired_difference",
    "plain_design",
    "quantile",
    "quantile_interval",
    "rake",
    "raked_design",
    "rank_detectable",
    "rate_detectable",
    "rate_difference",
    "rate_interval",
    "rate_test",
    "response_weights",
    "restricted_mean",
    "sample_size",
    "shapley",
    "shrink",
    "shrunk_interval",
    "smallest_base",
    "sums_of",
    "superiority",
    "survival_at",
    "survival_quantile",
    "variance_between",
]
