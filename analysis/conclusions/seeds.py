"""How many seeds would help: the noise that more of them would take away, at both sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, prod, sqrt, tanh

from scipy.special import expit, logit

from analysis.conclusions.cost import accuracy_with_reliability
from analysis.statistics.correlation import squared
from analysis.statistics.curve import Comparison

MOST = 64
"""Seeds of a design; whatever needs more needs something else."""
_CLOSE = 0.999  # perfect agreement, short of an infinite z


@dataclass(frozen=True)
class SeedsNeeded:
    """The seeds with which a proxy is expected to pass, if noise is what it lacks."""

    size: float
    samples: float | None
    seeds: int
    """Smallest number of seeds of a design at the proxy today."""
    needed: int | None
    """Of every design at the proxy and the target; None where no number would do."""


def seeds_needed(
    proxies: Sequence[Comparison], metric: str, threshold: float, confidence: float
) -> list[SeedsNeeded]:
    """Fewest seeds for the lower limit to reach the threshold, per proxy whose noise is known.

    Seeds raise a side's reliability to between / (between + within / K), and the metric with it,
    as if its point figure were the truth; the limit keeps its distance on the scale of its error.
    A side without seeds stays as it is.

    Args:
        proxies: one per size.
        metric: `r2` or `decision_accuracy`.
        threshold: that its lower limit has to reach.
        confidence: of that limit.
    """
    found = []
    for proxy in proxies:
        now = proxy.point.ceiling_r2
        noises = [side for side in (proxy.noise_proxy, proxy.noise_target) if side is not None]
        if proxy.point.judged_by(metric) is None or not noises:
            continue
        limit = _r2_limit if metric == "r2" else _accuracy_limit
        needed = None
        for seeds in range(1, MOST + 1) if now else ():
            ratio = prod(noise.of_seeds(seeds) or 0.0 for noise in noises) / (now or 1.0)
            if limit(proxy, ratio, confidence) >= threshold:
                needed = seeds
                break
        found.append(SeedsNeeded(proxy.rung.size, proxy.rung.samples, proxy.point.seeds, needed))
    return found


def _r2_limit(proxy: Comparison, ratio: float, confidence: float) -> float:
    """Lower limit of r2 after the product of the reliabilities changes by a ratio."""
    r = proxy.correlation
    if r is None:
        return 0.0
    z = atanh(max(-_CLOSE, min(r.r * sqrt(ratio), _CLOSE)))
    return squared(tanh(z - r.half_width(confidence)))


def _accuracy_limit(proxy: Comparison, ratio: float, confidence: float) -> float:
    """The same for the decision accuracy."""
    order = proxy.order
    limits = order.limits(confidence) if order else None
    if order is None or limits is None:
        return 0.0
    now = order.decision_accuracy
    if now in (0.0, 1.0):
        return accuracy_with_reliability(limits[0], ratio)
    later = min(accuracy_with_reliability(now, ratio), _CLOSE)
    return float(expit(logit(later) - logit(now) + logit(limits[0])))
