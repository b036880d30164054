"""Whether the levels of an axis matter otherwise at another size: F tests of size by level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import fdtrc

from analysis.tables.pairs import Floats


@dataclass(frozen=True)
class Interaction:
    """F test of one axis: do the effects of its levels differ between sizes?"""

    axis: str
    f: float
    df: tuple[int, int]
    """Degrees of freedom of the interaction and of the residual."""
    p: float


def interactions(scores: pd.DataFrame, axes: Sequence[str]) -> tuple[Interaction, ...]:
    """Test every axis on its own: score ~ design + size, with and without level x size.

    What is left of a design at a size after design, size and level x size are taken out is the
    error term, so that designs, not runs, are the unit.

    Args:
        scores: columns `variant, size, score` and the axes; seeds are averaged, and only designs
            that have every size take part.
        axes: columns to test.

    Returns:
        One per axis that can be tested: two sizes, two levels and a residual are needed.
    """
    means = scores.groupby(["variant", "size"]).score.mean().unstack().dropna()
    levels = scores.drop_duplicates("variant").set_index("variant").loc[means.index]
    found = (_test(axis, means, levels[axis]) for axis in axes)
    return tuple(test for test in found if test is not None)


def _test(axis: str, means: pd.DataFrame, level: "pd.Series[str]") -> Interaction | None:
    designs, sizes = means.shape
    codes, names = pd.factorize(level)
    # Taking out design and size leaves, per size, what the levels may explain.
    left = means.to_numpy(float)
    left = left - left.mean(axis=1, keepdims=True) - left.mean(axis=0) + left.mean()
    df = (len(names) - 1) * (sizes - 1), (designs - len(names)) * (sizes - 1)
    if min(df) < 1:
        return None
    residual = left - _level_means(left, codes)
    total, error = float((left**2).sum()), float((residual**2).sum())
    if error <= 1e-12 * total or total == 0:
        return None
    f = ((total - error) / df[0]) / (error / df[1])
    return Interaction(axis, f, df, float(fdtrc(*df, f)))


def _level_means(values: Floats, codes: np.ndarray) -> Floats:
    """Mean over the designs of a level, per size; shape as `values` (designs, sizes)."""
    counts = np.bincount(codes)[:, None]
    sums = np.stack([np.bincount(codes, column) for column in values.T], axis=1)
    return (sums / counts)[codes]
