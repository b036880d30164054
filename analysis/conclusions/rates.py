"""Whether an effect of a design is one of its learning rate: three rates around the rule's.

The best rate of a design is the one with the least training loss at the end: no sample is drawn
twice, so that loss is of samples not yet trained on, and the test questions choose nothing. They
only tell whether designs change places once each has its best rate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

RULE = 1.0
"""The rate of the size ladder, as a multiple of itself."""
CLEAR = 3.0
"""Standard errors that make a difference more than seed noise: the best of several was picked."""


@dataclass(frozen=True)
class Tuned:
    """A design at a size."""

    design: str
    size: str
    best: float
    """Rate with the least loss, as a multiple of the rule's."""
    losses: Mapping[float, float]
    """Rate -> mean loss of the seeds over the last tenth of the steps, in nats a token."""
    scores: Mapping[float, float]
    """Rate -> mean accuracy of categories and seeds, in percent."""

    @property
    def gain(self) -> float:
        """Loss that the best rate saves against the rule's."""
        return self.losses[RULE] - self.losses[self.best]


@dataclass(frozen=True)
class Differing:
    """A design whose best rate is not the same at two sizes."""

    design: str
    sizes: tuple[str, str]
    rates: tuple[float, float]
    clear: bool | None
    """Whether each size loses more than seed noise by the other's rate; None with one seed."""


@dataclass(frozen=True)
class Swap:
    """Two designs that change places once each has its best rate instead of the rule's."""

    size: str
    designs: tuple[str, str]
    """The first is ahead at the rule's rate."""
    lead: tuple[float, float]
    """By how many points of accuracy the first leads, at the rule's rate and at the best ones."""
    clear: bool | None
    """Whether the lead changes by more than seed noise; None with one seed."""


@dataclass(frozen=True)
class RateCheck:
    """What trainings at several rates say."""

    tuned: tuple[Tuned, ...]
    seed_sd: float | None
    """Standard deviation of the loss over seeds, pooled; None with one seed each."""
    score_sd: float | None
    """The same of the accuracy, in points."""
    differing: tuple[Differing, ...]
    swaps: tuple[Swap, ...]
    pairs: int
    """Pairs of designs at one size that were looked at for swaps."""

    def at_edge(self) -> tuple[Tuned, ...]:
        """Designs whose best rate is the smallest or largest that was tried."""
        return tuple(t for t in self.tuned if t.best in (min(t.losses), max(t.losses)))


def check_rates(runs: pd.DataFrame) -> RateCheck:
    """Compare the rates of designs that were trained at all of them.

    Args:
        runs: one row per run with `variant size size_name seed rate loss score`; see
            `analysis.tables.load.load_rates`.

    Raises:
        ValueError: fewer than two rates, or no design that has all of them, the rule's included.
    """
    rates = sorted(runs.rate.unique())
    if len(rates) < 2 or RULE not in rates:
        raise ValueError(
            f"rates: found {', '.join(f'{rate:g}' for rate in rates) or 'none'}; needs runs at 1 "
            "and at one more, as `ablate sweep --rates 0.5,1,2` makes them"
        )
    tuned: list[Tuned] = []
    seeds: dict[tuple[str, str], int] = {}
    for (_, size, design), group in runs.groupby(["size", "size_name", "variant"]):
        by_rate = group.groupby("rate")
        if len(by_rate) == len(rates):
            losses, scores = _by_rate(by_rate.loss.mean()), _by_rate(by_rate.score.mean())
            best = min(losses, key=lambda rate: losses[rate])
            tuned.append(Tuned(str(design), str(size), best, losses, scores))
            seeds[str(design), str(size)] = int(by_rate.seed.nunique().min())
    if not tuned:
        raise ValueError("rates: no design has been trained at every rate yet")
    sd, score_sd = _pooled(runs, "loss"), _pooled(runs, "score")
    swaps, pairs = _swaps(tuned, score_sd, seeds)
    return RateCheck(tuple(tuned), sd, score_sd, tuple(_differing(tuned, sd, seeds)), swaps, pairs)


def _by_rate(means: pd.Series) -> dict[float, float]:
    return {float(rate): float(mean) for rate, mean in zip(means.index, means, strict=True)}


def _pooled(runs: pd.DataFrame, column: str) -> float | None:
    """Standard deviation inside groups of runs that differ in their seed only."""
    groups = runs.groupby(["size", "variant", "rate"])[column]
    freedom = int((groups.count() - 1).sum())
    squares = float(((groups.count() - 1) * groups.var().fillna(0)).sum())
    return (squares / freedom) ** 0.5 if freedom else None


def _differing(
    tuned: list[Tuned], sd: float | None, seeds: Mapping[tuple[str, str], int]
) -> list[Differing]:
    found = []
    for one, other in combinations(tuned, 2):
        if one.design == other.design and one.best != other.best:
            clear = None
            if sd is not None:
                clear = all(
                    a.losses[b.best] - a.losses[a.best]
                    > CLEAR * sd * (2 / seeds[a.design, a.size]) ** 0.5
                    for a, b in ((one, other), (other, one))
                )
            sizes, rates = (one.size, other.size), (one.best, other.best)
            found.append(Differing(one.design, sizes, rates, clear))
    return found


def _swaps(
    tuned: list[Tuned], sd: float | None, seeds: Mapping[tuple[str, str], int]
) -> tuple[tuple[Swap, ...], int]:
    found, pairs = [], 0
    for one, other in combinations(tuned, 2):
        if one.size != other.size:
            continue
        pairs += 1
        first, second = sorted((one, other), key=lambda t: -t.scores[RULE])
        before = first.scores[RULE] - second.scores[RULE]
        after = first.scores[first.best] - second.scores[second.best]
        if before > 0 > after:
            clear = None
            if sd is not None:
                # A change of the lead is a sum of four means, of which some may be the same.
                fewest = min(seeds[t.design, t.size] for t in (one, other))
                clear = before - after > CLEAR * sd * (4 / fewest) ** 0.5
            found.append(Swap(one.size, (first.design, second.design), (before, after), clear))
    return tuple(found), pairs
