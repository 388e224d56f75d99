"""Sums that do not depend on an order: how finely terms are cut, and what of a sum is kept."""

from __future__ import annotations

import math
from fractions import Fraction

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxkit.tallies.sums import exact_sum, settle, unit_of

positive = st.floats(1e-250, 1e250)


@given(positive)
def test_a_term_fills_a_whole_number_of_62_bits_and_no_more(largest):
    unit = unit_of(largest)
    assert math.log2(unit) == round(math.log2(unit))  # a power of two, so that to cut and to put together is exact
    if unit < 2.0**900:
        assert 2**61 < Fraction(unit) * Fraction(largest) * 2 <= 2**63
        assert Fraction(unit) * Fraction(largest) <= 2**62


def test_units_of_no_weights_and_of_tiny_ones():
    assert (unit_of(0), unit_of(1.0), unit_of(4.0), unit_of(5.0)) == (1, 2.0**62, 2.0**60, 2.0**59)
    assert unit_of(1e-290) == 2.0**900


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_floats_is_math_fsum_whatever_the_order(seed):
    random = np.random.default_rng(seed)
    values = random.lognormal(0, 3, 200)
    expected = math.fsum(values)
    found = []
    for order in (np.arange(200), random.permutation(200)):
        table = ibis.memtable(pa.table({"x": values[order]}))
        found.append(table.agg(s=exact_sum(table.x, float(values.max()))).to_pyarrow()["s"][0].as_py())
    assert found[0] == found[1] == pytest.approx(expected, rel=1e-14)
    whole = ibis.memtable(pa.table({"x": [1.0, 2.0, 2.0]}))
    assert whole.agg(s=exact_sum(whole.x, 0)).to_pyarrow()["s"][0].as_py() == 5


@given(st.lists(st.one_of(positive, positive.map(lambda x: -x)), min_size=1, max_size=20))
def test_thirteen_digits_are_kept(values):
    """Against Python's own formatting, to the last of them or to the one beside it."""
    found = settle(pd.DataFrame({"x": values}))["x"]
    assert found.tolist() == pytest.approx([float(f"{x:.12e}") for x in values], rel=1.01e-12)
    assert settle(pd.DataFrame({"x": found}))["x"].tolist() == pytest.approx(found.tolist(), rel=1e-15)


def test_a_last_bit_is_forgotten_and_what_is_no_number_stays():
    x = 1234.56789012345
    frame = pd.DataFrame(
        {"x": [x, np.nextafter(x, 2000), 0.0, np.inf, -np.inf, np.nan], "n": range(6), "t": list("abcdef")}
    )
    found = settle(frame)
    assert found["x"][0] == found["x"][1] == 1234.567890123
    assert found["x"][2:5].tolist() == [0, np.inf, -np.inf]
    assert np.isnan(found["x"][5])
    assert found[["n", "t"]].equals(frame[["n", "t"]])
