"""Which design decisions transfer: the effect of swapping two levels, at proxy and target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.special import stdtr, stdtrit

from analysis.statistics.additive import Additive, additive
from analysis.statistics.curve import Comparison, Interval
from analysis.statistics.reliability import Reliability
from analysis.tables.pairs import Codes, Floats, PairedScores, Runs
from analysis.tables.table import Table

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
    """None where the design cannot tell the two levels from levels of other factors."""
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
class _Contrasts:
    """Every pair of levels of every factor as weights of the variants."""

    of: list[tuple[str, int, int]]
    """Factor and the codes of levels a and b."""
    weights: Floats
    """Shape (contrasts, n); NaN where the design cannot tell the levels apart."""
    matched: Codes


@dataclass(frozen=True)
class _Effects:
    """All contrasts of one side, each array of shape (contrasts,)."""

    value: Floats
    half: Floats
    """Half the width of the 95% interval; NaN when nothing tells the noise."""
    p_value: Floats

    @property
    def decided(self) -> np.ndarray:
        """Where the interval leaves out 0."""
        return np.abs(self.value) > self.half

    def of(self, k: int) -> tuple[float | None, Interval | None]:
        value, half = float(self.value[k]), float(self.half[k])
        if np.isnan(value):
            return None, None
        return value, None if np.isnan(half) else (value - half, value + half)


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
    known: dict[bytes, tuple[Additive, _Contrasts]] = {}
    for comparison in comparisons:
        pair = comparison.pair
        if not pair.n or not pair.levels:
            continue
        key = pair.variants.tobytes()  # most sizes have the same variants, thus contrasts
        if key not in known:
            model = additive(pair.levels, pair.n)
            known[key] = model, _contrasts(pair, model)
        found.extend(_adjusted(_at_one_size(comparison, table, *known[key])))
    return found


def _at_one_size(
    comparison: Comparison, table: Table, model: Additive, contrasts: _Contrasts
) -> list[Decision]:
    pair = comparison.pair
    seeds_x = _seed_variance(pair.proxy_runs, comparison.noise_proxy, pair.n)
    seeds_y = _seed_variance(pair.target_runs, comparison.noise_target, pair.n)
    both = None
    if seeds_x and seeds_y:
        both = seeds_x[0] + seeds_y[0], min(seeds_x[1], seeds_y[1])
    at_proxy = _effects(contrasts.weights, pair.x, model, seeds_x)
    at_target = _effects(contrasts.weights, pair.y, model, seeds_y)
    change = _effects(contrasts.weights, pair.y - pair.x, model, both)
    p_value = np.maximum(at_proxy.p_value, at_target.p_value)
    smaller = (np.abs(at_target.value) < np.abs(at_proxy.value)) & change.decided
    verdict = np.select(
        [
            ~at_proxy.decided,
            ~at_target.decided,
            at_proxy.value * at_target.value < 0,
            smaller,
        ],
        ["undecided_at_proxy", "undecided_at_target", "reversed", "shrinks"],
        "transfers",
    )
    return [
        Decision(
            factor=factor,
            level_a=table.levels[factor][a],
            level_b=table.levels[factor][b],
            size=pair.proxy.size,
            proxy_effect=at_proxy.of(k)[0],
            proxy_ci95=at_proxy.of(k)[1],
            target_effect=at_target.of(k)[0],
            target_ci95=at_target.of(k)[1],
            verdict=str(verdict[k]),
            matched=int(contrasts.matched[k]),
            p_value=None if np.isnan(p_value[k]) else float(p_value[k]),
        )
        for k, (factor, a, b) in enumerate(contrasts.of)
    ]


def _contrasts(pair: PairedScores, model: Additive) -> _Contrasts:
    of, weights, matched = [], [], []
    for factor, codes in pair.levels.items():
        stratum = _strata(pair, factor)
        counts = {
            c: np.bincount(stratum[codes == c], minlength=pair.n) for c in np.unique(codes).tolist()
        }
        for a, b in combinations(counts, 2):
            shared = (counts[a] > 0) & (counts[b] > 0)
            both = int(shared.sum())
            row = np.zeros(pair.n)
            for level, sign in ((a, -1), (b, 1)):
                chosen = (codes == level) & shared[stratum]
                row[chosen] = sign / (both * counts[level][stratum[chosen]])
            of.append((factor, a, b))
            matched.append(both)
            weights.append(row if both else model.contrast(factor, a, b))
    return _Contrasts(of, np.array(weights).reshape(-1, pair.n), np.array(matched, np.intp))


def _strata(pair: PairedScores, factor: str) -> Codes:
    """Number the combinations of the other factors' levels, shape (n,)."""
    others = [codes for name, codes in pair.levels.items() if name != factor]
    if not others:
        return np.zeros(pair.n, np.intp)
    _, stratum = np.unique(np.stack(others, axis=1), axis=0, return_inverse=True)
    return stratum.reshape(-1)


def _seed_variance(runs: Runs, noise: Reliability | None, n: int) -> tuple[Floats, int] | None:
    """Variance of each seed mean from seed noise, shape (n,), with its degrees of freedom."""
    if noise is None:
        return None
    seeds = np.maximum(np.bincount(runs.variant, minlength=n), 1)
    return noise.within / seeds, noise.within_df


def _effects(
    weights: Floats, scores: Floats, model: Additive, seeds: tuple[Floats, int] | None
) -> _Effects:
    if seeds is not None and model.df < FEWEST_DF:
        variance, df = seeds
    else:
        df = model.df
        left = float((model.residual(scores) ** 2).sum())
        variance = np.full(len(scores), left / df if df else np.nan)
    value = weights @ scores
    value[np.abs(value) <= _NOISE * np.abs(scores).max()] = 0.0
    error = np.sqrt(weights**2 @ variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(value) / error, np.where(value == 0, 0.0, np.inf))
    undefined = np.isnan(value) | np.isnan(error)
    p_value = np.where(undefined, np.nan, 2 * stdtr(max(df, 1), -t))
    return _Effects(value, float(stdtrit(max(df, 1), 0.975)) * error, p_value)


def _adjusted(family: list[Decision]) -> list[Decision]:
    """Add Holm's and Benjamini-Hochberg's adjustment over the decisions that have a p-value."""
    tested = [i for i, decision in enumerate(family) if decision.p_value is not None]
    p = np.array([family[i].p_value for i in tested], float)
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, len(p) + 1)
    holm = np.maximum.accumulate(p[order] * (len(p) - rank + 1))
    bh = np.minimum.accumulate((p[order] * len(p) / rank)[::-1])[::-1]
    adjusted = list(family)
    for place, k in enumerate(order.tolist()):
        i = tested[k]
        adjusted[i] = replace(
            family[i], p_holm=min(float(holm[place]), 1.0), q_bh=min(float(bh[place]), 1.0)
        )
    return adjusted
