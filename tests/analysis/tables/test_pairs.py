"""Joining a proxy with the target: seeds, signs, benchmarks, missing cells."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.tables.pairs import MACRO, PairedScores, Rung, Scores
from analysis.tables.table import check_table
from tests.analysis.planted import table


def pair(
    frame: pd.DataFrame, benchmark: str | None = None, lower: tuple[str, ...] = ()
) -> PairedScores:
    """Size 1 against size 2."""
    scores = Scores(check_table(frame), lower)
    return scores.pair(Rung(1.0, None), Rung(2.0, None), benchmark, (None, None))


def two_benchmarks(seed: int = 0, n: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [
        table({1: 10 * rng.random((n, 2)), 2: 5 + rng.random((n, 2))}, benchmark=name)
        for name in ("one", "two")
    ]
    return pd.concat(parts, ignore_index=True)


def test_seed_means_and_runs() -> None:
    found = pair(table({1: np.array([[1.0, 3.0], [5.0, 7.0]]), 2: np.array([4.0, 2.0])}))
    assert found.x.tolist() == [2, 6] and found.y.tolist() == [4, 2]
    assert found.proxy_runs.score.tolist() == [1, 3, 5, 7]
    assert found.proxy_runs.variant.tolist() == [0, 0, 1, 1]


@given(st.permutations([0.1, 0.2, 0.3, 0.7]))
@settings(max_examples=20, deadline=None)
def test_equal_seeds_in_another_order_tie(scores: list[float]) -> None:
    found = pair(table({1: np.array([[0.1, 0.2, 0.3, 0.7], scores]), 2: np.array([1.0, 2.0])}))
    assert found.x[0] == found.x[1]


@pytest.mark.parametrize("scale", [1e-200, 1e99])
def test_scores_of_any_magnitude_standardise(scale: float) -> None:
    frame = two_benchmarks()
    before, after = pair(frame, MACRO), pair(frame.assign(score=scale * frame.score), MACRO)
    assert after.x == pytest.approx(before.x) and after.y == pytest.approx(before.y)


def test_means_that_cancel_leave_no_spread() -> None:
    y = np.random.default_rng(8).standard_normal(21)
    opposed = [
        table({1: sign * y, 2: y}, benchmark=name) for name, sign in (("one", 1), ("two", -7))
    ]
    found = pair(pd.concat(opposed), MACRO)
    assert np.ptp(found.x) == 0 and np.ptp(found.y) > 1
    thirds = np.array([[0.1 * k, 0.2 * k, -0.3 * k] for k in range(1, 8)])
    assert np.ptp(pair(table({1: thirds, 2: np.arange(7.0)})).x) == 0


def test_missing_cells_leave_variants_out() -> None:
    frame = table({1: np.arange(6.0), 2: np.arange(6.0)})
    frame.loc[0, "score"] = np.nan
    found = pair(frame.drop(index=7))
    assert found.variants.tolist() == [2, 3, 4, 5]
    assert found.x.tolist() == found.y.tolist() == [2, 3, 4, 5]
    assert found.proxy_runs.variant.tolist() == [0, 1, 2, 3]


def test_macro_averages_standardised_benchmarks() -> None:
    frame = two_benchmarks()
    means = frame.groupby(["benchmark", "size", "variant"]).score.mean().unstack()
    z = means.sub(means.mean(axis=1), axis=0).div(means.std(axis=1), axis=0)
    expected = z.groupby("size").mean()
    found = pair(frame, MACRO)
    assert found.x == pytest.approx(expected.loc[1].to_numpy())
    assert found.y == pytest.approx(expected.loc[2].to_numpy())
    runs = np.bincount(found.proxy_runs.variant, found.proxy_runs.score) / 2
    assert runs == pytest.approx(found.x)


def test_macro_does_not_pool_scales() -> None:
    frame = two_benchmarks()
    larger = frame.assign(score=frame.score.where(frame.benchmark == "one", 1000 * frame.score + 7))
    assert pair(larger, MACRO).x == pytest.approx(pair(frame, MACRO).x)


def test_a_constant_benchmark_adds_nothing() -> None:
    frame = two_benchmarks()
    flat = frame[frame.benchmark == "one"].assign(benchmark="flat", score=0.1)
    with_flat = pair(pd.concat([frame, flat], ignore_index=True), MACRO)
    assert with_flat.x == pytest.approx(pair(frame, MACRO).x * 2 / 3)


def test_macro_needs_all_benchmarks_of_a_variant_that_both_sides_have() -> None:
    frame = two_benchmarks()
    gone = (frame.variant == "v003") & (frame["size"] == 1) & (frame.benchmark == "two")
    assert 3 not in pair(frame[~gone], MACRO).variants
    at_target = frame[(frame["size"] == 2) & (frame.benchmark == "one")].assign(benchmark="three")
    both = pd.concat([frame, at_target])
    assert pair(both, MACRO).y == pytest.approx(pair(frame, MACRO).y)


def test_a_run_without_all_benchmarks_is_no_run_of_the_macro() -> None:
    frame = two_benchmarks()
    gone = (frame.variant == "v003") & (frame.seed == 1) & (frame["size"] == 1)
    found = pair(frame[~(gone & (frame.benchmark == "two"))], MACRO)
    assert 3 in found.variants
    assert np.bincount(found.proxy_runs.variant).tolist() == [2, 2, 2, 1, 2, 2, 2, 2]


def test_lower_is_better_turns_the_sign_of_one_benchmark() -> None:
    frame = two_benchmarks()
    turned = frame.assign(score=frame.score.where(frame.benchmark == "one", -frame.score))
    assert pair(turned, MACRO, ("two",)).x == pytest.approx(pair(frame, MACRO).x)


def test_seeds_are_counted_at_their_fewest() -> None:
    frame = table({1: np.arange(9.0).reshape(3, 3), 2: np.arange(3.0)})
    scores = Scores(check_table(frame.drop(index=0)), ())
    assert scores.seeds(Rung(1.0, None), None, None) == 2
    assert scores.seeds(Rung(3.0, None), None, None) == 0


def test_costs_are_averaged_over_the_runs_of_a_rung() -> None:
    frame = table({1: np.arange(3.0), 2: np.arange(3.0)}).assign(cost=[1, 2, np.nan, 8, 8, 8])
    scores = Scores(check_table(frame), ())
    assert scores.cost(Rung(1.0, None)) == 1.5
    assert scores.cost(Rung(2.0, None)) == 8
