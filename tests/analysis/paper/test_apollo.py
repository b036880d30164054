"""Golden values: the 84 scores of arXiv 2412.10360, its figures and a re-analysis of them."""

import numpy as np
import pandas as pd
import pytest

from analysis import FitResult, fit
from analysis.statistics.curve import CurvePoint
from tests.analysis.planted import DATA, apollo

B4, B1_5, B0_5 = 4e9, 1.5e9, 5e8


@pytest.fixture(scope="module")
def plain() -> FitResult:
    return fit(apollo())


@pytest.fixture(scope="module")
def factored() -> FitResult:
    return fit(apollo(), factors=("setting", "mixture"))


def at(result: FitResult, size: float) -> CurvePoint:
    return next(point for point in result.curve if point.size == size)


@pytest.mark.parametrize(
    ("size", "r2", "r", "spearman", "tau", "accuracy", "regret"),
    [
        (B4, 0.938, 0.969, 0.942, 0.800, 0.900, 1.77),
        (B1_5, 0.831, 0.912, 0.868, 0.676, 0.838, 0.22),
        (B0_5, 0.694, 0.833, 0.815, 0.625, 0.812, 1.77),
    ],
)
def test_figures_to_the_7b_target(
    plain: FitResult,
    size: float, r2: float, r: float, spearman: float, tau: float, accuracy: float, regret: float,
) -> None:  # fmt: skip
    point = at(plain, size)
    assert (point.n, point.seeds, point.benchmark) == (21, 1, None)
    assert point.r2 == pytest.approx(r2, abs=6e-4)
    assert point.r == pytest.approx(r, abs=6e-4)
    assert point.spearman == pytest.approx(spearman, abs=6e-4)
    assert point.kendall_tau_b == pytest.approx(tau, abs=6e-4)
    assert point.decision_accuracy == pytest.approx(accuracy, abs=6e-4)
    assert point.regret == pytest.approx(regret, abs=1e-9)


@pytest.mark.parametrize(
    ("target", "size", "r2"), [(4e9, B1_5, 0.902), (4e9, B0_5, 0.772), (1.5e9, B0_5, 0.736)]
)
def test_r2_to_smaller_targets(target: float, size: float, r2: float) -> None:
    result = fit(apollo(), target=target)
    assert {point.size for point in result.curve} == {s for s in (B4, B1_5, B0_5) if s < target}
    assert at(result, size).r2 == pytest.approx(r2, abs=1e-3)


def test_fisher_interval_of_4b(plain: FitResult) -> None:
    low, high = at(plain, B4).fisher_r_ci95 or (0, 0)
    assert (low**2, high**2) == pytest.approx((0.852, 0.975), abs=1e-3)


def test_shared_levels_widen_the_interval_of_4b(plain: FitResult, factored: FitResult) -> None:
    (low, high), alone = at(factored, B4).r_ci95 or (0, 0), at(plain, B4).r_ci95 or (0, 0)
    assert (low, high) == pytest.approx((0.90, 0.99), abs=0.01)
    assert low < alone[0] and high > alone[1]
    assert at(factored, B4).ci_method == "levels_jackknife_z"


@pytest.mark.parametrize("threshold", [0.8, 0.9])
def test_4b_is_certified_at_80_and_nothing_at_90(threshold: float) -> None:
    verdict = fit(apollo(), factors=("setting", "mixture"), threshold=threshold).critical_size
    assert verdict.certified == (B4 if threshold == 0.8 else None)
    assert verdict.status == ("certified" if threshold == 0.8 else "none")
    assert verdict.plausible == ((B1_5,) if threshold == 0.8 else (B4,))
    assert B1_5 not in verdict.excluded


def test_4b_is_better_than_1_5b_and_the_rest_is_open(factored: FitResult) -> None:
    upper, lower = factored.comparisons
    assert (upper.size_a, upper.size_b, upper.delta_r2) == (
        B4,
        B1_5,
        pytest.approx(0.107, abs=1e-3),
    )
    assert upper.ci95[0] > 0
    assert lower.ci95[0] < 0 < lower.ci95[1]


def test_setting_7_carries_much_of_it(factored: FitResult) -> None:
    without = {i.size: i.r2 for i in factored.influence if i.dropped == "setting=7"}
    assert without == pytest.approx({B4: 0.913, B1_5: 0.742, B0_5: 0.523}, abs=6e-4)
    changes = [abs(i.r2 - (at(factored, i.size).r2 or 0)) for i in factored.influence]
    assert changes == sorted(changes, reverse=True)
    assert "influential_level" in at(factored, B0_5).warnings


def test_centred_by_mixture(factored: FitResult) -> None:
    inner = {c.size: c.r2 for c in factored.centred if c.by == ("mixture",)}
    assert inner == pytest.approx({B4: 0.900, B1_5: 0.686, B0_5: 0.517}, abs=6e-4)


def test_centred_by_mixture_without_setting_7() -> None:
    rest = apollo().query("setting != 7")
    inner = {c.size: (c.r, c.r2) for c in fit(rest, factors=("mixture",)).centred}
    assert inner[B4] == pytest.approx((0.67, 0.446), abs=3e-3)
    assert inner[B1_5][1] == pytest.approx(0.012, abs=1e-3)
    assert inner[B0_5] == pytest.approx((-0.23, 0.054), abs=3e-3)


@pytest.mark.parametrize(
    ("mixture", "r2"),
    [("A", (0.92, 0.42, 0.15)), ("B", (0.94, 0.75, 0.62)), ("C", (0.92, 0.81, 0.67))],
)
def test_within_one_mixture(mixture: str, r2: tuple[float, ...]) -> None:
    result = fit(apollo().query("mixture == @mixture"))
    found = [at(result, size).r2 for size in (B4, B1_5, B0_5)]
    assert found == pytest.approx(r2, abs=6e-3)


def test_mixtures_are_ordered_alike_at_4b_and_7b(factored: FitResult) -> None:
    verdicts = {
        (d.level_a, d.level_b): d.verdict
        for d in factored.decisions
        if d.factor == "mixture" and d.size == B4
    }
    assert verdicts == {("A", "B"): "transfers", ("A", "C"): "transfers", ("B", "C"): "transfers"}


def test_published_ablations_are_a_table_of_scores() -> None:
    frame = pd.read_csv(DATA / "apollo_ablations.csv")
    assert len(frame) == 564
    assert np.isfinite(frame.score).all()
    assert not frame.duplicated(["study", "variant", "benchmark", "eval_sampling"]).any()
