"""Adjusted p-values against their papers."""

from __future__ import annotations

import numpy as np
import pytest

from cxkit.stats import benjamini_hochberg, family_size, holm

# Benjamini and Hochberg (1995), section 4: 15 hypotheses of a thrombolysis trial.
PAPER = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1]
)
# R: p.adjust(p, "BH"), p.adjust(p, "holm")
BH = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06386, 0.06386, 0.0645, 0.0765]
HOLM = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278]


def test_the_paper():
    assert benjamini_hochberg(PAPER)[:9] == pytest.approx(BH, abs=5e-6)
    assert holm(PAPER)[:6] == pytest.approx(HOLM, abs=5e-6)
    counts = (np.sum(PAPER * 15 <= 0.05), np.sum(holm(PAPER) <= 0.05), np.sum(benjamini_hochberg(PAPER) <= 0.05))
    assert counts == (3, 3, 4)  # Bonferroni, Holm, BH


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_order_and_gaps_do_not_matter(adjust):
    rng = np.random.default_rng(3)
    order = rng.permutation(15)
    with_gaps = np.insert(PAPER[order], [2, 9], np.nan)
    result = adjust(with_gaps)
    assert np.isnan(result[np.isnan(with_gaps)]).all()
    assert result[~np.isnan(with_gaps)] == pytest.approx(adjust(PAPER)[order])
    assert family_size(with_gaps) == 15
    assert adjust(np.reshape(PAPER, (3, 5))).shape == (3, 5)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_the_smallest_families(adjust):
    assert adjust([]).shape == (0,)
    assert adjust([0.04]) == pytest.approx([0.04])
    assert np.isnan(adjust([np.nan, np.nan])).all()
    assert adjust([0.9, 0.8, 1.0]).max() <= 1


def test_a_percentage_is_refused():
    with pytest.raises(ValueError, match=r"pvalues: expected numbers in \[0, 1\], found 5"):
        holm([0.01, 5.0])
