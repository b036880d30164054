"""Agreement of orders: figures against scipy, ties by hand, coverage of the interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from analysis.statistics.agreement import Order, order, regret, regret_limit
from analysis.statistics.correlation import correlate
from tests.analysis.planted import Floats, ladder

grades = arrays(float, st.integers(4, 24), elements=st.integers(0, 8).map(float))


def sides(values: Floats) -> tuple[Floats, Floats]:
    half = len(values) // 2
    return values[:half], values[half : 2 * half]


def ordered(x: Floats, y: Floats) -> Order:
    found = order(x, y)
    assert found is not None
    return found


@given(grades)
@settings(max_examples=60, deadline=None)
def test_tau_and_spearman_are_those_of_scipy(values: Floats) -> None:
    x, y = sides(values)
    pairs = ordered(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert pairs.kendall_tau_b is None and pairs.spearman is None
        return
    assert pairs.kendall_tau_b == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
    if len(x) >= 3:
        assert pairs.spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


@given(grades)
@settings(max_examples=60, deadline=None)
def test_decision_accuracy_counts_pairs_and_halves_ties(values: Floats) -> None:
    x, y = sides(values)
    told = [
        0.5 if x[i] == x[j] or y[i] == y[j] else float((x[i] > x[j]) == (y[i] > y[j]))
        for i in range(len(x))
        for j in range(i)
    ]
    pairs = ordered(x, y)
    assert pairs.decision_accuracy == pytest.approx(np.mean(told))
    assert pairs.concordance.mean() == pytest.approx(np.mean(told))


@given(grades)
@settings(max_examples=40, deadline=None)
def test_monotone_maps_leave_the_order(values: Floats) -> None:
    x, y = sides(values)
    before, after = ordered(x, y), ordered(np.exp(x), y**3 + y)
    assert after.decision_accuracy == before.decision_accuracy
    assert after.kendall_tau_b == before.kendall_tau_b
    assert after.limits(0.95) == before.limits(0.95)


def test_perfect_order_keeps_a_lower_limit_below_one() -> None:
    y = np.arange(21.0)
    assert ordered(y, y).limits(0.95) == pytest.approx((0.05 ** (1 / 21), 1.0))
    assert ordered(-y, y).limits(0.95) == pytest.approx((0.0, 1 - 0.05 ** (1 / 21)))


def test_logit_limits_of_decision_accuracy_use_the_u_statistic() -> None:
    scores = ladder(np.random.default_rng(4), 10, {1: 0.7, 2: 1.0})
    x, y = scores[1], scores[2]
    same = np.array([[(x[i] - x[j]) * (y[i] - y[j]) > 0 for j in range(10)] for i in range(10)])
    each = same.sum(axis=1) / 9
    da = each.mean()
    error = 2 * (((each - da) ** 2).sum() / (9 * 10)) ** 0.5 / (da * (1 - da))
    logit = np.log(da / (1 - da)) + np.array([-1, 1]) * stats.t.ppf(0.95, 9) * error
    assert ordered(x, y).limits(0.95) == pytest.approx(tuple(1 / (1 + np.exp(-logit))))


def test_equal_concordance_of_all_variants_is_no_certainty() -> None:
    swapped = ordered(np.array([2.0, 1, 4, 3, 6, 5, 8, 7]), np.arange(8.0))
    low, high = swapped.limits(0.975) or (1, 0)
    assert low < swapped.decision_accuracy - 0.1 and high > swapped.decision_accuracy + 0.05
    assert ordered(np.ones(8), np.arange(8.0)).limits(0.975) is None


def test_regret_averages_picks_that_tie() -> None:
    assert regret(np.array([3.0, 3.0, 1.0]), np.array([5.0, 9.0, 10.0])) == pytest.approx(3.0)


def regret_covered(replications: int, rho: float, n: int = 21) -> float:
    """Share of limits that hold the expected regret of normal scores."""
    rng = np.random.default_rng(12)
    limits, seen = [], []
    for _ in range(replications):
        scores = ladder(rng, n, {1: rho, 2: 1.0})
        found = correlate(scores[1], scores[2], {})
        assert found is not None
        limits.append(regret_limit(scores[1], scores[2], (found.limits(0.95) or (0,))[0]) or 0)
        seen.append(regret(scores[1], scores[2]) or 0)
    assert all(limit >= one for limit, one in zip(limits, seen, strict=True))
    many = [ladder(rng, n, {1: rho, 2: 1.0}) for _ in range(4000)]
    expected = np.mean([regret(scores[1], scores[2]) or 0 for scores in many])
    return float(np.mean(np.array(limits) >= expected))


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_the_limit_of_regret_holds_what_is_to_be_expected(rho: float) -> None:
    assert regret_covered(200, rho) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "n"), [(0.5, 21), (0.9, 10), (0.9, 21), (0.97, 60)])
def test_the_limit_of_regret_holds_at_length(rho: float, n: int) -> None:
    assert regret_covered(2000, rho, n) >= 0.935


def test_the_limit_of_regret_has_the_units_of_the_target() -> None:
    x, y = np.random.default_rng(13).standard_normal((2, 12))
    assert regret_limit(x, 10 * y, 0.5) == pytest.approx(10 * (regret_limit(x, y, 0.5) or 0))
    assert regret_limit(y, y, 1.0) == 0
    # five normals: the largest is expected at 1.163
    five = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert regret_limit(five, five, 0.0) == pytest.approx(1.163 * five.std(ddof=1), rel=0.02)
    assert regret_limit(x[:2], y[:2], 0.5) is None


def test_large_tables_compare_all_pairs_in_bounded_memory() -> None:
    scores = ladder(np.random.default_rng(10), 5000, {1: 0.8, 2: 1.0})
    pairs = ordered(scores[1], scores[2])
    assert pairs.kendall_tau_b == pytest.approx(stats.kendalltau(scores[1], scores[2]).statistic)


def test_a_proxy_that_is_the_target_decides_perfectly() -> None:
    y = np.random.default_rng(3).standard_normal(12)
    assert ordered(y, y).decision_accuracy == 1
    assert regret(y, y) == 0


def coverage(replications: int, n: int, rho: float) -> float:
    """Share of 95% intervals that hold the decision accuracy of normal scores."""
    rng, inside = np.random.default_rng(7), 0
    for _ in range(replications):
        scores = ladder(rng, n, {1: rho, 2: 1.0})
        low, high = ordered(scores[1], scores[2]).limits(0.975) or (0, 0)
        inside += low <= 0.5 + np.arcsin(rho) / np.pi <= high
    return inside / replications


def test_intervals_cover_the_planted_truth() -> None:
    assert coverage(200, 21, 0.9) >= 0.92  # binomial standard error .015


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rho"), [(10, 0.9), (21, 0.7), (21, 0.95)])
def test_intervals_cover_the_planted_truth_at_length(n: int, rho: float) -> None:
    assert coverage(2000, n, rho) >= 0.945
