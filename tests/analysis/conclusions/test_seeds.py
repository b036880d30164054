"""Seeds that would help: planted noise, transfer that no seed mends, what is unknown."""

import numpy as np
import pytest

from analysis import fit
from analysis.conclusions.seeds import SeedsNeeded, seeds_needed
from analysis.statistics.curve import Comparison, compare
from tests.analysis.planted import Floats, ladder, paired, table


def comparison(x: Floats, y: Floats) -> Comparison:
    return compare(paired(x, y), x.reshape(len(x), -1).shape[1], 0.1, 0.95)


def noisy(rng: np.random.Generator, true: Floats, noise: float, seeds: int) -> Floats:
    return true[:, None] + noise * rng.standard_normal((len(true), seeds))


def needed(x: Floats, y: Floats, metric: str = "r2", threshold: float = 0.8) -> int | None:
    (found,) = seeds_needed([comparison(x, y)], metric, threshold, 0.95)
    return found.needed


def test_the_seeds_that_are_needed_do() -> None:
    rng = np.random.default_rng(0)
    true = rng.standard_normal(400)
    x, y = noisy(rng, true, 0.7, 64), noisy(rng, true, 0.4, 64)
    told = needed(x[:, :2], y[:, :2])
    assert told is not None and 2 < told < 20

    def lower(seeds: int) -> float:
        return comparison(x[:, :seeds], y[:, :seeds]).point.r2_lower_one_sided or 0

    assert lower(2) < 0.8 and lower(told + 1) >= 0.8 and lower(told - 2) < 0.8


def test_failed_transfer_needs_something_else() -> None:
    rng = np.random.default_rng(1)
    scores = ladder(rng, 60, {1.0: 0.6, 2.0: 1.0})
    x, y = (noisy(rng, scores[size], 0.3, 3) for size in (1.0, 2.0))
    assert needed(x, y) is None
    assert needed(rng.standard_normal((60, 3)), y) is None  # nothing but noise


def test_fewer_seeds_may_be_enough() -> None:
    rng = np.random.default_rng(2)
    true = rng.standard_normal(60)
    x, y = noisy(rng, true, 0.1, 5), noisy(rng, true, 0.1, 5)
    assert needed(x, y) == 1
    assert needed(x, y, "decision_accuracy", 0.85) == 1


def test_a_harder_threshold_needs_more() -> None:
    rng = np.random.default_rng(3)
    true = rng.standard_normal(200)
    x, y = noisy(rng, true, 0.5, 3), noisy(rng, true, 0.5, 3)
    few, many = (needed(x, y, "decision_accuracy", t) or 0 for t in (0.75, 0.85))
    assert 0 < few < many


def test_only_known_noise_is_told() -> None:
    rng = np.random.default_rng(4)
    true = rng.standard_normal(30)
    assert seeds_needed([comparison(true, true[::-1])], "r2", 0.8, 0.95) == []
    assert seeds_needed([comparison(true[:5], true[:5])], "r2", 0.8, 0.95) == []
    frame = table({1.0: noisy(rng, true, 0.4, 2), 2.0: true})
    (one,) = fit(frame).to_dict()["seeds"]
    assert one == {"size": 1.0, "samples": None, "seeds": 2, "needed": pytest.approx(3, abs=2)}
    assert isinstance(fit(frame).seeds[0], SeedsNeeded)
