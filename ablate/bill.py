"""What a whole study takes before it begins, and how far the plan was off when it has ended.

Standard library only.
"""

from collections import defaultdict
from dataclasses import dataclass
from math import prod

from ablate.encoders import clip_path
from ablate.memory import HALF
from ablate.plan import Plan
from ablate.rehearsal import is_rehearsal
from ablate.store import RunStore


@dataclass(frozen=True)
class Bill:
    """What the cells take that one kind of device is for."""

    kind: str
    """`CPU` or `GPU`."""
    seconds: float
    """Of one device, or of one slot of a CPU."""
    probed: tuple[str, ...]
    """What speeds were measured on; empty where all are assumed."""
    assumed: tuple[str, ...]
    """Sizes whose speed was not measured."""
    alone: bool
    """Whether some of the cells, rehearsals, take all of the machine."""

    @property
    def hours(self) -> float:
        """Device-hours."""
        return self.seconds / 3600


def bills(plan: Plan) -> list[Bill]:
    """What is left of a study takes, by kind of device."""
    seconds: dict[str, float] = defaultdict(float)
    sizes, alone = {}, set()
    for price in plan.price(plan.unfinished):
        sizes[price.cell.size.name] = speed = plan.speed(price.cell)
        seconds[speed.kind] += price.seconds
        if is_rehearsal(price.cell):
            alone.add(speed.kind)
    return [
        Bill(
            kind,
            amount,
            tuple(dict.fromkeys(s.device for s in sizes.values() if s.kind == kind and s.device)),
            tuple(name for name, s in sizes.items() if s.kind == kind and s.device is None),
            kind in alone,
        )
        for kind, amount in seconds.items()
    ]


def kept_features(plan: Plan) -> int:
    """Most bytes that the features of frozen towers take in the store's cache.

    A clip's features are kept once for every tower and sampling, in half precision, whatever the
    designs and sizes that look at it.
    """
    kept: dict[tuple, int] = {}
    for cell in plan.unfinished:
        if cell.design.schedule.trains_vision:
            continue
        work = plan.workload(cell)
        halves = (
            ("train", cell.design.sampling, work.encoded_clips),
            ("test", cell.eval_protocol.sampling, work.eval_clips),
        )
        for tower in clip_path(cell.design, cell.size).towers:
            for half, sampling, clips in halves:
                numbers = prod(tower.grid(cell.design.sampling.frames_per_clip)) * tower.hidden
                key = (half, sampling, tower)
                kept[key] = max(kept.get(key, 0), HALF * numbers * clips)
    return sum(kept.values())


@dataclass(frozen=True)
class Accuracy:
    """Expected and realised time of the finished cells of one size."""

    size: str
    cells: int
    expected: float
    """Seconds."""
    took: float
    """Seconds, as their records tell."""
    probed: bool

    @property
    def error(self) -> float:
        """Of the plan, as a share of what was taken: positive where it expected too much."""
        return self.expected / self.took - 1


def accuracies(plan: Plan, store: RunStore) -> list[Accuracy]:
    """How far the plan was off at every size, largest first; only sizes that are done throughout.

    Clips that cells share are on the bill of the first, so that single cells say little.
    """
    expected: dict[str, float] = defaultdict(float)
    took: dict[str, list[float]] = defaultdict(list)
    speeds = {cell.size.name: plan.speed(cell) for cell in plan.cells}
    trained: set[str] = set()
    unfinished = {cell.size.name for cell in plan.unfinished}
    for price in plan.price(plan.cells):
        cell, name = price.cell, price.cell.size.name
        if name in unfinished or (record := store.record(cell)) is None:
            continue
        spent = dict(record["cost"]["seconds"])
        total = spent["total"] if cell.train_id not in trained else spent["evaluate"]
        trained.add(cell.train_id)
        expected[name] += price.seconds
        took[name].append(total)
    return [
        Accuracy(name, len(spent), expected[name], sum(spent), speeds[name].device is not None)
        for name, spent in took.items()
        if sum(spent) > 0
    ]
