"""Seed noise: how much of the spread between variants would come back with new seeds."""

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from analysis.tables.pairs import Floats, Runs


@dataclass(frozen=True)
class Reliability:
    """One-way analysis of variance of the seeds of n variants on one side."""

    between: float
    """Variance of the variants' true means; negative when noise explains all of the spread."""
    within: float
    """Variance between seeds of one variant, pooled over the variants that have two seeds."""
    within_df: int
    of_mean: float | None
    """Share of the variance of the seed means that is not noise; None without any spread."""

    def of_seeds(self, seeds: int) -> float | None:
        """The share predicted for means of a number of seeds; None when no spread is left."""
        if self.between <= 0:
            return None
        return self.between / (self.between + self.within / seeds)


def reliability(runs: Runs, means: Floats) -> Reliability | None:
    """Split the spread of seed means into design and noise.

    of_mean = 1 - MSW mean(1/K) / var(means): (MSB - MSW)/MSB when every variant has K seeds.

    Args:
        runs: the runs of n variants, numbered 0..n-1.
        means: their seed means, shape (n,).

    Returns:
        None when no variant has two seeds or there are fewer than two variants.
    """
    n = len(means)
    seeds = np.bincount(runs.variant, minlength=n)
    df = int((seeds - 1)[seeds > 1].sum())
    if df == 0 or n < 2:
        return None
    centre = np.bincount(runs.variant, runs.score, minlength=n) / np.maximum(seeds, 1)
    within = float(((runs.score - centre[runs.variant]) ** 2).sum()) / df
    noise = within * float((1 / np.maximum(seeds, 1)).mean())
    spread = float(means.var(ddof=1))
    return Reliability(
        between=spread - noise,
        within=within,
        within_df=df,
        of_mean=1 - noise / spread if spread > 0 else None,
    )


def ceiling(proxy: Reliability | None, target: Reliability | None) -> float | None:
    """The r2 that perfect transfer would show through the noise of both sides.

    A side without seeds counts as free of noise. None when neither side has seeds, or when noise
    explains all the spread of one.
    """
    known = [side.of_mean for side in (proxy, target) if side is not None]
    if not known or any(share is None or share <= 0 for share in known):
        return None
    return float(np.prod([share for share in known if share is not None]))


def unequal_noise(runs: Runs) -> float | None:
    """p-value of the Brown-Forsythe test that seed noise is the same for all variants.

    Only variants with three seeds or more take part; None with fewer than two of those or when
    no deviation differs.
    """
    seeds = np.bincount(runs.variant)
    kept = seeds[runs.variant] >= 3
    _, group = np.unique(runs.variant[kept], return_inverse=True)
    score = runs.score[kept]
    if len(score) == 0 or group.max() == 0:
        return None
    order = np.lexsort((score, group))
    group, score = group[order], score[order]
    count = np.bincount(group)
    start = np.cumsum(count) - count
    median = (score[start + (count - 1) // 2] + score[start + count // 2]) / 2
    deviation = np.abs(score - median[group])
    mean = np.bincount(group, deviation) / count
    between = float((count * (mean - deviation.mean()) ** 2).sum()) / (len(count) - 1)
    df = len(score) - len(count)
    within = float(((deviation - mean[group]) ** 2).sum()) / df
    if within == 0:
        return None if between == 0 else 0.0
    return float(fdtrc(len(count) - 1, df, between / within))


def duplicates(runs: Runs, n: int) -> list[tuple[int, int]]:
    """Pairs of variants (in order of first sight) with equal scores on all of several seeds."""
    first: dict[tuple[tuple[int, float], ...], int] = {}
    pairs = []
    own: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for variant, seed, score in zip(
        runs.variant.tolist(), runs.seed.tolist(), runs.score.tolist(), strict=True
    ):
        own[variant].append((seed, score))
    for variant, scores in enumerate(own):
        if len(scores) > 1 and first.setdefault(tuple(sorted(scores)), variant) != variant:
            pairs.append((first[tuple(sorted(scores))], variant))
    return pairs
