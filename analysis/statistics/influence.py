"""Which variant or level carries the agreement, and what is left without a factor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.correlation import Correlation, correlate
from analysis.statistics.curve import Comparison
from analysis.tables.pairs import Codes, Floats
from analysis.tables.table import Table

MOVED = 0.1  # a change of r2 worth a warning


@dataclass(frozen=True)
class Influence:
    """Agreement after leaving out one variant or one level of a factor."""

    size: float
    dropped: str
    """`variant=NAME` or `FACTOR=LEVEL`."""
    r: float
    r2: float


@dataclass(frozen=True)
class Centred:
    """Agreement after removing the level means of factors from both sides."""

    size: float
    by: tuple[str, ...]
    r: float | None
    r2: float | None


def changed_by_a_level(correlation: Correlation | None) -> bool:
    """Whether leaving out one level moves r2 by over `MOVED` or turns the sign of r."""
    if correlation is None:
        return False
    return any(
        bool((np.abs(r**2 - correlation.r**2) > MOVED).any() or (r * correlation.r < 0).any())
        for r in correlation.without_level.values()
    )


def influences(comparisons: Sequence[Comparison], table: Table) -> list[Influence]:
    """The most influential variant, and level of each factor, of every proxy; strongest first."""
    found: list[tuple[float, Influence]] = []
    for comparison in comparisons:
        correlation, pair = comparison.correlation, comparison.pair
        if correlation is None:
            continue
        left_out = [("variant", [table.variants[v] for v in pair.variants])]
        without: list[Floats] = [correlation.without_variant]
        for factor, r in correlation.without_level.items():
            left_out.append(
                (factor, [table.levels[factor][c] for c in np.unique(pair.levels[factor])])
            )
            without.append(r)
        for (what, names), r in zip(left_out, without, strict=True):
            change = np.abs(r**2 - correlation.r**2)
            at = int(change.argmax())
            left = Influence(
                comparison.rung.size, f"{what}={names[at]}", float(r[at]), float(r[at] ** 2)
            )
            found.append((float(change[at]), left))
    return [entry for _, entry in sorted(found, key=lambda item: -item[0])]


def centred(comparisons: Sequence[Comparison]) -> list[Centred]:
    """Agreement within the levels of each factor, for every proxy."""
    found = []
    for comparison in comparisons:
        pair = comparison.pair
        for factor, codes in pair.levels.items():
            if pair.n == 0:
                continue
            x, y = (_without_means(side, codes) for side in (pair.x, pair.y))
            inner = correlate(x, y, {})
            r = inner.r if inner else None
            r2 = inner.r**2 if inner else None
            found.append(Centred(comparison.rung.size, (factor,), r, r2))
    return found


def _without_means(side: Floats, codes: Codes) -> Floats:
    means = np.bincount(codes, side) / np.maximum(np.bincount(codes), 1)
    residual = side - means[codes]
    # a side that its level means explain leaves float noise, not spread
    return np.where(np.abs(residual) <= 1e-12 * np.abs(side).max(), 0.0, residual)
