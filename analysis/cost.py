"""What a proxy costs next to the target, and the cheapest one that may be trusted."""

from analysis.pairs import Rung, Scores


def relative_cost(scores: Scores, proxy: Rung, target: Rung) -> float | None:
    """Cost of one run at the proxy over one at the target.

    From the table's cost column, else parameters times samples, to which training FLOPs are
    proportional (6 N D). None when one side has no cost in a table that has costs.
    """
    own, whole = scores.cost(proxy), scores.cost(target)
    if scores.table.cost is not None:
        return own / whole if own is not None and whole else None
    return proxy.size / target.size * (proxy.samples or 1) / (target.samples or 1)
