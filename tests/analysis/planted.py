"""Scores with a known truth, as arrays and as tables."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tables.pairs import PairedScores, Rung, Runs

DATA = Path(__file__).parents[2] / "analysis" / "data"
Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def apollo() -> pd.DataFrame:
    """The 21 variants at four sizes of arXiv 2412.10360, Tables 14 and 15."""
    return pd.read_csv(DATA / "apollo_scaling_consistency.csv")


def ladder(
    rng: np.random.Generator, n: int, agreement: Mapping[float, float]
) -> dict[float, Floats]:
    """Normal scores of n variants per size, with the given correlation to the target (1)."""
    target = rng.standard_normal(n)
    return {
        size: rho * target + (1 - rho**2) ** 0.5 * rng.standard_normal(n)
        for size, rho in agreement.items()
    }


def crossed(
    rng: np.random.Generator, levels: tuple[int, ...], rho: float
) -> tuple[Floats, Floats, dict[str, Codes]]:
    """Both sides of a full factorial: random level effects and a residual, all correlated alike.

    Returns:
        Proxy scores, target scores, and per factor the level codes of the variants.
    """
    codes = np.indices(levels).reshape(len(levels), -1)
    variants = np.arange(codes.shape[1])
    x, y = np.zeros(len(variants)), np.zeros(len(variants))
    for code, sd in [*((code, 1.0) for code in codes), (variants, 0.3)]:
        a, b = rng.standard_normal((2, code.max() + 1))
        x += sd * a[code]
        y += sd * (rho * a + (1 - rho**2) ** 0.5 * b)[code]
    return x, y, {f"f{i}": code for i, code in enumerate(codes)}


def runs(scores: Floats) -> Runs:
    """Runs of scores of shape (n,) or (n, seeds); NaN is a missing run."""
    by_seed = scores.reshape(len(scores), -1)
    variant, seed = np.nonzero(~np.isnan(by_seed))
    return Runs(variant, seed, by_seed[variant, seed])


def paired(
    x: Floats, y: Floats, levels: Mapping[str, Codes] | None = None, size: float = 1.0
) -> PairedScores:
    """The pair of a proxy and the target, each of shape (n,) or (n, seeds)."""
    n = len(x)
    return PairedScores(
        proxy=Rung(size, None),
        target=Rung(10 * size, None),
        benchmark=None,
        averaged=(None,),
        variants=np.arange(n),
        x=x.reshape(n, -1).mean(axis=1),
        y=y.reshape(n, -1).mean(axis=1),
        proxy_runs=runs(x),
        target_runs=runs(y),
        levels=dict(levels or {}),
    )


def table(scores: Mapping[float, Floats], **columns: object) -> pd.DataFrame:
    """A table of scores from arrays of shape (n,) or (n, seeds) per size.

    Args:
        scores: size -> scores.
        columns: further columns: one value for all rows, or a sequence with one per variant.
    """
    rows = []
    for size, values in scores.items():
        for variant, seeds in enumerate(values.reshape(len(values), -1)):
            more = {
                name: column[variant] if isinstance(column, np.ndarray | list) else column
                for name, column in columns.items()
            }
            rows += [
                {"variant": f"v{variant:03}", "size": size, "seed": seed, "score": float(score)}
                | more
                for seed, score in enumerate(seeds)
            ]
    return pd.DataFrame(rows)
