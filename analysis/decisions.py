"""Which design decisions transfer: the effect of swapping two levels, at the proxy and the target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from analysis.curve import Comparison, Interval
from analysis.pairs import Codes, Floats, PairedScores
from analysis.reliability import Reliability
from analysis.table import Table

FEWEST_DF = 3  # with fewer residual degrees of freedom, seeds tell the noise better

_NOISE = 1e-12  # effects this small next to the scores are float noise


@dataclass(frozen=True)
class Decision:
    """The effect of level b over level a of one factor, other factors matched, on both sides."""

    factor: str
    level_a: str
    level_b: str
    size: float
    proxy_effect: float | None
    proxy_ci95: Interval | None
    target_effect: float | None
    target_ci95: Interval | None
    verdict: str
    """`transfers`, `reversed`, `shrinks`, `undecided_at_proxy` or `undecided_at_target`."""
    matched: int
    """Combinations of the other factors that have both levels; 0 where the effect is adjusted."""
    p_value: float | None
    """That one of the two effects is 0: the larger of their two-sided p-values."""
    p_holm: float | None = None
    """The same, adjusted for all decisions at this size: for claims that any is reversed."""
    q_bh: float | None = None
    """False discovery rate at which this decision is claimed (Benjamini-Hochberg)."""


@dataclass(frozen=True)
class _Effect:
    value: float
    error: float | None
    df: int

    def interval(self) -> Interval | None:
        if self.error is None:
            return None
        half = float(stdtrit(self.df, 0.975)) * self.error
        return self.value - half, self.value + half

    def p_value(self) -> float | None:
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.value == 0 else 0.0
        return 2 * float(stdtr(self.df, -abs(self.value) / self.error))


@dataclass(frozen=True)
class _Noise:
    """Variance of one variant's score around what its levels say, and its degrees of freedom."""

    variance: Floats
    df: int

    def effect(self, weights: Floats, scores: Floats) -> _Effect:
        value = float(weights @ scores)
        if abs(value) <= _NOISE * np.abs(scores).max():
            value = 0.0
        error = float((weights**2 * self.variance).sum()) ** 0.5 if self.df > 0 else None
        return _Effect(value, error, self.df)


def decisions(comparisons: Sequence[Comparison], table: Table) -> list[Decision]:
    """Judge every pair of levels of every factor at every proxy size.

    The effect is the mean of the differences matched on the other factors or, where no
    combination has both levels, their difference in an additive model of all factors. Its error
    is the residual of that model, or the seeds' where the model leaves too little over.

    Args:
        comparisons: one per proxy size.
        table: names of the levels.
    """
    found: list[Decision] = []
    for comparison in comparisons:
        if comparison.pair.n and comparison.pair.levels:
            found.extend(_adjusted(_at_one_size(comparison, table)))
    return found


def _at_one_size(comparison: Comparison, table: Table) -> list[Decision]:
    pair = comparison.pair
    model = _additive(pair)
    noise_x = _noise(model, pair.x, _of_seeds(pair, comparison.noise_proxy, proxy=True))
    noise_y = _noise(model, pair.y, _of_seeds(pair, comparison.noise_target, proxy=False))
    noise_change = _noise(model, pair.y - pair.x, None)
    if noise_change.df < FEWEST_DF and min(noise_x.df, noise_y.df) > 0:
        both = noise_x.variance + noise_y.variance
        noise_change = _Noise(both, min(noise_x.df, noise_y.df))
    found = []
    for factor, codes in pair.levels.items():
        names = table.levels[factor]
        for a, b in combinations(np.unique(codes).tolist(), 2):
            weights, matched = _weights(pair, factor, a, b, model)
            decision = Decision(
                factor, names[a], names[b], pair.proxy.size,
                None, None, None, None, "undecided_at_proxy", matched, None,
            )  # fmt: skip
            if weights is not None:
                at_proxy = noise_x.effect(weights, pair.x)
                at_target = noise_y.effect(weights, pair.y)
                change = noise_change.effect(weights, pair.y - pair.x)
                p_values = [p for p in (at_proxy.p_value(), at_target.p_value()) if p is not None]
                decision = replace(
                    decision,
                    proxy_effect=at_proxy.value,
                    proxy_ci95=at_proxy.interval(),
                    target_effect=at_target.value,
                    target_ci95=at_target.interval(),
                    verdict=_verdict(at_proxy, at_target, change),
                    p_value=max(p_values) if len(p_values) == 2 else None,
                )
            found.append(decision)
    return found


def _verdict(at_proxy: _Effect, at_target: _Effect, change: _Effect) -> str:
    for effect, where in ((at_proxy, "proxy"), (at_target, "target")):
        if _holds_zero(effect):
            return f"undecided_at_{where}"
    if at_proxy.value * at_target.value < 0:
        return "reversed"
    if abs(at_target.value) < abs(at_proxy.value) and not _holds_zero(change):
        return "shrinks"
    return "transfers"


def _holds_zero(effect: _Effect) -> bool:
    interval = effect.interval()
    return interval is None or interval[0] <= 0 <= interval[1]


@dataclass(frozen=True)
class _Additive:
    """Least squares of scores on all levels of all factors."""

    columns: dict[tuple[str, int], int]
    design: Floats
    """Shape (n, columns)."""
    inverse: Floats
    """Pseudo-inverse of the design, shape (columns, n)."""
    df: int
    """Residual degrees of freedom."""


def _additive(pair: PairedScores) -> _Additive:
    keys = [(f, int(c)) for f, codes in pair.levels.items() for c in np.unique(codes)]
    design = np.stack([pair.levels[f] == c for f, c in keys], axis=1).astype(float)
    inverse = np.linalg.pinv(design)
    rank = round(float(np.trace(inverse @ design)))
    return _Additive({key: i for i, key in enumerate(keys)}, design, inverse, pair.n - rank)


def _noise(model: _Additive, scores: Floats, of_seeds: _Noise | None) -> _Noise:
    if of_seeds is not None and model.df < FEWEST_DF:
        return of_seeds
    centred = scores - scores.mean()
    residual = centred - model.design @ (model.inverse @ centred)
    residual[np.abs(residual) <= _NOISE * np.abs(scores).max()] = 0.0
    variance = float((residual**2).sum()) / max(model.df, 1)
    return _Noise(np.full(len(scores), variance), model.df)


def _of_seeds(pair: PairedScores, noise: Reliability | None, *, proxy: bool) -> _Noise | None:
    if noise is None:
        return None
    runs = pair.proxy_runs if proxy else pair.target_runs
    seeds = np.maximum(np.bincount(runs.variant, minlength=pair.n), 1)
    return _Noise(noise.within / seeds, noise.within_df)


def _weights(
    pair: PairedScores, factor: str, a: int, b: int, model: _Additive
) -> tuple[Floats | None, int]:
    """Weights of the variants in the effect of b over a, and the number of matched combinations.

    None where the design cannot separate the two levels from other factors.
    """
    codes = pair.levels[factor]
    stratum = _strata(pair, factor)
    count_a, count_b = (np.bincount(stratum[codes == c], minlength=pair.n) for c in (a, b))
    shared = (count_a > 0) & (count_b > 0)
    matched = int(shared.sum())
    if matched:
        weights = np.zeros(pair.n)
        for level, count, sign in ((a, count_a, -1), (b, count_b, 1)):
            rows = (codes == level) & shared[stratum]
            weights[rows] = sign / (matched * count[stratum[rows]])
        return weights, matched
    contrast = np.zeros(model.design.shape[1])
    contrast[[model.columns[factor, a], model.columns[factor, b]]] = -1.0, 1.0
    weights = contrast @ model.inverse
    estimable = np.allclose(weights @ model.design, contrast, atol=1e-8)
    return (weights, 0) if estimable else (None, 0)


def _strata(pair: PairedScores, factor: str) -> Codes:
    others = [codes for name, codes in pair.levels.items() if name != factor]
    if not others:
        return np.zeros(pair.n, np.intp)
    _, stratum = np.unique(np.stack(others, axis=1), axis=0, return_inverse=True)
    return stratum.reshape(-1)


def _adjusted(family: list[Decision]) -> list[Decision]:
    """Add Holm's and Benjamini-Hochberg's adjustment over the decisions that have a p-value."""
    tested = [i for i, decision in enumerate(family) if decision.p_value is not None]
    p = np.array([family[i].p_value for i in tested], float)
    order = np.argsort(p, kind="stable")
    count = len(p)
    rank = np.arange(1, count + 1)
    holm: NDArray[np.float64] = np.maximum.accumulate(p[order] * (count - rank + 1))
    bh: NDArray[np.float64] = np.minimum.accumulate((p[order] * count / rank)[::-1])[::-1]
    adjusted = list(family)
    for place, k in enumerate(order.tolist()):
        i = tested[k]
        adjusted[i] = replace(
            family[i], p_holm=min(float(holm[place]), 1.0), q_bh=min(float(bh[place]), 1.0)
        )
    return adjusted
