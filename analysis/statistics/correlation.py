"""Pearson's r of proxy and target scores, with limits that know of shared levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from analysis.tables.pairs import Codes, Floats

MIN_PAIRS = 3  # two points always lie on a line
FEW_FACTORS = 3  # up to here their jackknives are summed whole
MIN_JACKKNIFE = 4  # each leave-one-out r needs three points

_EXACT = 1e-12  # nearer to +-1 than this is a perfect line, float noise apart


@dataclass(frozen=True)
class Correlation:
    """Pearson's r with the jackknife of its Fisher transform z = atanh r.

    Leaving out one variant at a time gives the variance V of z. With declared factors the variants
    share levels and are not independent, so every factor adds the leave-one-level-out jackknife
    V_f = (L-1)/L sum (z_(-l) - mean)^2: with up to three factors their sum replaces V where it is
    larger; with more, where it would count V itself many times, V grows by what each exceeds it.
    Limits of z are taken with t(n-2).
    """

    n: int
    r: float
    without_variant: Floats
    """r after leaving out each variant, shape (n,)."""
    without_level: dict[str, Floats]
    """Per factor with two levels or more, r after leaving out each level present."""

    @property
    def z(self) -> float:
        """Fisher's transform of r."""
        return float(_atanh(np.array(self.r)))

    @cached_property
    def deviations(self) -> Floats:
        """Jackknife deviations of z over variants; their squares sum to its variance."""
        return _deviations(self.without_variant)

    @cached_property
    def level_deviations(self) -> Floats:
        """The same over the levels of all factors, one factor after the other."""
        parts = [_deviations(r) for r in self.without_level.values()]
        return np.concatenate(parts) if parts else np.zeros(0)

    @cached_property
    def _variances(self) -> tuple[float, list[float]]:
        """Jackknife variance of z over variants, and over the levels of each factor."""
        own = float((self.deviations**2).sum())
        return own, [float((_deviations(r) ** 2).sum()) for r in self.without_level.values()]

    @property
    def levels_decide(self) -> bool:
        """Whether few factors are declared and their levels vary z more than the variants do."""
        own, shared = self._variances
        return 0 < len(shared) <= FEW_FACTORS and sum(shared) > own

    def half_width(self, probability: float) -> float:
        """Distance from z to its one-sided limit at a probability, e.g. .975 for a 95% interval."""
        own, shared = self._variances
        return float(_half_width(np.array(own), [np.array(v) for v in shared], self.n, probability))

    def limits(self, probability: float) -> tuple[float, float] | None:
        """Lower and upper limit of r, each one-sided; None for fewer than four variants."""
        if self.n < MIN_JACKKNIFE:
            return None
        if abs(self.r) == 1:  # a perfect line has no spread to estimate
            return self.r, self.r
        half = self.half_width(probability)
        return float(np.tanh(self.z - half)), float(np.tanh(self.z + half))

    def fisher_limits(self, probability: float) -> tuple[float, float] | None:
        """The same limits for independent normal scores: standard error 1/sqrt(n - 3)."""
        if self.n < MIN_JACKKNIFE:
            return None
        half = float(ndtri(probability)) / sqrt(self.n - 3)
        return float(np.tanh(self.z - half)), float(np.tanh(self.z + half))


def correlate(x: Floats, y: Floats, levels: Mapping[str, Codes]) -> Correlation | None:
    """Pearson's r, and r after leaving out every variant and every level of every factor.

    Args:
        x: proxy scores, shape (n,).
        y: target scores, shape (n,).
        levels: per factor, the level code of each variant, shape (n,).

    Returns:
        None with fewer than three variants or without spread on either side.
    """
    n = len(x)
    if n < MIN_PAIRS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    moments = _moments(x, y)
    whole = moments.sum(axis=1, keepdims=True)
    without_level = {}
    for factor, codes in levels.items():
        _, present = np.unique(codes, return_inverse=True)
        if present.max() > 0:
            per_level = np.stack([np.bincount(present, weights=row) for row in moments])
            without_level[factor] = _pearson(whole - per_level, whole)
    return Correlation(
        n=n,
        r=float(_pearson(whole, whole)[0]),
        without_variant=_pearson(whole - moments, whole),
        without_level=without_level,
    )


def lower_limits(x: Floats, y: Floats, levels: Mapping[str, Codes], probability: float) -> Floats:
    """The lower limits of `Correlation.limits` for many tables of the same variants at once.

    Args:
        x: proxy scores, shape (tables, n), n at least four.
        y: target scores, shape (tables, n).
        levels: per factor, the level code of each variant, shape (n,).
        probability: of each one-sided limit.

    Returns:
        Shape (tables,).
    """
    n = x.shape[-1]
    moments = _moments(x, y)
    whole = moments.sum(axis=-1, keepdims=True)
    r = _pearson(whole, whole)[..., 0]
    own = (_deviations(_pearson(whole - moments, whole)) ** 2).sum(axis=-1)
    shared = []
    for codes in levels.values():
        present = codes[:, None] == np.unique(codes)
        if present.shape[1] > 1:
            without = _pearson(whole - moments @ present, whole)
            shared.append((_deviations(without) ** 2).sum(axis=-1))
    limits: Floats = np.tanh(_atanh(r) - _half_width(own, shared, n, probability))
    return np.where(np.abs(r) == 1, r, limits)


def difference(
    a: Correlation, b: Correlation, probability: float
) -> tuple[float, float, float] | None:
    """r2(a) - r2(b) of two proxies on the same variants and target, with one-sided limits.

    The limits of both r2 are combined with the correlation of their jackknife deviations
    (Zou 2007, Psychological Methods 12:399), so they respect the bounds of r2.

    Returns:
        The difference, its lower and its upper limit; None where either has no limits.
    """
    limits_a, limits_b = a.limits(probability), b.limits(probability)
    if limits_a is None or limits_b is None:
        return None
    low_a, high_a = _limits_of_square(*limits_a)
    low_b, high_b = _limits_of_square(*limits_b)
    shared = _together(a, b) * float(np.sign(a.r * b.r))  # r2 falls where a negative r rises
    r2_a, r2_b = a.r**2, b.r**2
    down_a, up_a, down_b, up_b = r2_a - low_a, high_a - r2_a, r2_b - low_b, high_b - r2_b
    down = sqrt(max(down_a**2 + up_b**2 - 2 * shared * down_a * up_b, 0.0))
    up = sqrt(max(up_a**2 + down_b**2 - 2 * shared * up_a * down_b, 0.0))
    return r2_a - r2_b, r2_a - r2_b - down, r2_a - r2_b + up


def _limits_of_square(low: float, high: float) -> tuple[float, float]:
    inner = 0.0 if low < 0 < high else min(low**2, high**2)
    return inner, max(low**2, high**2)


def squared(limit: float) -> float:
    """A limit of r as a limit of r2: 0 when it is negative."""
    return max(limit, 0.0) ** 2


def _together(a: Correlation, b: Correlation) -> float:
    """Correlation of the errors of two z on the same variants, from what sets their intervals."""
    if a.levels_decide and b.levels_decide:
        return _cosine(a.level_deviations, b.level_deviations)
    return _cosine(a.deviations, b.deviations)


def _cosine(u: Floats, v: Floats) -> float:
    scale = sqrt(float((u**2).sum() * (v**2).sum()))
    return float(u @ v) / scale if scale else 0.0


def _atanh(r: Floats) -> Floats:
    z: Floats = np.arctanh(np.clip(r, -1 + _EXACT, 1 - _EXACT))
    return z


def _half_width(own: Floats, shared: list[Floats], n: int, probability: float) -> Floats:
    """Distance from z to a limit, from its variance over variants and over levels of each factor.

    The variances may be arrays of any one shape.
    """
    if len(shared) > FEW_FACTORS:
        variance = own + sum(np.maximum(0.0, v - own) for v in shared)
    else:
        variance = np.maximum(own, sum(shared))
    half: Floats = stdtrit(n - 2, probability) * np.sqrt(variance)
    return half


def _deviations(without: Floats) -> Floats:
    z = _atanh(without)
    count = z.shape[-1]
    deviations: Floats = sqrt((count - 1) / count) * (z - z.mean(axis=-1, keepdims=True))
    return deviations


def _moments(x: Floats, y: Floats) -> Floats:
    """Each variant's share of the counts and sums that r is made of, shape (6, ..., n)."""
    x, y = (v / np.abs(v).max(axis=-1, keepdims=True) for v in (x, y))
    x, y = (v - v.mean(axis=-1, keepdims=True) for v in (x, y))
    x, y = (v / np.ptp(v, axis=-1, keepdims=True) for v in (x, y))
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])


def _pearson(sums: Floats, whole: Floats) -> Floats:
    """Turn sums of moments into r; 0, no agreement shown, where no spread or too few are left."""
    n, sx, sy, sxx, syy, sxy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        vx, vy, vxy = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
        r = vxy / np.sqrt(vx * vy)
    # sums of squares cancel: a remainder this small is no spread
    flat = (n < MIN_PAIRS) | (vx <= _EXACT * whole[3]) | (vy <= _EXACT * whole[4])
    r = np.where(flat, 0.0, np.clip(r, -1, 1))
    return np.where(1 - np.abs(r) < _EXACT, np.sign(r), r)
