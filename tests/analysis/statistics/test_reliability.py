"""Seed noise: analysis of variance against planted variances, Brown-Forsythe against scipy."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.reliability import ceiling, duplicates, reliability, unequal_noise
from tests.analysis.planted import Floats, runs


def noisy(rng: np.random.Generator, n: int, seeds: int, noise: float) -> Floats:
    return rng.standard_normal((n, 1)) + noise * rng.standard_normal((n, seeds))


def test_balanced_seeds_give_the_textbook_ratio() -> None:
    scores = noisy(np.random.default_rng(0), 12, 3, 0.5)
    found = reliability(runs(scores), scores.mean(axis=1))
    between, within = 3 * scores.mean(axis=1).var(ddof=1), scores.var(axis=1, ddof=1).mean()
    f = stats.f_oneway(*scores).statistic
    assert found is not None
    assert found.of_mean == pytest.approx((between - within) / between) == pytest.approx(1 - 1 / f)
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((between - within) / 3)
    assert found.of_seeds(3) == pytest.approx(found.of_mean)


@pytest.mark.parametrize("seeds", [2, 5])
def test_reliability_is_the_planted_share(seeds: int) -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        scores = noisy(rng, 40, seeds, 0.7)
        found = reliability(runs(scores), scores.mean(axis=1))
        assert found is not None and found.of_mean is not None
        shares.append(found.of_mean)
    assert np.mean(shares) == pytest.approx(1 / (1 + 0.49 / seeds), abs=0.02)


def test_variants_without_second_seeds_count_with_their_own_noise() -> None:
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(300):
        scores = noisy(rng, 40, 4, 0.7)
        scores[20:, 1:] = np.nan
        found = reliability(runs(scores), np.nanmean(scores, axis=1))
        assert found is not None and found.of_mean is not None
        shares.append(found.of_mean)
    assert np.mean(shares) == pytest.approx(1 / (1 + 0.49 * (1 / 4 + 1) / 2), abs=0.02)


def test_no_second_seed_tells_nothing() -> None:
    assert reliability(runs(np.arange(5.0)), np.arange(5.0)) is None


def test_noise_alone_is_not_clipped_and_has_no_ceiling() -> None:
    scores = np.array([[0.0, 2.0], [0.1, 1.9], [-0.1, 2.1]])
    found = reliability(runs(scores), np.array([1.0, 1.0001, 1.0]))
    assert found is not None and found.of_mean is not None and found.of_mean < 0
    assert found.of_seeds(9) is None
    assert ceiling(found, None) is None


def test_ceiling_multiplies_both_sides_and_takes_an_unknown_one_as_clean() -> None:
    scores = noisy(np.random.default_rng(3), 12, 3, 0.5)
    found = reliability(runs(scores), scores.mean(axis=1))
    assert found is not None and found.of_mean is not None
    assert ceiling(found, None) == pytest.approx(found.of_mean)
    assert ceiling(found, found) == pytest.approx(found.of_mean**2)
    assert ceiling(None, None) is None


@pytest.mark.parametrize("seeds", [3, 4])
def test_unequal_noise_is_brown_forsythe(seeds: int) -> None:
    scores = noisy(np.random.default_rng(4), 8, seeds, 1.0)
    expected = stats.levene(*scores, center="median").pvalue
    assert unequal_noise(runs(scores)) == pytest.approx(expected)
    two_left_out = np.vstack([scores, [[1.0, 9.0] + [np.nan] * (seeds - 2)]])
    assert unequal_noise(runs(two_left_out)) == pytest.approx(expected)


def test_two_seeds_say_nothing_about_unequal_noise() -> None:
    assert unequal_noise(runs(np.random.default_rng(5).random((6, 2)))) is None
    assert unequal_noise(runs(np.ones((6, 3)))) is None


def test_duplicates_share_all_of_several_seeds() -> None:
    scores = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert duplicates(runs(scores), 4) == [(0, 2)]
    assert duplicates(runs(scores[:, 0]), 4) == []
