"""What a sweep would run and cost, before anything runs; loads neither torch nor ray."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ablate.cost import (
    QUESTION_TOKENS,
    TEXT_TOKENS,
    Workload,
    connector_of,
    expected_workload,
    flops,
)
from ablate.encoders import clip_path, picture_path
from ablate.failures import Failure
from ablate.grid import Check, Invalid, split_valid
from ablate.spec import Cell
from ablate.speed import Phases, Speed, assumed, kept_speeds, name_of, phases_of
from ablate.store import RunStore
from ablate.tokens import max_context
from ablate.train.schedule import resolve


@dataclass(frozen=True)
class Counts:
    """How much data a plan is made for."""

    train_videos: int
    questions: int
    test_videos: int


@dataclass(frozen=True)
class Price:
    """What a cell is expected to take."""

    cell: Cell
    flops: dict[str, float]
    """By part."""
    seconds: float
    """At the speed of its size: of a device that was probed, else of one CPU thread or GPU."""


@dataclass(frozen=True)
class Plan:
    """The cells of a study, sorted by what a sweep would do with them."""

    done: tuple[Cell, ...]
    failed: tuple[tuple[Cell, Failure], ...]
    missing: tuple[Cell, ...]
    invalid: tuple[Invalid, ...]
    counts: Counts
    notes: tuple[str, ...] = ()
    """What there is to say of the data."""
    speeds: Mapping[str, Speed] = field(default_factory=dict)
    """What a probe measured, by size."""

    @property
    def to_run(self) -> tuple[Cell, ...]:
        """What a sweep runs: the missing cells, and those that failed and may succeed now."""
        return self.missing + tuple(cell for cell, why in self.failed if not why.is_certain)

    @property
    def unfinished(self) -> tuple[Cell, ...]:
        """Every valid cell without a record."""
        return self.missing + tuple(cell for cell, _ in self.failed)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every valid cell."""
        return self.done + self.unfinished

    def state(self) -> Counter[str]:
        """Number of cells by state."""
        return Counter(
            done=len(self.done),
            failed=len(self.failed),
            missing=len(self.missing),
            invalid=len(self.invalid),
        )

    def speed(self, cell: Cell) -> Speed:
        """What a cell is expected to reach."""
        return self.speeds.get(name_of(cell)) or assumed(cell)

    def workload(self, cell: Cell) -> Workload:
        """What is expected to pass through a cell's model."""
        counts = self.counts
        return expected_workload(cell, counts.train_videos, counts.questions, counts.test_videos)

    def price(self, cells: Iterable[Cell]) -> Iterator[Price]:
        """What each of these cells is expected to take, in their order.

        A training that several cells share is on the bill of the first. So is the time of looking
        at clips with frozen towers, which is spent once: the FLOPs are every cell's own.
        """
        paid: set[str] = set()
        kept: dict[tuple, float] = {}
        for cell in cells:
            work = self.workload(cell)
            parts = flops(cell, work)
            phases = _left(cell, phases_of(cell, work, parts), kept)
            if (training := cell.train_id) in paid:
                parts = {"evaluate": parts["evaluate"]}
                phases = replace(phases, steps=0, train=0.0)
            paid.add(training)
            yield Price(cell, parts, self.speed(cell).seconds(phases))


def _left(cell: Cell, phases: Phases, kept: dict[tuple, float]) -> Phases:
    """The phases without the clips that cells before it have looked at; adds its own to `kept`."""
    sampling = {"train": cell.design.sampling, "test": cell.eval_protocol.sampling}
    load = {}
    for (half, tower), amount in phases.load.items():
        key = (half, tower, cell.size.tiny_towers, sampling[half])
        before = kept.get(key, 0.0)
        load[half, tower] = max(0.0, amount - before)
        kept[key] = max(before, amount)
    return replace(phases, load=load)


def make_plan(
    cells: list[Cell],
    store: RunStore,
    counts: Counts,
    checks: tuple[Check, ...] = (),
    notes: tuple[str, ...] = (),
) -> Plan:
    """Sort the cells of a study by their state in the store.

    Args:
        cells: of the study.
        store: where finished cells lie.
        counts: of the data.
        checks: what the data have against a cell.
        notes: what there is to say of the data.
    """
    valid, invalid = split_valid(cells, (check_cell, *checks))
    done, failed, missing = [], [], []
    for cell in valid:
        if store.is_done(cell):
            done.append(cell)
        elif (failure := store.failure(cell)) is not None:
            failed.append((cell, failure))
        else:
            missing.append(cell)
    return Plan(
        tuple(done), tuple(failed), tuple(missing), tuple(invalid), counts, notes,
        kept_speeds(store),
    )  # fmt: skip


def check_cell(cell: Cell) -> str | None:
    """The reason why a cell cannot be trained at all, or None.

    Covers clips that a tower cannot take, a split image path without an image tower, connectors
    that are asked for more tokens than there are patches, visual tokens beyond the context, and
    fewer steps than stages.
    """
    design = cell.design
    try:
        for path in (clip_path(design, cell.size), picture_path(design, cell.size)):
            if path is not None:
                connector_of(design, cell.size, path)
        resolve(cell)
    except ValueError as error:
        return str(error)
    video, text = max_context(design, cell.size), TEXT_TOKENS + QUESTION_TOKENS
    if video + text > cell.size.llm.context:
        return (
            f"{video} tokens of video and {text} of text "
            f"exceed the context of {cell.size.llm.context} of size {cell.size.name}"
        )
    return None
