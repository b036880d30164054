"""How far the proxy orders variants as the target does: pairs, ranks and the pick."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit, logit, ndtri, stdtrit

from analysis.statistics.correlation import correlate
from analysis.statistics.dominance import balance, lead, untied_pairs
from analysis.tables.pairs import Floats

FEWEST = 3  # variants for an interval


@dataclass(frozen=True)
class Order:
    """Agreement of two orders of the same variants, over their unordered pairs."""

    n: int
    kendall_tau_b: float | None
    spearman: float | None
    decision_accuracy: float
    """Share of pairs that both sides order alike; a tie on either side counts one half."""
    concordance: Floats
    """The same share among the pairs of each variant, shape (n,)."""

    def limits(self, probability: float) -> tuple[float, float] | None:
        """Lower and upper limit of the decision accuracy, each one-sided; None without spread."""
        if self.n < FEWEST or self.kendall_tau_b is None:
            return None
        low, high = _limits(np.array(self.decision_accuracy), self.concordance, probability)
        return float(low), float(high)


def order(x: Floats, y: Floats) -> Order | None:
    """Compare the order of every two variants at the proxy and at the target.

    Args:
        x: proxy scores, shape (n,).
        y: target scores, shape (n,).

    Returns:
        None with fewer than two variants.
    """
    n = len(x)
    if n < 2:
        return None
    agree = balance(x, y)
    told = sqrt(untied_pairs(x) * untied_pairs(y))
    concordance = 0.5 + agree / (2 * (n - 1))
    ranks = correlate(lead(x).astype(float), lead(y).astype(float), {})
    return Order(
        n=n,
        kendall_tau_b=float(agree.sum()) / told if told else None,
        spearman=ranks.r if ranks else None,
        decision_accuracy=0.5 + float(agree.sum()) / (2 * n * (n - 1)),
        concordance=concordance,
    )


def accuracy_lower_limits(x: Floats, y: Floats, probability: float) -> Floats:
    """The lower limits of `Order.limits` for many tables of the same variants at once.

    Args:
        x: proxy scores, shape (tables, n).
        y: target scores, shape (tables, n).
        probability: of each one-sided limit.

    Returns:
        Shape (tables,).
    """
    n = x.shape[-1]
    concordance = 0.5 + balance(x, y) / (2 * (n - 1))
    return _limits(concordance.mean(-1), concordance, probability)[0]


def _limits(da: Floats, concordance: Floats, probability: float) -> tuple[Floats, Floats]:
    """One-sided limits of decision accuracies, of any shape, from the shares of their variants.

    Variants, not pairs, are the unit: the U-statistic's standard error
    2 sqrt(sum (c_i - DA)^2 / (n (n-1))), at least that of independent pairs, on the logit scale
    with t(n-1). At 0 and 1, which have no standard error, the limit is the one of n independent
    variants that all agree, (1 - probability)^(1/n).
    """
    n = concordance.shape[-1]
    variance = 4 * ((concordance - da[..., None]) ** 2).sum(-1) / (n * (n - 1))
    variance = np.maximum(variance, da * (1 - da) * 2 / (n * (n - 1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = stdtrit(n - 1, probability) * np.sqrt(variance) / (da * (1 - da))
        low, high = expit(logit(da) - half), expit(logit(da) + half)
    reach = (1 - probability) ** (1 / n)
    low = np.select([da == 0, da == 1], [0.0, reach], low)
    return low, np.select([da == 0, da == 1], [1 - reach, 1.0], high)


def regret(x: Floats, y: Floats) -> float | None:
    """Best target score minus that of the proxy's pick; picks that tie are averaged."""
    if not len(x):
        return None
    return float(y.max() - y[x == x.max()].mean())


def regret_limit(x: Floats, y: Floats, lower_r: float) -> float | None:
    """Upper limit of the regret to expect of the best of n designs like these.

    Between normal scores the pick has on average r times the lead of the best of n, so the regret
    is (1 - r) E(max of n) sd(y), here at the lower limit of r; never below the regret seen.

    Args:
        x: proxy scores, shape (n,).
        y: target scores, shape (n,).
        lower_r: one-sided lower limit of their correlation, whose confidence the limit has.
    """
    seen, n = regret(x, y), len(x)
    if seen is None or n < FEWEST:
        return None
    lead = float(ndtri((n - 0.375) / (n + 0.25)))  # Blom (1958): expected maximum of n normals
    return max(seen, (1 - lower_r) * lead * float(y.std(ddof=1)))
