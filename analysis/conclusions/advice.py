"""What to train next: the step that would narrow the verdict most for its cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, ceil, pi, sin, sqrt, tanh

from scipy.special import ndtr, ndtri

from analysis.conclusions.critical import CriticalSize
from analysis.statistics.curve import MIN_VARIANTS, Comparison
from analysis.words import size_name

_CLOSE = 0.999  # r taken for the target with itself, whose atanh is infinite


@dataclass(frozen=True)
class Step:
    """One thing to train next."""

    action: str
    """`seed`, `design` or `size`."""
    what: str
    expected: str


@dataclass(frozen=True)
class _Prospect:
    """A step with the chance that it certifies the size in question, and its cost."""

    step: Step
    gain: float
    cost: float
    """In runs of the target."""


def next_steps(
    proxies: Sequence[Comparison], critical: CriticalSize, target_size: float
) -> list[Step]:
    """Rank more seeds, more designs and another size by what they add per cost.

    The question is always the largest size that is not certified. A step's chance to certify it
    takes today's figures for the truth: atanh r is normal around them with today's jackknife
    error, rescaled by n - 3; seeds move r by the reliability of their mean.

    Args:
        proxies: one per size, largest first.
        critical: the verdict on them.
        target_size: the size that decides.
    """
    if critical.status == "refused":
        return [_more_variants(proxies)] if proxies else []
    below = [
        i
        for i, proxy in enumerate(proxies)
        if critical.certified is None or proxy.rung.size < critical.certified
    ]
    if not below:
        smallest = size_name(proxies[-1].rung.size)
        what = f"train the designs at a size below {smallest}"
        return [Step("size", what, f"every size tried is certified: {smallest} may not be the end")]
    proxy = proxies[below[0]]
    if proxy.correlation is None or proxy.pair.n < MIN_VARIANTS:
        return [_more_variants([proxy])]
    larger = proxies[below[0] - 1] if below[0] > 0 else None
    state = _State.of(proxy, critical)
    if abs(proxy.correlation.r) == 1:
        return []
    prospects = [
        *_seeds(proxy, state),
        _designs(proxy, state),
        _size(proxy, larger, state, target_size),
    ]
    ranked = sorted(prospects, key=lambda p: -p.gain / p.cost)
    steps = [p.step for p in ranked if p.gain > 0]
    if proxy.noise_proxy is None or proxy.noise_target is None:
        where = size_name(proxy.rung.size) if proxy.noise_proxy is None else "the target"
        what = f"train a second seed of some designs at {where}"
        expected = "tells seed noise from failed transfer, which no other step does"
        steps.append(Step("seed", what, expected))
    return steps


@dataclass(frozen=True)
class _State:
    """Today's figures about the size in question."""

    name: str
    z: float
    error: float
    needed: float
    """atanh of the r that reaches the threshold."""
    quantile: float
    n: int

    @classmethod
    def of(cls, proxy: Comparison, critical: CriticalSize) -> "_State":
        r = proxy.correlation
        if r is None:
            raise ValueError("a proxy without r has no state")
        theta = critical.threshold
        level = sqrt(theta) if critical.metric == "r2" else sin(pi * (theta - 0.5))
        quantile = float(ndtri(critical.confidence))
        return cls(
            name=size_name(proxy.rung.size),
            z=r.z,
            error=r.half_width(critical.confidence) / quantile if quantile > 0 else 1.0,
            needed=atanh(max(min(level, _CLOSE), 0.0)),
            quantile=quantile,
            n=r.n,
        )

    def chance(self, z: float | None = None, n: int | None = None) -> float:
        """Probability that the lower limit passes in a repetition with this z and n."""
        error = self.error * sqrt((self.n - 3) / ((n or self.n) - 3))
        if error == 0:
            return 1.0
        return float(ndtr(((self.z if z is None else z) - self.needed) / error - self.quantile))

    def words(self, chance: float) -> str:
        return (
            f"chance to certify {self.name} {chance:.0%}, {self.chance():.0%} for a repetition "
            "as it is, if today's figures are the truth"
        )


def _more_variants(proxies: Sequence[Comparison]) -> Step:
    best = max(proxies, key=lambda p: p.pair.n)
    lacking = MIN_VARIANTS - best.pair.n
    where = f"both {size_name(best.rung.size)} and the target"
    if lacking <= 0:
        what = f"train designs whose scores differ at {where}"
        return Step("design", what, "scores without spread order nothing")
    what = f"train {lacking} more designs at {where}"
    return Step("design", what, f"{MIN_VARIANTS} variants in common allow a first verdict")


def _seeds(proxy: Comparison, state: _State) -> list[_Prospect]:
    found = []
    point = proxy.point
    for noise, runs, where, run_cost in (
        (proxy.noise_proxy, proxy.pair.proxy_runs, state.name, point.relative_cost),
        (proxy.noise_target, proxy.pair.target_runs, "the target", 1.0),
    ):
        if noise is None or run_cost is None:
            continue
        seeds = len(runs.variant) / proxy.pair.n
        now = noise.of_mean
        if now is None or now <= 0 or noise.between <= 0:
            continue
        later = noise.between / (noise.between + noise.within / (seeds + 1))
        r = min(tanh(state.z) * sqrt(max(later / now, 1.0)), _CLOSE)
        chance = state.chance(z=atanh(r))
        step = Step("seed", f"train one more seed of every design at {where}", state.words(chance))
        found.append(_Prospect(step, chance - state.chance(), proxy.pair.n * run_cost))
    return found


def _designs(proxy: Comparison, state: _State) -> _Prospect:
    more = ceil(state.n / 2)
    chance = state.chance(n=state.n + more)
    what = f"train {more} more designs at {state.name} and the target"
    run_cost = (proxy.point.relative_cost or 1.0) * max(proxy.point.seeds, 1)
    step = Step("design", what, state.words(chance))
    return _Prospect(step, chance - state.chance(), more * (1 + run_cost))


def _size(
    proxy: Comparison, larger: Comparison | None, state: _State, target_size: float
) -> _Prospect:
    upper = larger.rung.size if larger else target_size
    size = sqrt(proxy.rung.size * upper)
    transfer = (_transfer(proxy) + (_transfer(larger) if larger else atanh(_CLOSE))) / 2
    # a new size is trained with as few seeds, so the noise of today's stays
    r = tanh(transfer) * sqrt(proxy.point.ceiling_r2 or 1.0)
    chance = state.chance(z=atanh(min(r, _CLOSE)))
    expected = (
        f"chance to certify {size_name(size)} {chance:.0%}, if agreement grows steadily with size"
    )
    step = Step("size", f"train the designs at about {size_name(size)}", expected)
    run_cost = (proxy.point.relative_cost or 1.0) * size / proxy.rung.size
    return _Prospect(step, chance - state.chance(), state.n * run_cost)


def _transfer(proxy: Comparison) -> float:
    """Fisher's transform of r without the seed noise that is known."""
    r = proxy.point.r_disattenuated or proxy.point.r or 0.0
    return atanh(max(-_CLOSE, min(r, _CLOSE)))
