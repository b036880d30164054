"""Scores as a sum of level effects: least squares on all levels of all factors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.tables.pairs import Codes, Floats

_NOISE = 1e-12  # residuals this small next to the scores are float noise


@dataclass(frozen=True)
class Additive:
    """The additive model of one set of variants; without factors it is their mean."""

    columns: dict[tuple[str, int], int]
    """Factor and level code -> column of the design."""
    design: Floats
    """Shape (n, columns)."""
    inverse: Floats
    """Pseudo-inverse of the design, shape (columns, n)."""
    df: int
    """Residual degrees of freedom."""

    def residual(self, scores: Floats) -> Floats:
        """What level effects leave of scores, shape (n,)."""
        centred = scores - scores.mean()
        left: Floats = centred - self.design @ (self.inverse @ centred)
        left[np.abs(left) <= _NOISE * np.abs(scores).max()] = 0.0
        return left

    def expected(self, scores: Floats, levels: Mapping[str, Codes], n: int) -> Floats:
        """Scores of n other variants by the level effects of these, shape (n,).

        Args:
            scores: of the variants of the model.
            levels: per factor, the level codes of the others; factors without effects are ignored.
            n: number of others.
        """
        effects = self.inverse @ (scores - scores.mean())
        total = np.full(n, scores.mean() + effects[0])
        for (factor, code), column in self.columns.items():
            total += effects[column] * (levels[factor] == code)
        return total

    def contrast(self, factor: str, a: int, b: int) -> Floats:
        """Weights of the variants that give level b minus level a, shape (n,).

        NaN where the design cannot tell the two from levels of other factors.
        """
        wanted = np.zeros(self.design.shape[1])
        wanted[[self.columns[factor, a], self.columns[factor, b]]] = -1.0, 1.0
        weights: Floats = wanted @ self.inverse
        estimable = np.allclose(weights @ self.design, wanted, atol=1e-8)
        return weights if estimable else np.full_like(weights, np.nan)


def additive(levels: Mapping[str, Codes], n: int) -> Additive:
    """The model of n variants.

    Args:
        levels: per factor, the level code of each variant, shape (n,).
        n: number of variants.
    """
    keys = [(f, int(c)) for f, codes in levels.items() for c in np.unique(codes)]
    columns = [np.ones(n, bool), *(levels[f] == c for f, c in keys)]
    design = np.stack(columns, axis=1).astype(float)
    inverse = np.linalg.pinv(design)
    rank = round(float(np.trace(inverse @ design)))
    return Additive({key: i + 1 for i, key in enumerate(keys)}, design, inverse, n - rank)
