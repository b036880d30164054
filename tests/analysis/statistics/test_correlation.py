"""Pearson's r and its jackknife: scipy, hand computation, identities, coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.statistics.correlation import Correlation, correlate, difference
from tests.analysis.planted import Floats, crossed, ladder

grades = arrays(float, st.integers(4, 24), elements=st.integers(0, 8).map(float))


def sides(values: Floats) -> tuple[Floats, Floats]:
    half = len(values) // 2
    return values[:half], values[half : 2 * half]


def pearson(x: Floats, y: Floats) -> Correlation:
    found = correlate(x, y, {})
    assert found is not None
    return found


@given(grades)
@settings(max_examples=60, deadline=None)
def test_r_is_that_of_scipy(values: Floats) -> None:
    x, y = sides(values)
    if np.ptp(x) == 0 or np.ptp(y) == 0 or len(x) < 3:
        assert correlate(x, y, {}) is None
    else:
        assert pearson(x, y).r == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)


def test_fisher_limits_are_those_of_scipy() -> None:
    scores = ladder(np.random.default_rng(0), 21, {1: 0.9, 2: 1.0})
    low, high = stats.pearsonr(scores[1], scores[2]).confidence_interval(0.95)
    assert pearson(scores[1], scores[2]).fisher_limits(0.975) == pytest.approx((low, high))


def test_jackknife_leaves_out_one_variant_at_a_time() -> None:
    scores = ladder(np.random.default_rng(1), 15, {1: 0.8, 2: 1.0})
    x, y = scores[1], scores[2]
    left = [stats.pearsonr(np.delete(x, i), np.delete(y, i)).statistic for i in range(15)]
    z = np.arctanh(left)
    error = (14 / 15 * ((z - z.mean()) ** 2).sum()) ** 0.5
    centre = np.arctanh(stats.pearsonr(x, y).statistic)
    expected = np.tanh(centre + np.array([-1, 1]) * stats.t.ppf(0.975, 13) * error)
    assert pearson(x, y).without_variant == pytest.approx(left)
    assert pearson(x, y).limits(0.975) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("shape", [(7, 3), (3, 2, 2, 2)])
def test_levels_add_their_jackknife(shape: tuple[int, ...]) -> None:
    x, y, levels = crossed(np.random.default_rng(2), shape, 0.8)
    n = len(x)
    own = float((pearson(x, y).deviations ** 2).sum())
    per_factor = []
    for codes in levels.values():
        left = [
            stats.pearsonr(x[codes != c], y[codes != c]).statistic for c in range(codes.max() + 1)
        ]
        z = np.arctanh(left)
        per_factor.append((len(z) - 1) / len(z) * ((z - z.mean()) ** 2).sum())
    if len(shape) <= 3:
        variance = max(own, sum(per_factor))
    else:
        variance = own + sum(max(0.0, v - own) for v in per_factor)
    found = correlate(x, y, levels)
    assert found is not None
    assert found.half_width(0.975) == pytest.approx(stats.t.ppf(0.975, n - 2) * variance**0.5)


@given(st.integers(0, 10**6), st.sampled_from([(4, 3), (3, 3, 2), (2, 2, 2, 2)]))
@settings(max_examples=40, deadline=None)
def test_declaring_factors_never_narrows_the_interval(seed: int, shape: tuple[int, ...]) -> None:
    x, y, levels = crossed(np.random.default_rng(seed), shape, 0.7)
    shared = correlate(x, y, levels)
    assert shared is not None
    assert shared.half_width(0.95) >= pearson(x, y).half_width(0.95) - 1e-12


@given(grades, st.floats(0.1, 50), st.floats(-100, 100))
@settings(max_examples=40, deadline=None)
def test_affine_maps_leave_r_and_its_limits(values: Floats, scale: float, shift: float) -> None:
    x, y = sides(values)
    before, after = correlate(x, y, {}), correlate(scale * x + shift, y, {})
    if before is None or len(x) < 4:
        return
    assert after is not None
    assert after.r == pytest.approx(before.r, abs=1e-9)
    assert after.limits(0.95) == pytest.approx(before.limits(0.95), abs=1e-6)


def test_a_proxy_that_is_the_target_agrees_perfectly() -> None:
    y = np.random.default_rng(3).standard_normal(12)
    same = pearson(3 * y - 1, y)
    assert same.r == 1
    assert same.limits(0.975) == (1.0, 1.0)


def test_two_variants_have_no_r_and_three_no_interval() -> None:
    x = np.array([1.0, 2.0, 4.0])
    assert correlate(x[:2], x[:2], {}) is None
    assert pearson(x, x[::-1].copy()).limits(0.95) is None


def test_one_variant_that_carries_all_spread_leaves_no_certainty() -> None:
    x, y = np.zeros(10), np.random.default_rng(5).standard_normal(10)
    x[0], y[0] = 1.0, 50.0
    found = pearson(x, y)
    limits = found.limits(0.95)
    assert found.r > 0.99
    assert limits is not None and limits[0] < 0.5


def test_difference_of_r2_mirrors_and_holds_its_point() -> None:
    scores = ladder(np.random.default_rng(6), 30, {1: 0.5, 2: 0.9, 3: 1.0})
    a, b = pearson(scores[2], scores[3]), pearson(scores[1], scores[3])
    there, back = difference(a, b, 0.975), difference(b, a, 0.975)
    assert there is not None and back is not None
    assert there[0] == pytest.approx(a.r**2 - b.r**2)
    assert there[1] < there[0] < there[2]
    assert back == pytest.approx((-there[0], -there[2], -there[1]))


def coverage(replications: int, n: int, rho: float, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    inside = {"r": 0, "below": 0, "difference": 0}
    for _ in range(replications):
        scores = ladder(rng, n, {1: rho, 2: 0.8, 3: 1.0})
        found = pearson(scores[1], scores[3])
        r, one_sided = found.limits(0.975), found.limits(0.95)
        apart = difference(found, pearson(scores[2], scores[3]), 0.975)
        assert r and one_sided and apart
        inside["r"] += r[0] <= rho <= r[1]
        inside["below"] += one_sided[0] <= rho
        inside["difference"] += apart[1] <= rho**2 - 0.64 <= apart[2]
    return {name: count / replications for name, count in inside.items()}


def test_intervals_cover_the_planted_truth() -> None:
    found = coverage(200, 21, 0.9, seed=7)  # binomial standard error .015
    assert 0.90 <= found["r"] <= 0.99
    assert 0.90 <= found["below"]
    assert 0.90 <= found["difference"]


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.6, 0.9, 0.97])
def test_intervals_cover_the_planted_truth_at_length(rho: float) -> None:
    found = coverage(2000, 21, rho, seed=8)
    assert 0.93 <= found["r"] <= 0.97
    assert 0.925 <= found["below"] <= 0.97  # slightly liberal at n = 21
    assert 0.93 <= found["difference"] <= 0.98


@pytest.mark.slow
def test_intervals_cover_under_heavy_tails_at_length() -> None:
    rng, inside = np.random.default_rng(11), 0
    for _ in range(2000):
        scores = ladder(rng, 21, {1: 0.9, 2: 1.0})
        tails = np.sqrt(rng.chisquare(4, 21) / 4)
        low, high = pearson(scores[1] / tails, scores[2] / tails).limits(0.975) or (0, 0)
        inside += low <= 0.9 <= high
    assert inside / 2000 >= 0.90


def shared_coverage(replications: int, shape: tuple[int, ...], rho: float) -> tuple[float, float]:
    rng = np.random.default_rng(9)
    with_levels = without = 0
    for _ in range(replications):
        x, y, levels = crossed(rng, shape, rho)
        shared = correlate(x, y, levels)
        assert shared is not None
        low, high = shared.limits(0.975) or (0, 0)
        with_levels += low <= rho <= high
        low, high = pearson(x, y).limits(0.975) or (0, 0)
        without += low <= rho <= high
    return with_levels / replications, without / replications


def test_shared_levels_need_their_own_jackknife() -> None:
    with_levels, without = shared_coverage(200, (7, 3), 0.8)
    assert with_levels >= 0.91
    assert without <= 0.88


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7, 3), (4, 3), (3, 3, 3), (7, 6)])
def test_shared_levels_need_their_own_jackknife_at_length(shape: tuple[int, ...]) -> None:
    assert shared_coverage(2000, shape, 0.9)[0] >= 0.92
