"""What a proxy costs next to the target, and the cheapest one that may be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, pi, sin

from analysis.statistics.curve import MIN_VARIANTS, Comparison
from analysis.tables.pairs import Rung, Scores


@dataclass(frozen=True)
class Offer:
    """One way to judge a design: a proxy with some seeds, and what it promises."""

    size: float
    samples: float | None
    seeds: int
    relative_cost: float
    """Of all its seeds, over one run at the target."""
    decision_accuracy_lower: float
    """One-sided lower limit at the chosen confidence."""


def relative_cost(scores: Scores, proxy: Rung, target: Rung) -> float | None:
    """Cost of one run at the proxy over one at the target.

    From the table's cost column, else parameters times samples, to which training FLOPs are
    proportional (6 N D). None when one side has no cost in a table that has costs, or when the
    target is not in a table that has samples.
    """
    own, whole = scores.cost(proxy), scores.cost(target)
    if scores.table.cost is not None:
        return own / whole if own is not None and whole else None
    if (proxy.samples is None) != (target.samples is None):
        return None
    return proxy.size / target.size * (proxy.samples or 1) / (target.samples or 1)


def frontier(comparisons: Sequence[Comparison]) -> list[Offer]:
    """The offers that no cheaper one matches, from the cheapest up.

    Offers are the measured proxies with the seeds they have, and with fewer.
    """
    best: list[Offer] = []
    offers = [offer for comparison in comparisons for offer in _offers(comparison)]
    for offer in sorted(offers, key=lambda o: (o.relative_cost, -o.decision_accuracy_lower)):
        if not best or offer.decision_accuracy_lower > best[-1].decision_accuracy_lower:
            best.append(offer)
    return best


def cheapest(comparisons: Sequence[Comparison], threshold: float) -> Offer | None:
    """The cheapest offer, below the target's cost, whose lower limit reaches the threshold.

    Sizes are tried from the largest down and the search ends at the first that has no such offer,
    so that looking at many sizes does not make one of them pass by chance.
    """
    found: list[Offer] = []
    for size in sorted({c.rung.size for c in comparisons}, reverse=True):
        passing = [
            offer
            for comparison in comparisons
            if comparison.rung.size == size
            for offer in _offers(comparison)
            if offer.decision_accuracy_lower >= threshold
        ]
        if not passing:
            break
        found.extend(passing)
    affordable = [offer for offer in found if offer.relative_cost < 1]
    return min(affordable, key=lambda o: (o.relative_cost, -o.size), default=None)


def _offers(comparison: Comparison) -> list[Offer]:
    point = comparison.point
    lower = point.decision_accuracy_lower_one_sided
    if point.n < MIN_VARIANTS or lower is None or point.relative_cost is None:
        return []
    if point.r is None or point.r <= 0:
        return []
    noise = comparison.noise_proxy
    whole = noise.of_seeds(point.seeds) if noise else None
    offers = []
    for seeds in range(1, point.seeds + 1):
        held: float | None = lower
        if seeds < point.seeds:
            share = noise.of_seeds(seeds) if noise else None
            held = _with_reliability(lower, share / whole) if share and whole else None
        if held is not None:
            cost = seeds * point.relative_cost
            offers.append(Offer(point.size, point.samples, seeds, cost, held))
    return offers


def _with_reliability(decision_accuracy: float, ratio: float) -> float:
    """Decision accuracy after the proxy's reliability changes by a ratio.

    Between normal scores DA = 1/2 + asin(r)/pi, and r goes with the root of the reliability.
    """
    r = sin(pi * (decision_accuracy - 0.5)) * ratio**0.5
    return 0.5 + asin(max(-1.0, min(1.0, r))) / pi
