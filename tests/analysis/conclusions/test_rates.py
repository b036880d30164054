"""Learning rates with a planted best: it is found, and what it does to designs is told."""

import numpy as np
import pandas as pd
import pytest

from analysis.conclusions.rates import check_rates

RATES = (0.5, 1.0, 2.0)


def _runs(
    best: dict[tuple[str, str], float],
    accuracy: dict[str, float],
    *,
    noise: float = 0.0,
    seeds: int = 1,
    harm: float = 10.0,
    draw: int = 0,
) -> pd.DataFrame:
    """Losses that grow with the distance from a planted best rate, and accuracies that fall."""
    random = np.random.default_rng(draw)
    sizes = {"10K": 1e4, "30K": 3e4}
    rows = []
    for (design, size), planted in best.items():
        for rate in RATES:
            away = abs(np.log2(rate / planted))
            for seed in range(seeds):
                score = accuracy[design] - harm * away + 10 * noise * random.standard_normal()
                rows.append(
                    {
                        "variant": design, "size": sizes[size], "size_name": size, "seed": seed,
                        "rate": rate, "loss": 1 + 0.1 * away + noise * random.standard_normal(),
                        "score": score,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


PLANTED = {("a", "10K"): 1.0, ("a", "30K"): 1.0, ("b", "10K"): 2.0, ("b", "30K"): 0.5}


def test_the_planted_best_rate_of_every_design_and_size_is_found() -> None:
    check = check_rates(_runs(PLANTED, {"a": 60, "b": 65}))
    assert {(one.design, one.size): one.best for one in check.tuned} == PLANTED
    assert {one.design: one.gain for one in check.tuned if one.size == "10K"} == {
        "a": 0, "b": pytest.approx(0.1)
    }  # fmt: skip
    assert {one.design for one in check.at_edge()} == {"b"}


def test_designs_whose_best_rate_differs_by_size_are_named() -> None:
    check = check_rates(_runs(PLANTED, {"a": 60, "b": 65}))
    (one,) = check.differing
    assert (one.design, one.sizes, one.rates) == ("b", ("10K", "30K"), (2.0, 0.5))
    assert one.clear is None and check.seed_sd is None


def test_a_difference_beyond_seed_noise_is_clear() -> None:
    check = check_rates(_runs(PLANTED, {"a": 60, "b": 65}, noise=0.001, seeds=6))
    assert check.seed_sd == pytest.approx(0.001, rel=0.4)
    assert [(one.design, one.clear) for one in check.differing] == [("b", True)]


def test_seed_noise_alone_is_hardly_ever_clear() -> None:
    same = dict.fromkeys(PLANTED, 1.0)
    found = [
        one.clear
        for draw in range(40)
        for one in check_rates(
            _runs(same, {"a": 60, "b": 65}, noise=0.3, seeds=3, draw=draw)
        ).differing
    ]
    assert len(found) > 20 and sum(map(bool, found)) <= 2


def test_an_effect_that_is_one_of_tuning_is_a_swap() -> None:
    # b is better by 5 points at its own rate, and loses 10 at the rule's.
    check = check_rates(_runs(PLANTED, {"a": 60, "b": 65}))
    assert check.pairs == 2
    assert [(s.size, s.designs) for s in check.swaps] == [("10K", ("a", "b")), ("30K", ("a", "b"))]
    assert check.swaps[0].lead == (pytest.approx(5), pytest.approx(-5))
    assert check.swaps[0].clear is None
    swaps = check_rates(_runs(PLANTED, {"a": 60, "b": 65}, noise=0.01, seeds=4)).swaps
    assert [swap.clear for swap in swaps] == [True, True]


def test_a_real_effect_is_none() -> None:
    assert check_rates(_runs(PLANTED, {"a": 60, "b": 90})).swaps == ()
    same = dict.fromkeys(PLANTED, 1.0)
    check = check_rates(_runs(same, {"a": 60, "b": 65}))
    assert check.swaps == () == check.differing


def test_the_best_rate_is_chosen_by_loss_and_never_by_the_test_questions() -> None:
    runs = _runs(dict.fromkeys(PLANTED, 1.0), {"a": 60, "b": 65})
    runs["score"] = 100 * (runs.rate == 2)
    assert {one.best for one in check_rates(runs).tuned} == {1.0}


def test_designs_without_all_rates_wait() -> None:
    runs = _runs(PLANTED, {"a": 60, "b": 65})
    left = runs[~((runs.variant == "b") & (runs.rate == 2))]
    assert {one.design for one in check_rates(left).tuned} == {"a"}
    with pytest.raises(ValueError, match="no design has been trained at every rate"):
        check_rates(left.drop(left[(left.variant == "a") & (left.rate == 0.5)].index))
    with pytest.raises(ValueError, match="needs runs at 1 and at one more"):
        check_rates(runs[runs.rate == 1])
