"""What a proxy costs next to the target, and the cheapest one that may be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, pi, sin

from analysis.statistics.agreement import regret_limit
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
    regret_upper: float
    """One-sided upper limit of what its pick is expected to lose at the target, in its units."""


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
    """The offers that no cheaper one matches in both promises, from the cheapest up.

    Offers are the measured proxies with the seeds they have, and with fewer.
    """
    best: list[Offer] = []
    offers = [offer for comparison in comparisons for offer in _offers(comparison)]
    for offer in sorted(
        offers, key=lambda o: (o.relative_cost, -o.decision_accuracy_lower, o.regret_upper)
    ):
        matched = any(
            held.decision_accuracy_lower >= offer.decision_accuracy_lower
            and held.regret_upper <= offer.regret_upper
            for held in best
        )
        if not matched:
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
    point, noise = comparison.point, comparison.noise_proxy
    lower, lost = point.decision_accuracy_lower_one_sided, point.regret_upper_one_sided
    if point.n < MIN_VARIANTS or lower is None or lost is None or point.relative_cost is None:
        return []
    if point.r is None or point.r <= 0:
        return []
    offers = []
    for seeds in range(1, point.seeds + 1):
        cost = seeds * point.relative_cost
        if seeds == point.seeds:
            offers.append(Offer(point.size, point.samples, seeds, cost, lower, lost))
            continue
        share, whole = (noise.of_seeds(k) if noise else None for k in (seeds, point.seeds))
        if share and whole:
            fewer = accuracy_with_reliability(lower, share / whole)
            more_lost = _regret(comparison, share / whole)
            offers.append(Offer(point.size, point.samples, seeds, cost, fewer, more_lost))
    return offers


def _regret(comparison: Comparison, ratio: float) -> float:
    """Upper limit of the regret after the proxy's reliability falls by a ratio."""
    pair, point = comparison.pair, comparison.point
    lower_r = ((point.r2_lower_one_sided or 0.0) * ratio) ** 0.5
    limit = regret_limit(pair.x, pair.y, lower_r) or 0.0
    return max(limit, point.regret_upper_one_sided or 0.0)


def accuracy_with_reliability(decision_accuracy: float, ratio: float) -> float:
    """Decision accuracy after the proxy's reliability changes by a ratio.

    Between normal scores DA = 1/2 + asin(r)/pi, and r goes with the root of the reliability.
    """
    r = sin(pi * (decision_accuracy - 0.5)) * ratio**0.5
    return 0.5 + asin(max(-1.0, min(1.0, r))) / pi
