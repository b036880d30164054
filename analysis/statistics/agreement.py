"""How far the proxy orders variants as the target does: pairs, ranks and the pick."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit, logit, stdtrit

from analysis.statistics.correlation import correlate
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
        """Lower and upper limit of the decision accuracy, each one-sided.

        Variants, not pairs, are the unit: the U-statistic's standard error
        2 sqrt(sum (c_i - DA)^2 / (n (n-1))), at least that of independent pairs, on the logit
        scale with t(n-1). At 0 and 1, which have no standard error, the limit is the one of n
        independent variants that all agree, (1 - probability)^(1/n). None without spread.
        """
        da, n = self.decision_accuracy, self.n
        if n < FEWEST or self.kendall_tau_b is None:
            return None
        if da in (0.0, 1.0):
            reach = (1 - probability) ** (1 / n)
            return (reach, 1.0) if da else (0.0, 1 - reach)
        variance = 4 * float(((self.concordance - da) ** 2).sum()) / (n * (n - 1))
        variance = max(variance, da * (1 - da) * 2 / (n * (n - 1)))
        half = float(stdtrit(n - 1, probability)) * sqrt(variance) / (da * (1 - da))
        centre = float(logit(da))
        return float(expit(centre - half)), float(expit(centre + half))


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
    above_x, above_y, agree = np.zeros(n), np.zeros(n), np.zeros(n)
    told_x = told_y = 0.0  # pairs that are no tie
    for rows in np.array_split(np.arange(n), -(-n * n // 2**22)):  # bounds the memory
        sign_x, sign_y = np.sign(x[rows, None] - x), np.sign(y[rows, None] - y)
        above_x[rows], above_y[rows] = sign_x.sum(1), sign_y.sum(1)
        agree[rows] = (sign_x * sign_y).sum(1)
        told_x += float(np.abs(sign_x).sum())
        told_y += float(np.abs(sign_y).sum())
    told = sqrt(told_x * told_y)
    concordance = 0.5 + agree / (2 * (n - 1))
    ranks = correlate(above_x, above_y, {})  # wins minus losses are ranks up to a scale
    return Order(
        n=n,
        kendall_tau_b=float(agree.sum()) / told if told else None,
        spearman=ranks.r if ranks else None,
        decision_accuracy=0.5 + float(agree.sum()) / (2 * n * (n - 1)),
        concordance=concordance,
    )


def regret(x: Floats, y: Floats) -> float | None:
    """Best target score minus that of the proxy's pick; picks that tie are averaged."""
    if not len(x):
        return None
    return float(y.max() - y[x == x.max()].mean())
