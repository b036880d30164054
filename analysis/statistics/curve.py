"""One point of the curve: every figure about one proxy, one benchmark and the target."""

from dataclasses import dataclass

import numpy as np

from analysis.statistics.agreement import Order, order, regret, regret_limit
from analysis.statistics.correlation import Correlation, correlate, difference, squared
from analysis.statistics.reliability import Reliability, ceiling, reliability
from analysis.tables.pairs import PairedScores, Rung

Interval = tuple[float, float]
MIN_VARIANTS = 6  # below this no verdict


@dataclass(frozen=True)
class CurvePoint:
    """What `ablate fit` reports about one proxy size, samples and benchmark; None is undefined."""

    size: float
    samples: float | None
    benchmark: str | None
    n: int
    seeds: int
    r: float | None
    r2: float | None
    kendall_tau_b: float | None
    spearman: float | None
    decision_accuracy: float | None
    decision_accuracy_ci95: Interval | None
    decision_accuracy_lower_one_sided: float | None
    decision_accuracy_upper_one_sided: float | None
    regret: float | None
    regret_upper_one_sided: float | None
    r_ci95: Interval | None
    ci_method: str
    fisher_r_ci95: Interval | None
    r2_lower_one_sided: float | None
    r2_upper_one_sided: float | None
    reliability_proxy: float | None
    reliability_target: float | None
    ceiling_r2: float | None
    r_disattenuated: float | None
    relative_cost: float | None
    """Cost of one run at the proxy over one at the target."""
    warnings: tuple[str, ...] = ()

    def judged_by(self, metric: str) -> tuple[float, float, float] | None:
        """The point figure of a metric with its one-sided limits; None when it cannot be judged."""
        if metric == "r2":
            point, lower, upper = self.r2, self.r2_lower_one_sided, self.r2_upper_one_sided
            if self.r is not None and self.r < 0:
                point = 0.0  # a reversed order predicts, but not what one would act on
        else:
            point = self.decision_accuracy
            lower = self.decision_accuracy_lower_one_sided
            upper = self.decision_accuracy_upper_one_sided
        if self.n < MIN_VARIANTS or self.r is None:
            return None
        if point is None or lower is None or upper is None:
            return None
        return point, lower, upper


@dataclass(frozen=True)
class Comparison:
    """One proxy compared with the target: the scores and all that was computed from them."""

    pair: PairedScores
    correlation: Correlation | None
    order: Order | None
    noise_proxy: Reliability | None
    noise_target: Reliability | None
    point: CurvePoint

    @property
    def rung(self) -> Rung:
        """The proxy's size and samples."""
        return self.pair.proxy


def compare(
    pair: PairedScores, seeds: int, relative_cost: float | None, confidence: float
) -> Comparison:
    """Compute every figure of one pair of sides.

    Args:
        pair: the common variants.
        seeds: smallest number of seeds per variant at the proxy.
        relative_cost: of one run at the proxy over one at the target.
        confidence: of the one-sided limits.
    """
    correlation = correlate(pair.x, pair.y, pair.levels)
    pairs = order(pair.x, pair.y)
    noise_proxy = reliability(pair.proxy_runs, pair.x)
    noise_target = reliability(pair.target_runs, pair.y)
    top = ceiling(noise_proxy, noise_target)
    one_sided = correlation.limits(confidence) if correlation else None
    one_sided_pairs = pairs.limits(confidence) if pairs else None
    point = CurvePoint(
        size=pair.proxy.size,
        samples=pair.proxy.samples,
        benchmark=pair.benchmark,
        n=pair.n,
        seeds=seeds,
        r=correlation.r if correlation else None,
        r2=correlation.r**2 if correlation else None,
        kendall_tau_b=pairs.kendall_tau_b if pairs else None,
        spearman=pairs.spearman if pairs else None,
        decision_accuracy=pairs.decision_accuracy if pairs else None,
        decision_accuracy_ci95=pairs.limits(0.975) if pairs else None,
        decision_accuracy_lower_one_sided=one_sided_pairs[0] if one_sided_pairs else None,
        decision_accuracy_upper_one_sided=one_sided_pairs[1] if one_sided_pairs else None,
        regret=regret(pair.x, pair.y),
        regret_upper_one_sided=regret_limit(pair.x, pair.y, one_sided[0]) if one_sided else None,
        r_ci95=correlation.limits(0.975) if correlation else None,
        ci_method="levels_jackknife_z" if pair.levels else "jackknife_z",
        fisher_r_ci95=correlation.fisher_limits(0.975) if correlation else None,
        r2_lower_one_sided=squared(one_sided[0]) if one_sided else None,
        r2_upper_one_sided=squared(one_sided[1]) if one_sided else None,
        reliability_proxy=noise_proxy.of_mean if noise_proxy else None,
        reliability_target=noise_target.of_mean if noise_target else None,
        ceiling_r2=top,
        r_disattenuated=correlation.r / top**0.5 if correlation and top else None,
        relative_cost=relative_cost,
    )
    return Comparison(pair, correlation, pairs, noise_proxy, noise_target, point)


def paired_difference(
    a: Comparison, b: Comparison, probability: float
) -> tuple[float, float, float] | None:
    """r2(a) - r2(b) on the variants that both have, with one-sided limits.

    Returns:
        The difference, its lower and its upper limit; None where either cannot be judged.
    """
    first, second = a.correlation, b.correlation
    if not np.array_equal(a.pair.variants, b.pair.variants):
        common = a.pair.restricted_to(b.pair), b.pair.restricted_to(a.pair)
        first, second = (correlate(pair.x, pair.y, pair.levels) for pair in common)
    if first is None or second is None or first.n < MIN_VARIANTS:
        return None
    return difference(first, second, probability)
