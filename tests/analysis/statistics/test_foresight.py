"""Simulated next steps: they must foretell what truly taking the step would show."""

import numpy as np
import pytest

from analysis.statistics.agreement import accuracy_lower_limits, order
from analysis.statistics.correlation import correlate, lower_limits
from analysis.statistics.curve import Comparison, compare
from analysis.statistics.foresight import PROXY, TARGET, Foresight, Outlook
from tests.analysis.planted import Codes, Floats, paired

NOISE = 0.7
N = 24
STUDIES, TABLES = 120, 100
FACTORS = {"a": np.arange(N) % 3, "b": np.arange(N) // 3 % 4}


def comparison(x: Floats, y: Floats, levels: dict[str, Codes] | None = None) -> Comparison:
    return compare(paired(x, y, levels), 1, 0.1, 0.95)


def truth(rng: np.random.Generator, n: int, rho: float) -> Floats:
    """True scores of n variants on both sides, shape (2, n), with factors' effects in them."""
    own = rng.standard_normal((2, n))
    own[PROXY] = rho * own[TARGET] + (1 - rho**2) ** 0.5 * own[PROXY]
    for code in FACTORS.values():
        effect = rng.standard_normal((2, code.max() + 1))
        effect[PROXY] = rho * effect[TARGET] + (1 - rho**2) ** 0.5 * effect[PROXY]
        own += 0.7 * effect[:, np.resize(code, n)]
    return own


def seeds(rng: np.random.Generator, true: Floats, count: int) -> Floats:
    return true[..., None] + NOISE * rng.standard_normal((*true.shape, count))


def correlations(outlook: Outlook) -> Floats:
    x, y = (side - side.mean(axis=1, keepdims=True) for side in (outlook.x, outlook.y))
    r: Floats = (x * y).sum(1) / np.sqrt((x * x).sum(1) * (y * y).sum(1))
    return r


class Calibration:
    """Where what came true lies among the simulated tables, over many studies."""

    def __init__(self) -> None:
        self.ranks: list[float] = []
        self.errors: list[float] = []

    def add(self, outlook: Outlook, x: Floats, y: Floats) -> None:
        told, came = np.arctanh(correlations(outlook)), np.arctanh(np.corrcoef(x, y)[0, 1])
        self.ranks.append(float(np.mean(told < came)))
        self.errors.append(float(came - told.mean()))

    def holds(self) -> None:
        inside = np.mean([0.1 <= rank <= 0.9 for rank in self.ranks])
        # nominal .8; .74 (+- 3 * .04) as fitted variances count as known
        assert 0.62 <= inside <= 0.88
        assert abs(np.mean(self.errors)) < 0.04


@pytest.mark.parametrize("levels", [None, FACTORS])
@pytest.mark.parametrize("side", [PROXY, TARGET])
def test_one_more_seed_shows_what_was_foretold(side: int, levels: dict[str, Codes] | None) -> None:
    rng, found = np.random.default_rng(side), Calibration()
    for _ in range(STUDIES):
        three = seeds(rng, truth(rng, N, 0.9), 3)
        before = [three[..., :2], three[..., :2]]
        foresight = Foresight(comparison(before[0][PROXY], before[1][TARGET], levels), TABLES)
        after = [three[s] if s == side else three[s][:, :2] for s in (PROXY, TARGET)]
        found.add(foresight.more_seeds(side), after[PROXY].mean(1), after[TARGET].mean(1))
    found.holds()


@pytest.mark.parametrize("levels", [None, FACTORS])
def test_more_designs_show_what_was_foretold(levels: dict[str, Codes] | None) -> None:
    rng, found = np.random.default_rng(2), Calibration()
    for _ in range(STUDIES):
        more = seeds(rng, truth(rng, N + 4, 0.8), 2)
        few = more[:, :N]
        outlook = Foresight(comparison(few[PROXY], few[TARGET], levels), TABLES).more_designs(4)
        assert outlook.x.shape == (TABLES, N + 4)
        assert np.ptp(outlook.x[:, :N], axis=0).max() == 0  # what is trained stays
        found.add(outlook, more[PROXY].mean(1), more[TARGET].mean(1))
    found.holds()


def test_a_size_between_shows_what_was_foretold() -> None:
    rng, found = np.random.default_rng(3), Calibration()
    step = 0.9
    for _ in range(STUDIES):
        true = [rng.standard_normal(40)]
        for _ in range(2):
            true.append(step * true[-1] + (1 - step**2) ** 0.5 * rng.standard_normal(40))
        small, middle, large = (seeds(rng, side, 3) for side in true)
        foresight = Foresight(comparison(small, large), TABLES)
        found.add(foresight.size_between(None), middle.mean(1), large.mean(1))
    found.holds()


def test_a_size_between_two_proxies_lies_between_them() -> None:
    rng = np.random.default_rng(4)
    y = rng.standard_normal(200)
    larger, small = y + 0.3 * rng.standard_normal(200), y + 1.0 * rng.standard_normal(200)
    outlook = Foresight(comparison(small, y), 100).size_between(larger)
    low, high = np.corrcoef(small, y)[0, 1], np.corrcoef(larger, y)[0, 1]
    assert low < correlations(outlook).mean() < high


@pytest.mark.parametrize("levels", [{}, FACTORS, {"a": FACTORS["a"], "flat": np.zeros(N, int)}])
def test_limits_of_many_tables_are_those_of_each(levels: dict[str, Codes]) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 9, N))
    y[3], y[4], x[5] = x[3], -x[4], np.round(x[5])
    limits = [correlate(a, b, levels).limits(0.95) for a, b in zip(x, y, strict=True)]  # type: ignore[union-attr]
    assert lower_limits(x, y, levels, 0.95) == pytest.approx([low for low, _ in limits])  # type: ignore[misc]
    orders = [order(a, b).limits(0.95) for a, b in zip(x, y, strict=True)]  # type: ignore[union-attr]
    assert accuracy_lower_limits(x, y, 0.95) == pytest.approx([low for low, _ in orders])  # type: ignore[misc]


def test_many_factors_share_the_limits_too() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((2, 5, N))
    levels = {str(k): rng.integers(0, 3, N) for k in range(5)}
    limits = [correlate(a, b, levels).limits(0.95) for a, b in zip(x, y, strict=True)]  # type: ignore[union-attr]
    assert lower_limits(x, y, levels, 0.95) == pytest.approx([low for low, _ in limits])  # type: ignore[misc]


def test_draws_are_the_same_every_time_and_in_any_unit() -> None:
    x, y = np.random.default_rng(7).standard_normal((2, 12, 2))
    first, again = (Foresight(comparison(x, y), 50).more_seeds(PROXY) for _ in range(2))
    assert np.array_equal(first.x, again.x)
    scaled = Foresight(comparison(1e-80 * x, 1e90 * y + 1e90), 50).more_seeds(PROXY)
    assert correlations(scaled) == pytest.approx(correlations(first), abs=1e-6)


def test_a_side_without_seeds_is_free_of_noise() -> None:
    x, y = np.random.default_rng(8).standard_normal((2, 12))
    outlook = Foresight(comparison(x, y), 20).more_seeds(TARGET)
    assert np.ptp(outlook.y, axis=0).max() == pytest.approx(0, abs=1e-6)
