"""Which sizes the paper's own scores put below the critical size; light enough for a plan."""

import csv
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from statistics import correlation

from ablate.spec import Size
from analysis.words import listed

THRESHOLD = 0.8
"""R2 to 7B below which the paper calls a size too small (Sec. 3)."""
ROUNDING = 0.9
"""Sizes are printed rounded: a model of 0.494B parameters is the paper's 0.5B."""


def size_warning(sizes: Iterable[Size]) -> str | None:
    """A sentence on the rows that are smaller than the paper's critical size, if there are any.

    The critical size is the smallest one that agrees with 7B above `THRESHOLD`, as every larger one
    does, in the 84 scores of Sec. 3. Rows that are trained from scratch are another ladder.

    Args:
        sizes: rows that are to be trained, or have been.
    """
    r2 = published_r2()
    low = [size for size, value in r2.items() if value < THRESHOLD]
    critical = min(size for size in r2 if size > max(low, default=0))
    small = [s for s in sizes if s.weights and s.parameters < ROUNDING * critical]
    if not small:
        return None
    names = listed(list(dict.fromkeys(size.name for size in small)))
    figures = listed([f"{value:.2f} at {size / 1e9:g}B" for size, value in r2.items()])
    return (
        f"{names}: below the critical size for a target of 7B in the paper's own data "
        f"(R2 of 21 designs to 7B: {figures})."
    )


@cache
def published_r2() -> dict[float, float]:
    """R2 of the 21 designs' scores to those at 7B, squared Pearson, by size, ascending."""
    scores: dict[float, dict[str, float]] = {}
    with (files("analysis") / "data" / "apollo_scaling_consistency.csv").open() as file:
        for row in csv.DictReader(file):
            scores.setdefault(float(row["size"]), {})[row["variant"]] = float(row["score"])
    target = max(scores)
    return {
        size: correlation(list(found.values()), [scores[target][v] for v in found]) ** 2
        for size, found in sorted(scores.items())
        if size != target
    }
