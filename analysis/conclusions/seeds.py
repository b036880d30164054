"""How many seeds would help: the noise that more of them would take away, at both sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from analysis.conclusions.cost import accuracy_with_reliability
from analysis.statistics.curve import Comparison

MOST = 64
"""Seeds of a design; whatever needs more needs something else."""


@dataclass(frozen=True)
class SeedsNeeded:
    """The seeds with which a proxy is expected to pass, if noise is what it lacks."""

    size: float
    samples: float | None
    seeds: int
    """Smallest number of seeds of a design at the proxy today."""
    needed: int | None
    """Of every design at the proxy and the target; None where no number would do."""


def seeds_needed(proxies: Sequence[Comparison], metric: str, threshold: float) -> list[SeedsNeeded]:
    """Fewest seeds for the lower limit to reach the threshold, per proxy whose noise is known.

    The limit of r2 goes with the product of both sides' reliabilities, which K seeds raise to
    between / (between + within / K). A side without seeds stays as it is.

    Args:
        proxies: one per size.
        metric: `r2` or `decision_accuracy`.
        threshold: that its lower limit has to reach.
    """
    found = []
    for proxy in proxies:
        figures, now = proxy.point.judged_by(metric), proxy.point.ceiling_r2
        noises = [side for side in (proxy.noise_proxy, proxy.noise_target) if side is not None]
        if figures is None or not noises:
            continue
        needed = None
        for seeds in range(1, MOST + 1) if now else ():
            shares = [noise.of_seeds(seeds) or 0.0 for noise in noises]
            if _limit(figures[1], prod(shares) / (now or 1.0), metric) >= threshold:
                needed = seeds
                break
        found.append(SeedsNeeded(proxy.rung.size, proxy.rung.samples, proxy.point.seeds, needed))
    return found


def _limit(lower: float, ratio: float, metric: str) -> float:
    return lower * ratio if metric == "r2" else accuracy_with_reliability(lower, ratio)
