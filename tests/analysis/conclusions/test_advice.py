"""The next step: what helps where noise, few designs or the size itself is the limit."""

import numpy as np
import pytest

from analysis import fit
from analysis.conclusions.advice import Step, next_steps
from analysis.conclusions.critical import critical_size
from analysis.statistics.curve import Comparison, compare
from tests.analysis.planted import Floats, ladder, paired, table


def steps(
    *proxies: tuple[float, Floats], target: Floats, metric: str = "r2", threshold: float = 0.8
) -> list[Step]:
    """Advice on proxies given as size and scores, largest first; the target has size 10."""
    made: list[Comparison] = [
        compare(paired(x, target, size=size), x.reshape(len(x), -1).shape[1], size / 10, 0.95)
        for size, x in proxies
    ]
    return next_steps(made, critical_size(made, metric, threshold, 0.95), 10.0)


def noisy(rng: np.random.Generator, y: Floats, noise: float, seeds: int) -> Floats:
    return y[:, None] + noise * rng.standard_normal((len(y), seeds))


def test_noise_asks_for_seeds_first() -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal(60)
    advice = steps((1.0, noisy(rng, y, 0.7, 2)), target=noisy(rng, y, 0.1, 2))
    assert advice[0].action == "seed"
    assert "1" in advice[0].what and "%" in advice[0].expected


def test_clean_failure_does_not_ask_for_seeds() -> None:
    rng = np.random.default_rng(1)
    scores = ladder(rng, 60, {1.0: 0.6, 10.0: 1.0})
    x, y = (noisy(rng, scores[size], 0.01, 2) for size in (1.0, 10.0))
    assert steps((1.0, x), target=y)[0].action == "size"


def test_few_designs_and_a_dear_proxy_ask_for_two_more_designs() -> None:
    rng = np.random.default_rng(5)
    y = rng.standard_normal(8)
    x = y + 0.15 * rng.standard_normal(8)
    for metric, threshold in (("r2", 0.95), ("decision_accuracy", 0.85)):
        advice = steps((9.0, x), target=y, metric=metric, threshold=threshold)
        assert advice[0].action == "design" and "2 more designs" in advice[0].what


def test_a_larger_proxy_lies_between_the_open_size_and_the_next() -> None:
    scores = ladder(np.random.default_rng(7), 60, {1.0: 0.5, 4.0: 0.99, 10.0: 1.0})
    (first, *_) = steps((4.0, scores[4.0]), (1.0, scores[1.0]), target=scores[10.0])
    assert (first.action, first.what) == ("size", "train the designs at about 2")
    (alone, *_) = steps((1.0, scores[1.0]), target=scores[10.0])
    assert (alone.action, alone.what) == ("size", "train the designs at about 3.2")


def test_a_chance_is_that_of_the_step_truly_taken() -> None:
    rng = np.random.default_rng(8)
    told, came = [], []
    for _ in range(60):
        y = rng.standard_normal(40)
        x = noisy(rng, y, 0.75, 4)
        target = noisy(rng, y, 0.1, 2)
        seeds = [s for s in steps((1.0, x[:, :3]), target=target) if "seed of every" in s.what]
        at_proxy = [s for s in seeds if "design at 1" in s.what]
        if not at_proxy:
            continue
        told.append(float(at_proxy[0].expected.split()[-1].rstrip("%")) / 100)
        (point,) = fit(table({1.0: x, 10.0: target})).curve
        came.append((point.r2_lower_one_sided or 0) >= 0.8)
    assert len(told) >= 30
    assert np.mean(told) == pytest.approx(np.mean(came), abs=3 * 0.5 / len(told) ** 0.5)
    assert 0.05 < np.mean(told) < 0.95


def test_unknown_noise_is_to_be_learnt() -> None:
    scores = ladder(np.random.default_rng(2), 21, {1.0: 0.9, 10.0: 1.0})
    assert any(
        step.action == "seed" and "second seed" in step.what
        for step in steps((1.0, scores[1.0]), target=scores[10.0])
    )


def test_too_few_variants_ask_for_designs() -> None:
    y = np.arange(4.0)
    (only,) = steps((1.0, y), target=y)
    assert only.action == "design" and "2 more designs" in only.what


def test_all_certified_asks_for_a_smaller_size() -> None:
    y = np.random.default_rng(3).standard_normal(21)
    noise = 0.05 * np.random.default_rng(4).standard_normal(21)
    (only,) = steps((2.0, y + noise), (1.0, y - noise), target=y)
    assert only.action == "size" and "below 1" in only.what


def test_advice_is_the_same_every_time() -> None:
    scores = ladder(np.random.default_rng(5), 21, {1.0: 0.9, 10.0: 1.0})
    first, second = (steps((1.0, scores[1.0]), target=scores[10.0]) for _ in range(2))
    assert first == second


def test_nothing_to_judge_gives_no_advice() -> None:
    assert next_steps([], critical_size([], "r2", 0.8, 0.95), 10.0) == []
