"""The critical size and data size: the rule on planted limits, and how often they are wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from analysis.conclusions.critical import (
    CriticalSamples,
    compare_sizes,
    critical_samples,
    critical_size,
    largest_samples,
)
from analysis.statistics.curve import Comparison, compare
from analysis.tables.pairs import Rung
from tests.analysis.planted import Floats, crossed, ladder, paired


def compared(
    x: Floats, y: Floats, size: float = 1.0, samples: float | None = None, **levels: Floats
) -> Comparison:
    pair = paired(x, y, levels, size)  # type: ignore[arg-type]
    return compare(replace(pair, proxy=Rung(size, samples)), 1, 0.1, 0.95)


def judged(size: float, lower: float, point: float, upper: float, n: int = 21) -> Comparison:
    """A proxy whose r2 and limits are given."""
    y = np.random.default_rng(0).standard_normal(n)
    base = compared(y + 0.1 * y[::-1], y, size)
    limits = {"r2": point, "r2_lower_one_sided": lower, "r2_upper_one_sided": upper}
    return replace(base, point=replace(base.point, **limits))


def test_the_sequence_runs_from_the_largest_down_and_ends_at_a_failure() -> None:
    proxies = [
        judged(4, 0.85, 0.90, 0.95),
        judged(3, 0.81, 0.85, 0.95),
        judged(2, 0.70, 0.85, 0.95),
        judged(1, 0.90, 0.95, 0.99),
        judged(0.5, 0.1, 0.3, 0.5),
    ]
    verdict = critical_size(proxies, "r2", 0.8, 0.95)
    assert (verdict.status, verdict.certified) == ("certified", 3)
    assert verdict.plausible == (2, 1)
    assert verdict.excluded == (0.5,)
    assert ".700" in verdict.reason


def test_a_size_that_cannot_be_judged_ends_the_sequence() -> None:
    few = compared(np.arange(5.0), np.arange(5.0), 4)
    verdict = critical_size([few, judged(1, 0.9, 0.95, 0.99)], "r2", 0.8, 0.95)
    assert (verdict.status, verdict.certified, verdict.plausible) == ("none", None, (1,))


@pytest.mark.parametrize("n", [3, 5])
def test_fewer_than_six_variants_are_refused(n: int) -> None:
    verdict = critical_size([compared(np.arange(n) * 1.0, np.arange(n) * 1.0)], "r2", 0.8, 0.95)
    assert (verdict.status, verdict.certified, verdict.plausible) == ("refused", None, ())
    assert "6" in verdict.reason
    six = critical_size([compared(np.arange(6.0), np.arange(6.0))], "r2", 0.8, 0.95)
    assert (six.status, six.certified) == ("certified", 1)


def test_nothing_to_judge_is_refused() -> None:
    flat = compared(np.ones(9), np.arange(9.0))
    assert critical_size([flat], "r2", 0.8, 0.95).status == "refused"
    assert critical_size([flat], "decision_accuracy", 0.85, 0.95).status == "refused"
    assert critical_size([], "r2", 0.8, 0.95).status == "refused"


def test_a_negative_r_never_passes() -> None:
    y = np.random.default_rng(1).standard_normal(21)
    turned = compared(-y + 0.01 * y**2, y)
    assert (turned.point.r2 or 0) > 0.9
    verdict = critical_size([turned], "r2", 0.8, 0.95)
    assert (verdict.certified, verdict.plausible, verdict.excluded) == (None, (), (1,))


def test_confidence_is_one_sided() -> None:
    y = np.random.default_rng(2).standard_normal(21)
    proxy = compared(y + 0.2 * np.random.default_rng(3).standard_normal(21), y)
    r = proxy.correlation
    assert r is not None
    low, high = r.limits(0.95) or (0, 0)
    assert proxy.point.r2_lower_one_sided == pytest.approx(low**2)
    assert proxy.point.r2_upper_one_sided == pytest.approx(high**2)
    assert (proxy.point.r_ci95 or (1, 0))[0] < low
    assert proxy.order is not None
    assert proxy.point.decision_accuracy_lower_one_sided == (proxy.order.limits(0.95) or (0,))[0]
    assert proxy.point.decision_accuracy_upper_one_sided == (proxy.order.limits(0.95) or (0, 0))[1]


def test_each_size_stands_at_its_most_samples_that_can_be_judged() -> None:
    y = np.random.default_rng(4).standard_normal(8)
    rungs = [
        compared(y, y, 2, 10.0),
        compared(y, y, 2, 20.0),
        compared(y[:5], y[:5], 2, 30.0),
        compared(y[:5], y[:5], 1, 30.0),
        compared(y[:5], y[:5], 1, 20.0),
        compared(y, y, 9, 10.0),
    ]
    chosen = [(c.rung.size, c.rung.samples) for c in largest_samples(rungs, target_size=9)]
    assert chosen == [(2, 20.0), (1, 30.0)]


def test_neighbouring_sizes_are_compared_on_common_variants() -> None:
    scores = ladder(np.random.default_rng(5), 20, {1: 0.5, 2: 0.95, 3: 1.0})
    larger = compared(scores[2], scores[3], 2)
    smaller = compared(scores[1], scores[3], 1)
    part = replace(
        smaller, pair=replace(smaller.pair.restricted_to(smaller.pair), variants=np.arange(5, 25))
    )
    (whole,), (some,) = compare_sizes([larger, smaller]), compare_sizes([larger, part])
    assert whole.delta_r2 == pytest.approx((larger.point.r2 or 0) - (smaller.point.r2 or 0))
    expected = np.corrcoef(scores[2][5:], scores[3][5:])[0, 1] ** 2
    assert some.delta_r2 + np.corrcoef(scores[1][:15], scores[3][:15])[0, 1] ** 2 == (
        pytest.approx(expected)
    )


def sizes_claimed(
    agreement: Mapping[float, float], n: int, replications: int, seed: int
) -> dict[float | None, float]:
    """Share of replications per certified size."""
    rng, claims = np.random.default_rng(seed), Counter[float | None]()
    target = max(agreement)
    for _ in range(replications):
        scores = ladder(rng, n, agreement)
        proxies = [
            compared(scores[size], scores[target], size)
            for size in sorted(agreement, reverse=True)
            if size != target
        ]
        claims[critical_size(proxies, "r2", 0.8, 0.95).certified] += 1
    return {size: count / replications for size, count in claims.items()}


LADDER = {1.0: 0.5, 2.0: 0.7, 3.0: 0.88, 4.0: 0.93, 5.0: 0.96, 6.0: 0.98, 7.0: 1.0}
"""The true critical size at r2 = .8 is 4."""


def test_too_small_sizes_are_rarely_certified() -> None:
    claims = sizes_claimed(LADDER, 21, 200, seed=6)
    assert sum(share for size, share in claims.items() if size and size < 4) <= 0.05
    assert sum(share for size, share in claims.items() if size in (4, 5, 6)) >= 0.85


def test_a_null_is_never_certified_in_practice() -> None:
    assert sizes_claimed({1.0: 0.0, 2.0: 0.0, 3.0: 1.0}, 21, 200, seed=7) == {None: 1.0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("agreement", "true_size"),
    [(LADDER, 4.0), ({1.0: 0.8**0.5 - 1e-9, 2.0: 0.97, 3.0: 0.99, 4.0: 1.0}, 2.0)],
)
def test_too_small_sizes_are_rarely_certified_at_length(
    agreement: dict[float, float], true_size: float
) -> None:
    claims = sizes_claimed(agreement, 21, 2000, seed=8)
    too_small = sum(share for size, share in claims.items() if size and size < true_size)
    assert too_small <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.slow
def test_shared_levels_do_not_certify_a_border_case_at_length() -> None:
    rng, wrong = np.random.default_rng(9), 0
    for _ in range(1000):
        x, y, levels = crossed(rng, (7, 3), 0.8**0.5 - 1e-9)
        proxy = compared(x, y, 1.0, None, **levels)
        wrong += critical_size([proxy], "r2", 0.8, 0.95).certified is not None
    assert wrong / 1000 <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5 + 0.02


def data_ladder(
    rng: np.random.Generator, n: int, agreement: Mapping[float, float]
) -> CriticalSamples:
    """Data sizes of one proxy that share most of what they miss, as nested subsets do."""
    scores = ladder(rng, n, {0.0: 0.0, 1.0: 1.0})
    own, target = scores[0.0], scores[1.0]
    rungs = []
    for samples, rho in agreement.items():
        noise = 0.9 * own + (1 - 0.81) ** 0.5 * rng.standard_normal(n)
        rungs.append(compared(rho * target + (1 - rho**2) ** 0.5 * noise, target, 1.0, samples))
    found = critical_samples(rungs, target_size=9, confidence=0.95)
    assert found is not None
    return found


def test_a_data_plateau_is_found_and_not_overrun() -> None:
    rng = np.random.default_rng(10)
    plateau = {1e5: 0.80, 2e5: 0.9, 5e5: 0.97, 1e6: 0.97}
    found = Counter(data_ladder(rng, 60, plateau).certified for _ in range(200))
    assert found[5e5] >= 100
    assert found[2e5] + found[1e5] <= 4


def test_no_plateau_is_said_so() -> None:
    rng = np.random.default_rng(11)
    rising = {1e5: 0.5, 5e5: 0.8, 1e6: 0.97}
    verdicts = [data_ladder(rng, 60, rising) for _ in range(100)]
    none = [v for v in verdicts if v.status == "none"]
    assert len(none) >= 95
    assert all(v.certified is None and "No plateau" in v.reason for v in none)


def test_a_small_loss_that_may_be_large_is_only_plausible() -> None:
    half, noise = np.random.default_rng(20).standard_normal((2, 8))
    y = np.concatenate([-half[::-1], half])
    x = y + 1.2 * np.concatenate([noise, np.zeros(8)])
    rungs = [compared(x, y, 1, 20.0), compared(-x[::-1], y, 1, 10.0)]
    found = critical_samples(rungs, 9, 0.95)
    assert rungs[0].point.r2 == pytest.approx(rungs[1].point.r2)
    assert found is not None
    assert (found.status, found.certified, found.plausible) == ("none", None, (10.0,))


def test_the_largest_size_with_several_data_sizes_is_judged() -> None:
    y = np.random.default_rng(12).standard_normal(12)
    one = [compared(y, y, 4, 10.0), compared(y, y, 2, 10.0)]
    assert critical_samples(one, 9, 0.95) is None
    found = critical_samples([*one, compared(y, y, 2, 5.0)], 9, 0.95)
    assert found is not None
    assert (found.size, found.status, found.certified) == (2, "certified", 5.0)


def test_fewer_samples_at_the_target_size_are_compared_with_the_target_itself() -> None:
    y = np.random.default_rng(13).standard_normal(30)
    other = np.random.default_rng(14).standard_normal(30)
    rungs = [compared(y + 0.01 * other, y, 9, 20.0), compared(y + other, y, 9, 10.0)]
    found = critical_samples(rungs, 9, 0.95)
    assert found is not None
    assert (found.certified, found.excluded) == (20.0, (10.0,))
