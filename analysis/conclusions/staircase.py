"""Model size and data size together: which corner of the grid of proxies is certified."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.statistics.correlation import squared
from analysis.statistics.curve import MIN_VARIANTS, Comparison


@dataclass(frozen=True)
class Corner:
    """The fewest samples certified at one size."""

    size: float
    samples: float


def staircase(
    comparisons: Sequence[Comparison],
    target_size: float,
    metric: str,
    threshold: float,
    confidence: float,
) -> tuple[Corner, ...] | None:
    """Certify cells of the size x samples grid from the largest corner outwards.

    A cell is tested once every cell at least as large in both has passed. Tests that may run side
    by side are cells of which neither is larger in both; there are at most as many as sizes, or
    as data sizes, and they share the error (Bonferroni). With probability `confidence` no cell
    below the threshold is certified, if agreement grows in both directions.

    Args:
        comparisons: all proxies of one benchmark.
        target_size: cells at the target size are left out.
        metric: `r2` or `decision_accuracy`.
        threshold: that its lower limit has to reach.
        confidence: over the whole grid.

    Returns:
        One corner per certified size, largest size first; None without a grid of two data sizes.
    """
    cells = {
        (c.rung.size, c.rung.samples): c
        for c in comparisons
        if c.rung.size != target_size and c.rung.samples is not None
    }
    sizes, amounts = {size for size, _ in cells}, {samples for _, samples in cells}
    if len(amounts) < 2:
        return None
    probability = 1 - (1 - confidence) / min(len(sizes), len(amounts))
    passed: dict[tuple[float, float], bool] = {}
    for size, samples in sorted(cells, reverse=True):
        gate = all(ok for (s, d), ok in passed.items() if s >= size and d >= samples)
        lower = _lower_limit(cells[size, samples], metric, probability)
        passed[size, samples] = gate and lower is not None and lower >= threshold
    return tuple(
        Corner(size, min(held))
        for size in sorted(sizes, reverse=True)
        if (held := [d for (s, d), ok in passed.items() if s == size and ok])
    )


def _lower_limit(comparison: Comparison, metric: str, probability: float) -> float | None:
    r, order = comparison.correlation, comparison.order
    if r is None or order is None or r.n < MIN_VARIANTS:
        return None
    limits = r.limits(probability) if metric == "r2" else order.limits(probability)
    if limits is None:
        return None
    return squared(limits[0]) if metric == "r2" else limits[0]
