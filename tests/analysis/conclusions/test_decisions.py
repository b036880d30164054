"""Verdicts on pairs of levels: effects by hand, planted reversals, false claims."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from analysis.conclusions.decisions import Decision, decisions
from analysis.statistics.curve import compare
from analysis.tables.table import Table, check_table
from tests.analysis.planted import Codes, Floats, paired, table


def decide(x: Floats, y: Floats, levels: dict[str, Codes]) -> dict[tuple[str, str, str], Decision]:
    pair = paired(x, y, levels)
    names: Table = check_table(
        table({1: pair.x}, **{f: c.astype(float) for f, c in levels.items()}), tuple(levels)
    )
    found = decisions([compare(pair, 1, None, 0.95)], names)
    return {(d.factor, d.level_a, d.level_b): d for d in found}


def factorial(*shape: int) -> dict[str, Codes]:
    return {f"f{i}": code for i, code in enumerate(np.indices(shape).reshape(len(shape), -1))}


def test_effects_are_matched_differences() -> None:
    rng = np.random.default_rng(0)
    levels = factorial(3, 4)
    x, y = rng.standard_normal((2, 12))
    found = decide(x, y, levels)["f0", "0", "2"]
    grid = x.reshape(3, 4)
    assert found.proxy_effect == pytest.approx((grid[2] - grid[0]).mean())
    assert found.matched == 4
    residual = grid - grid.mean(0) - grid.mean(1, keepdims=True) + grid.mean()
    error = (2 * (residual**2).sum() / 6 / 4) ** 0.5
    half = stats.t.ppf(0.975, 6) * error
    assert found.proxy_ci95 == pytest.approx((found.proxy_effect - half, found.proxy_effect + half))


def test_only_combinations_with_both_levels_are_matched() -> None:
    levels = {"f": np.array([0, 0, 0, 1, 1, 1, 1]), "g": np.array([0, 1, 2, 0, 1, 3, 3])}
    x = np.array([1.0, 2.0, 90.0, 4.0, 9.0, 70.0, 80.0])
    found = decide(x, x, levels)["f", "0", "1"]
    assert (found.matched, found.proxy_effect) == (2, pytest.approx((3 + 7) / 2))


def test_effects_are_adjusted_where_nothing_matches() -> None:
    levels = {"f": np.array([0, 1, 1, 2, 2, 0]), "g": np.array([0, 0, 1, 1, 2, 2])}
    effect = np.array([0.0, 3.0, 5.0])[levels["f"]] + np.array([0.0, 10.0, 20.0])[levels["g"]]
    noise = 0.01 * np.random.default_rng(1).standard_normal(6)
    found = decide(effect + noise, effect + noise, levels)["f", "0", "2"]
    assert found.matched == 1
    apart = {"f": np.array([0, 0, 1, 1, 2, 2]), "g": np.array([0, 1, 1, 2, 2, 3])}
    effect = np.array([0.0, 3.0, 5.0])[apart["f"]] + np.array([0.0, 9.0, 1.0, 4.0])[apart["g"]]
    adjusted = decide(effect, effect, apart)["f", "0", "2"]
    assert (adjusted.matched, adjusted.proxy_effect) == (0, pytest.approx(5.0))


def test_confounded_levels_have_no_effect() -> None:
    levels = {"f": np.array([0, 0, 0, 1, 1, 1]), "g": np.array([0, 0, 0, 1, 1, 1])}
    found = decide(np.arange(6.0), np.arange(6.0), levels)["f", "0", "1"]
    assert found.proxy_effect is None and found.proxy_ci95 is None and found.p_value is None
    assert found.verdict == "undecided_at_proxy"


def test_one_matched_pair_is_judged_by_its_seeds() -> None:
    star = {"f": np.array([0, 1, 0]), "g": np.array([0, 0, 1])}
    rng = np.random.default_rng(2)
    x = np.array([[0.0], [5.0], [1.0]]) + 0.1 * rng.standard_normal((3, 4))
    found = decide(x, x, star)["f", "0", "1"]
    within = x.var(axis=1, ddof=1).mean()
    half = stats.t.ppf(0.975, 9) * (within * (1 / 4 + 1 / 4)) ** 0.5
    low, high = found.proxy_ci95 or (0, 0)
    assert (high - low) / 2 == pytest.approx(half)
    assert found.verdict == "transfers"
    assert decide(x[:, 0], x[:, 0], star)["f", "0", "1"].verdict == "undecided_at_proxy"


def planted_verdicts(proxy: Floats, target: Floats, noise: float = 0.3) -> dict[str, str]:
    """Verdicts on the levels of a factor with the given effects, crossed with seven settings."""
    rng = np.random.default_rng(3)
    levels = factorial(7, 3)
    setting = np.append(np.zeros(6), -8.0)[levels["f0"]]  # one catastrophic setting
    x = setting + proxy[levels["f1"]] + noise * rng.standard_normal(21)
    y = setting + target[levels["f1"]] + noise * rng.standard_normal(21)
    found = decide(x, y, levels)
    return {a + b: d.verdict for (factor, a, b), d in found.items() if factor == "f1"}


def test_a_flipped_decision_is_found_behind_a_catastrophic_level() -> None:
    found = planted_verdicts(np.array([0.0, 2.0, 4.0]), np.array([2.0, 0.0, 4.0]))
    assert found == {"01": "reversed", "02": "shrinks", "12": "transfers"}


def test_effects_that_are_not_there_are_undecided_on_their_side() -> None:
    flat, steep = np.zeros(3), np.array([0.0, 3.0, 6.0])
    assert set(planted_verdicts(flat, steep).values()) == {"undecided_at_proxy"}
    assert set(planted_verdicts(steep, flat).values()) == {"undecided_at_target"}
    assert set(planted_verdicts(steep / 3, steep).values()) == {"transfers"}


def test_false_reversals_stay_below_their_level() -> None:
    rng, levels = np.random.default_rng(4), factorial(5, 4)
    verdicts: Counter[str] = Counter()
    claimed = 0
    for _ in range(60):
        truth = rng.standard_normal(20)
        truth = np.array([0.0, 1.0, 2.0, 3.0])[levels["f1"]]
        x, y = truth + rng.standard_normal((2, 20))
        found = decide(x, y, levels)
        verdicts.update(d.verdict for (f, _, _), d in found.items() if f == "f0")
        claimed += any((d.p_holm or 1) < 0.05 for (f, _, _), d in found.items() if f == "f0")
    total = sum(verdicts.values())
    # both intervals have to leave out 0 by chance, on opposite sides or the same one
    assert (total - verdicts["undecided_at_proxy"] - verdicts["undecided_at_target"]) / total < 0.02
    assert 0.90 < verdicts["undecided_at_proxy"] / total < 0.99
    assert claimed <= 6


def test_adjusted_p_values_are_those_of_holm_and_benjamini_hochberg() -> None:
    rng = np.random.default_rng(5)
    levels = factorial(3, 4)
    sides = levels["f0"] + 0.5 * levels["f1"] + 0.6 * rng.standard_normal((2, 12))
    found = list(decide(*sides, levels).values())
    p = np.array([d.p_value for d in found], float)
    assert [d.q_bh for d in found] == pytest.approx(stats.false_discovery_control(p))
    assert 3 < (p < 0.2).sum() < len(p)
    assert [d.p_value < 0.05 for d in found if d.p_value is not None] == [
        not d.verdict.startswith("undecided") for d in found
    ]
    by_rank = sorted(range(len(p)), key=lambda i: p[i])
    worst = 0.0
    for rank, i in enumerate(by_rank):
        worst = max(worst, min(1.0, (len(p) - rank) * p[i]))
        assert found[i].p_holm == pytest.approx(worst)


def test_a_side_without_noise_decides_everything_it_tells_apart() -> None:
    levels = factorial(3, 3)
    additive = np.array([0.0, 1.0, 1.0])[levels["f0"]] + 0.1 * levels["f1"]
    found = decide(additive, additive, levels)
    assert found["f0", "0", "1"].verdict == "transfers"
    assert found["f0", "1", "2"].verdict == "undecided_at_proxy"
    assert found["f0", "1", "2"].proxy_effect == 0
