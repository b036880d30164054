"""Counting pairs in n log n steps: the same as looking at every pair, ties and all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.dominance import balance, lead, untied_pairs
from tests.analysis.planted import Floats


def grades(rng: np.random.Generator, tables: int, n: int, distinct: int) -> Floats:
    return rng.integers(0, distinct, (tables, n)).astype(float)


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 40), st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_every_pair_is_counted(seed: int, tables: int, n: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = grades(rng, tables, n, distinct), grades(rng, tables, n, 40)
    signs = [np.sign(side[..., None] - side[..., None, :]) for side in (x, y)]
    found = balance(x, y)
    assert np.array_equal(found, (signs[0] * signs[1]).sum(-1))
    assert np.array_equal(balance(x[0], y[0]), found[0])
    assert np.array_equal(lead(x[0]), signs[0][0].sum(-1))
    assert untied_pairs(x[0]) == np.abs(signs[0][0]).sum()


def test_a_hundred_thousand_variants_take_no_time() -> None:
    values = np.random.default_rng(0).permutation(100_000).astype(float)
    assert (balance(values, values) == 99_999).all()
    assert (balance(values, -values) == -99_999).all()
    middle = balance(values, np.abs(values - 49_999.5))
    assert middle.sum() == pytest.approx(0, abs=2e5)
