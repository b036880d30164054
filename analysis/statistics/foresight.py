"""Scores after one more step of training, simulated from the variances fitted to today's."""

from dataclasses import dataclass

import numpy as np

from analysis.statistics.additive import additive
from analysis.statistics.curve import Comparison
from analysis.tables.pairs import Codes, Floats

PROXY, TARGET = 0, 1
"""The two sides of a pair, in this order in every array of shape (2, ...)."""

_FEWEST_DF = 3  # with fewer degrees of freedom the residual of level effects tells no variance


@dataclass(frozen=True)
class Outlook:
    """Many tables that may be seen after a step."""

    x: Floats
    """Seed means at the proxy, shape (tables, variants)."""
    y: Floats
    """Seed means at the target, the same shape."""
    levels: dict[str, Codes]
    """Per factor, the level code of each variant."""


class Foresight:
    """Draws what one more step would show, given everything already trained.

    A variant's score on both sides is the sum of its level effects (its mean without factors), a
    bivariate normal part of its own, and the mean of its seeds' noise. The variances are fitted to
    the pair; what is trained stays, and true scores are drawn given their seed means. A side
    without seeds counts as free of noise.
    """

    def __init__(self, comparison: Comparison, tables: int, seed: int = 0) -> None:
        """Fit the variances of one pair.

        Args:
            comparison: the pair, with a correlation.
            tables: number of tables to draw of every step.
            seed: of the draws.
        """
        self._comparison, self._tables = comparison, tables
        self._rng = np.random.default_rng(seed)
        pair = comparison.pair
        runs = (pair.proxy_runs, pair.target_runs)
        noises = (comparison.noise_proxy, comparison.noise_target)
        scale = np.ptp(np.stack([pair.x, pair.y]), axis=1)  # keeps squares from overflowing
        self._means = np.stack([pair.x, pair.y]) / scale[:, None]
        seeds = np.stack([np.bincount(r.variant, minlength=pair.n) for r in runs])
        self._seeds = np.maximum(seeds, 1)  # a macro may have no seed that every benchmark has
        self._within = np.array([n.within if n else 0.0 for n in noises]) / scale / scale
        model = additive(pair.levels, pair.n)
        self._model = model if model.df >= _FEWEST_DF else additive({}, pair.n)
        self._between = self._fitted_between()

    def more_seeds(self, side: int) -> Outlook:
        """One more seed of every variant at `PROXY` or `TARGET`."""
        new = self._true()[side] + self._noise(side, self._means.shape[1], np.array(1.0))
        seeds = self._seeds[side]
        means = np.broadcast_to(self._means[:, None], (2, *new.shape)).copy()
        means[side] = (seeds * self._means[side] + new) / (seeds + 1)
        return Outlook(means[PROXY], means[TARGET], self._comparison.pair.levels)

    def more_designs(self, count: int) -> Outlook:
        """New variants at both sides, of levels that are there, with as many seeds as others."""
        pair = self._comparison.pair
        picked = {
            factor: self._rng.choice(np.unique(codes), count)
            for factor, codes in pair.levels.items()
        }
        own = self._rng.standard_normal((self._tables, count, 2)) @ _root(self._between)
        sides = []
        for side in (PROXY, TARGET):
            expected = self._model.expected(self._means[side], picked, count)
            typical = np.array(np.median(self._seeds[side]))
            new = expected + own[..., side] + self._noise(side, count, typical)
            old = np.broadcast_to(self._means[side], (self._tables, pair.n))
            sides.append(np.concatenate([old, new], axis=1))
        levels = {f: np.concatenate([codes, picked[f]]) for f, codes in pair.levels.items()}
        return Outlook(sides[PROXY], sides[TARGET], levels)

    def size_between(self, larger: Floats | None) -> Outlook:
        """The same variants at a size halfway to a larger one.

        Standardised true scores drift with log size in independent steps, so that the correlation
        r of both ends is the product of each end's with the middle, whose scores then are normal
        around sqrt(r) (small + large) / (1 + r) with variance (1 - r) / (1 + r). The middle has
        the seeds of the proxy and as much noise for its spread.

        Args:
            larger: seed means at the larger size, shape (n,); None for the target.
        """
        true = self._true()
        large = true[TARGET] if larger is None else np.broadcast_to(larger, true[PROXY].shape)
        small, large = _standardised(true[PROXY]), _standardised(large)
        n = small.shape[1]
        r = np.clip((small * large).sum(axis=1, keepdims=True) / (n - 1), 0.0, 1.0)
        middle = np.sqrt(r) * (small + large) / (1 + r)
        middle += np.sqrt((1 - r) / (1 + r)) * self._rng.standard_normal(small.shape)
        spread = true[PROXY].std(axis=1, ddof=1, keepdims=True)
        noise = self._noise(PROXY, n, self._seeds[PROXY])
        x = middle + np.divide(noise, spread, out=np.zeros_like(noise), where=spread > 0)
        y = np.broadcast_to(self._means[TARGET], x.shape)
        return Outlook(x, y, self._comparison.pair.levels)

    def _fitted_between(self) -> Floats:
        """Covariance of both sides' true scores beyond level effects, shape (2, 2)."""
        left = np.stack([self._model.residual(side) for side in self._means])
        seen = left @ left.T / max(self._model.df, 1)
        noise = self._within * (1 / self._seeds).mean(axis=1)
        own = np.sqrt(np.maximum(np.diag(seen) - noise, 0.0))
        shared = float(np.clip(seen[0, 1], -own.prod(), own.prod()))
        return np.array([[own[0] ** 2, shared], [shared, own[1] ** 2]])

    def _true(self) -> Floats:
        """True scores given the seed means, shape (2, tables, n)."""
        expected = np.stack([m - self._model.residual(m) for m in self._means])
        left = (self._means - expected).T  # (n, 2)
        trained, which = np.unique(self._seeds, axis=1, return_inverse=True)
        noise = np.einsum("ij,ik->kij", np.eye(2), self._within[:, None] / trained)
        gain = self._between @ np.linalg.pinv(self._between + noise, hermitian=True)
        known = expected.T + np.einsum("nij,nj->ni", gain[which.reshape(-1)], left)
        unknown = _root(self._between - gain @ self._between)[which.reshape(-1)]
        draws = self._rng.standard_normal((self._tables, len(left), 2))
        return np.moveaxis(known + np.einsum("tni,nij->tnj", draws, unknown), 2, 0)

    def _noise(self, side: int, n: int, seeds: Floats) -> Floats:
        """Noise of the means of some seeds, shape (tables, n)."""
        draws = self._rng.standard_normal((self._tables, n))
        noise: Floats = draws * np.sqrt(self._within[side] / seeds)
        return noise


def _root(covariance: Floats) -> Floats:
    """Symmetric square roots of covariances, shape (..., 2, 2); what is below 0 counts as 0."""
    values, vectors = np.linalg.eigh((covariance + np.swapaxes(covariance, -1, -2)) / 2)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    root: Floats = scaled @ np.swapaxes(vectors, -1, -2)
    return root


def _standardised(scores: Floats) -> Floats:
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = scores.std(axis=1, ddof=1, keepdims=True)
    standardised: Floats = centred / np.where(spread > 0, spread, 1.0)
    return standardised
