"""What to train next: the step that would narrow the verdict most for its cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.conclusions.critical import CriticalSize
from analysis.statistics.agreement import accuracy_lower_limits
from analysis.statistics.correlation import lower_limits
from analysis.statistics.curve import MIN_VARIANTS, Comparison
from analysis.statistics.foresight import PROXY, TARGET, Foresight, Outlook
from analysis.tables.pairs import Floats
from analysis.words import figure, size_name

MORE_DESIGNS = 2
TABLES = 400
"""Simulated tables of every step; fewer where there are many variants."""
_CELLS = 250_000  # scores simulated of a step: keeps a large table's share of the time small


@dataclass(frozen=True)
class Step:
    """One thing to train next."""

    action: str
    """`seed`, `design` or `size`."""
    what: str
    expected: str


@dataclass(frozen=True)
class _Prospect:
    """A step, by how much of the way to the threshold it is expected to close, and its cost."""

    step: Step
    closed: float
    cost: float
    """In runs of the target."""


def next_steps(
    proxies: Sequence[Comparison], critical: CriticalSize, target_size: float
) -> list[Step]:
    """Rank more seeds, more designs and a larger proxy by what they narrow the verdict per cost.

    The question is always the largest size that is not certified: by how much its lower limit, or
    that of the larger size trained instead, comes nearer to the threshold. Every step is simulated
    from the fitted variances (`analysis.statistics.foresight`), always with the same random
    numbers; steps that are not expected to help are left out.

    Args:
        proxies: one per size, largest first.
        critical: the verdict on them.
        target_size: the size that decides.
    """
    if critical.status == "refused":
        return [_more_variants(proxies)] if proxies else []
    open_ = [
        i
        for i, proxy in enumerate(proxies)
        if critical.certified is None or proxy.rung.size < critical.certified
    ]
    if not open_:
        smallest = size_name(proxies[-1].rung.size)
        what = f"train the designs at a size below {smallest}"
        return [Step("size", what, f"every size tried is certified: {smallest} may not be the end")]
    proxy = proxies[open_[0]]
    if proxy.point.judged_by(critical.metric) is None:
        return [_more_variants([proxy])]
    larger = proxies[open_[0] - 1] if open_[0] > 0 else None
    simulated = _Simulation(proxy, critical, target_size)
    prospects = [*simulated.seeds(), simulated.designs(), *simulated.size(larger)]
    ranked = sorted(prospects, key=lambda p: -p.closed / p.cost)
    steps = [p.step for p in ranked if p.closed > 0]
    if proxy.noise_proxy is None or proxy.noise_target is None:
        where = size_name(proxy.rung.size) if proxy.noise_proxy is None else "the target"
        what = f"train a second seed of some designs at {where}"
        expected = "tells seed noise from failed transfer, which no other step does"
        steps.append(Step("seed", what, expected))
    return steps


def _more_variants(proxies: Sequence[Comparison]) -> Step:
    best = max(proxies, key=lambda p: p.pair.n)
    lacking = MIN_VARIANTS - best.pair.n
    where = f"both {size_name(best.rung.size)} and the target"
    if lacking <= 0:
        what = f"train designs whose scores differ at {where}"
        return Step("design", what, "scores without spread order nothing")
    what = f"train {lacking} more designs at {where}"
    return Step("design", what, f"{MIN_VARIANTS} variants in common allow a first verdict")


class _Simulation:
    """Steps about one proxy that can be judged and is not certified."""

    def __init__(self, proxy: Comparison, critical: CriticalSize, target_size: float) -> None:
        self._proxy, self._critical, self._target_size = proxy, critical, target_size
        self._name = size_name(proxy.rung.size)
        point = proxy.point
        figures = point.judged_by(critical.metric)
        self._now = figures[1] if figures else 0.0
        self._run_cost = point.relative_cost or point.size / target_size
        pairs = proxy.pair.n ** (1 if critical.metric == "r2" else 2)
        tables = int(np.clip(_CELLS // pairs, 10, TABLES))
        self._foresight = Foresight(proxy, tables)

    def seeds(self) -> Iterator[_Prospect]:
        """One more seed of every design, at the proxy and at the target."""
        sides = (
            (PROXY, self._proxy.noise_proxy, self._name, self._run_cost),
            (TARGET, self._proxy.noise_target, "the target", 1.0),
        )
        for side, noise, where, run_cost in sides:
            if noise is not None and noise.within > 0:
                what = f"train one more seed of every design at {where}"
                cost = self._proxy.pair.n * run_cost
                yield self._prospect("seed", what, self._foresight.more_seeds(side), cost)

    def designs(self) -> _Prospect:
        """Two more designs at the proxy and the target, with as many seeds as others have."""
        outlook = self._foresight.more_designs(MORE_DESIGNS)
        what = f"train {MORE_DESIGNS} more designs at {self._name} and the target"
        seeds_x, seeds_y = (
            max(np.bincount(runs.variant).min(), 1)
            for runs in (self._proxy.pair.proxy_runs, self._proxy.pair.target_runs)
        )
        cost = MORE_DESIGNS * (seeds_x * self._run_cost + seeds_y)
        return self._prospect("design", what, outlook, cost)

    def size(self, larger: Comparison | None) -> Iterator[_Prospect]:
        """The designs at a size between the proxy and the next larger one, or the target."""
        pair, between = self._proxy.pair, None
        upper = self._target_size
        if larger is not None:
            if not np.array_equal(larger.pair.variants, pair.variants):
                return
            between, upper = larger.pair.x, larger.rung.size
        # Two digits: nobody finds a model of exactly the geometric mean.
        size = float(f"{np.sqrt(self._proxy.rung.size * upper):.2g}")
        outlook = self._foresight.size_between(between)
        run_cost = self._run_cost * size / self._proxy.rung.size
        cost = pair.n * max(self._proxy.point.seeds, 1) * run_cost
        what = f"train the designs at about {size_name(size)}"
        yield self._prospect("size", what, outlook, cost, size_name(size))

    def _prospect(
        self, action: str, what: str, outlook: Outlook, cost: float, name: str = ""
    ) -> _Prospect:
        lower, threshold = self._lower(outlook), self._critical.threshold
        closed = float(np.minimum(lower, threshold).mean()) - min(self._now, threshold)
        label = "R2" if self._critical.metric == "r2" else "decision accuracy"
        after, now = figure(float(lower.mean())), figure(self._now)
        chance = f"{float(np.mean(lower >= threshold)):.0%}"
        if action == "size":
            expected = f"lower limit of {label} {after} there, {now} at {self._name}; chance to "
            expected += f"certify {name} {chance}, if scores drift evenly with log size"
        else:
            expected = f"lower limit of {label} {now} -> {after}; chance to certify "
            expected += f"{self._name} {chance}"
        return _Prospect(Step(action, what, expected), closed, cost)

    def _lower(self, outlook: Outlook) -> Floats:
        """Lower limits of the metric in the simulated tables, shape (tables,)."""
        confidence = self._critical.confidence
        if self._critical.metric == "r2":
            r = lower_limits(outlook.x, outlook.y, outlook.levels, confidence)
            return np.maximum(r, 0.0) ** 2
        return accuracy_lower_limits(outlook.x, outlook.y, confidence)
