"""What a study compares: axes and levels become designs, designs become cells."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.axes import Level, Tower
from ablate.budget import Equal, matched
from ablate.sizes import NAMES, check_distinct, size_row
from ablate.spec import Cell, Design, Init, Protocol, Size, content_id
from ablate.towers import tower_shape, weights_hash


@dataclass(frozen=True)
class Grid:
    """Levels on some axes around a base design.

    With `fraction`, only so many of the combinations are kept: a balanced selection in which every
    level, and every pair of levels, appears as equally often as it can.
    """

    base: Design
    axes: Mapping[str, tuple[Level, ...]]
    fraction: int | None = None
    settings: tuple[Mapping[str, Level], ...] = ()
    """Levels that only occur together; every combination of the axes is made with each of them."""
    follow: Callable[[Design], Design] | None = None
    """What levels entail on other axes: makes the designs of the grid consistent, one by one."""

    def __post_init__(self) -> None:
        for axis in (*self.axes, *itertools.chain(*self.settings)):
            if axis not in Design.AXES:
                raise ValueError(f"unknown axis {axis!r}; choose from {', '.join(Design.AXES)}")
        for axis, levels in self.axes.items():
            if len(set(levels)) < len(levels):
                raise ValueError(f"axis {axis}: a level is listed twice")
            if any(axis in setting for setting in self.settings):
                raise ValueError(f"axis {axis}: is varied both alone and in settings")
        total = len(self.combinations())
        if self.fraction is not None and not 0 < self.fraction <= total:
            raise ValueError(f"fraction {self.fraction} is not between 1 and {total} combinations")

    def combinations(self) -> list[tuple[Level, ...]]:
        """The full factorial, first axis slowest."""
        return list(itertools.product(*self.axes.values()))

    @property
    def varied(self) -> tuple[str, ...]:
        """Axes on which the designs differ by declaration, not by what follows from others."""
        return tuple(a for a in Design.AXES if a in self.axes or any(a in s for s in self.settings))

    def designs(self) -> tuple[Design, ...]:
        """The designs of the grid, in a stable order, those of one setting together."""
        chosen = self.combinations()
        if self.fraction is not None:
            chosen = _balanced(chosen, self.fraction)
        return tuple(
            self.made({**setting, **_named(self.axes, levels)})
            for setting in self.settings or ({},)
            for levels in chosen
        )

    def made(self, levels: Mapping[str, Any]) -> Design:
        """The base design with some levels changed, and what follows from them."""
        design = dataclasses.replace(self.base, **levels)
        return self.follow(design) if self.follow else design


def _named(axes: Iterable[str], levels: Iterable[Level]) -> dict[str, Any]:
    return dict(zip(axes, levels, strict=True))


def _balanced(rows: list[tuple[Level, ...]], count: int) -> list[tuple[Level, ...]]:
    """Greedy choice of `count` rows that keeps levels, then pairs of levels, evenly used."""
    used: Counter[tuple] = Counter()
    left, chosen = list(range(len(rows))), []

    def parts(index: int) -> tuple[list[tuple], list[tuple]]:
        singles = list(enumerate(rows[index]))
        return singles, list(itertools.combinations(singles, 2))

    def crowding(index: int) -> tuple[int, int, int, int]:
        singles, pairs = parts(index)
        counts = [used[key] for key in singles]
        # Ties are visited with a stride, because neighbours in a factorial share most levels.
        return max(counts), sum(counts), sum(used[key] for key in pairs), index * 7 % len(rows)

    for _ in range(count):
        best = min(left, key=crowding)
        left.remove(best)
        chosen.append(best)
        used.update(itertools.chain(*parts(best)))
    return [rows[index] for index in sorted(chosen)]


@dataclass(frozen=True)
class Invalid:
    """A cell that cannot be trained, and why."""

    cell: Cell
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Designs, how long each is trained and how it is examined."""

    grid: Grid
    samples: tuple[int, ...]
    protocols: tuple[Protocol, ...] = (Protocol(),)

    def protocols_of(self, design: Design) -> tuple[Protocol, ...]:
        """Those that differ for this design: its own sampling is not examined twice."""
        return tuple(p for p in self.protocols if p.sampling != design.sampling)


@dataclass(frozen=True)
class Study:
    """A question, a hypothesis and the cells that answer it. One file under `experiments/`."""

    question: str
    hypothesis: str
    grid: Grid
    """The designs that are compared, with the public towers' levels where there is `tiny`."""
    sizes: tuple[str, ...]
    samples: tuple[int, ...]
    """Training conversations: the data-size ladder, ascending."""
    target: str | None = None
    """Size the decisions are made for; None for the largest."""
    seeds: int = 1
    """Seeds of every design."""
    reseeded: int = 0
    """Designs, spread evenly over the grid, that get one seed more."""
    world: str = "world"
    """Recipe of the built-in world the cells are trained on, unless data from outside is given."""
    protocols: tuple[Protocol, ...] = (Protocol(),)
    """How every training is examined; more than one gives each training several scores."""
    tiny: Comparison | None = None
    """What stands for all that at the rows that are trained from scratch; None for the same."""
    equal: Equal = Equal.SAMPLES
    """What every design is given as much of as the base design."""
    rows: Mapping[str, Size] = field(default_factory=dict)
    """Rows of the ladder that the study changes, by name."""
    steps: int | None = None
    """Optimiser steps of every cell, at least one a stage, instead of what its samples make."""
    rates: tuple[float, ...] = (1.0,)
    """Learning rates that every design is trained at, as multiples of the size row's."""

    def __post_init__(self) -> None:
        for part in self._comparisons:
            if part.grid.varied != self.grid.varied:
                raise ValueError(
                    f"study: its grid varies {', '.join(self.grid.varied)}, but its tiny "
                    f"counterpart {', '.join(part.grid.varied)}"
                )
            if part.protocols[:1] != (Protocol(),) or len(set(part.protocols)) < len(
                part.protocols
            ):
                raise ValueError(
                    "study: protocols begin with the one as trained, and none is twice"
                )
        for name in (*self.sizes, *([self.target] if self.target else [])):
            size_row(name)
        check_distinct(self.sizes)
        if list(self.sizes) != sorted(set(self.sizes), key=NAMES.index):
            raise ValueError(f"study: sizes {', '.join(self.sizes)} are not in ascending order")
        if self.seeds < 1 or not 0 <= self.reseeded <= min(
            len(part.grid.designs()) for part in self._comparisons
        ):
            raise ValueError("study: needs at least one seed and no more reseeded than designs")

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes on which the designs differ: they name the variants and are the factors."""
        return self.grid.varied

    @property
    def target_size(self) -> str:
        """Declared target, else the largest size."""
        return self.target or self.sizes[-1]

    def cells(
        self,
        data: str,
        eval_data: str,
        sizes: tuple[str, ...] | None = None,
        seeds: int | None = None,
        samples: tuple[int, ...] | None = None,
        init: Init = Init.PRETRAINED,
    ) -> list[Cell]:
        """Every cell of the study, target size first so that a broken design shows early.

        Cells that differ in nothing but their protocol share one training.

        Args:
            data: fingerprint of the training data.
            eval_data: fingerprint of the evaluation data.
            sizes: rows to use instead of the declared ones.
            seeds: number of seeds of every design instead of the declared ones.
            samples: data-size ladder instead of the declared one.
            init: where the first weights come from.

        Raises:
            ValueError: an unknown size, two of equal parameters, or two cells with one id.
        """
        check_distinct(sizes or self.sizes)
        found = [
            cell
            for name in reversed(sizes or self.sizes)
            for size in [self.rows.get(name) or size_row(name)]
            for cell in self._cells_at(size, data, eval_data, seeds, samples, init)
        ]
        ids = [cell.score_id for cell in found]
        if len(set(ids)) < len(ids):
            raise ValueError("study: two cells have the same id; a level or a size is listed twice")
        return found

    @property
    def _comparisons(self) -> tuple[Comparison, ...]:
        own = Comparison(self.grid, self.samples, self.protocols)
        return (own,) if self.tiny is None else (own, self.tiny)

    def _cells_at(
        self, size: Size, data: str, eval_data: str, seeds: int | None,
        samples: tuple[int, ...] | None, init: Init,
    ) -> Iterator[Cell]:  # fmt: skip
        part = self._comparisons[-1 if size.tiny_towers else 0]

        def cell(design: Design, count: int, seed: int) -> Cell:
            towers = _first_weights(design, size, init)
            made = Cell(design, size, count, seed, data, eval_data, towers, init)
            if self.steps is None:
                return made
            steps = max(self.steps, len(design.schedule.stages))
            return dataclasses.replace(made, samples=steps * size.batch, steps=steps)

        for at in range(len(part.protocols)):
            for count in (samples or part.samples)[: None if self.steps is None else 1]:
                base = cell(part.grid.made({}), count, 0)
                for seed, design in self._seeded(part.grid, seeds):
                    if at < len(protocols := part.protocols_of(design)):
                        made = cell(design, count, seed)
                        if self.steps is None:
                            made = matched(made, base, self.equal)
                        for rate in self.rates:
                            yield dataclasses.replace(made, protocol=protocols[at], lr_scale=rate)

    def _seeded(self, grid: Grid, seeds: int | None) -> Iterator[tuple[int, Design]]:
        designs = grid.designs()
        for seed in range(seeds or self.seeds):
            yield from ((seed, design) for design in designs)
        if seeds is None and self.reseeded:
            step = len(designs) / self.reseeded
            for k in range(self.reseeded):
                yield self.seeds, designs[int((k + 0.5) * step)]


def _first_weights(design: Design, size: Size, init: Init) -> str:
    """Fingerprint of the encoder's first weights: shipped files, published checkpoints, or none."""
    return content_id([_named_weights(tower, size, init) for tower in design.encoder.towers])


def _named_weights(tower: Tower, size: Size, init: Init) -> str:
    if init is Init.RANDOM:
        return "random"
    try:
        shape = tower_shape(tower, size.tiny_towers)
    except ValueError:
        return "none"  # the plan finds such cells invalid, with the reason
    return shape.hub_id or weights_hash(tower)


Check = Callable[[Cell], str | None]
"""A constraint between axes: the reason why a cell cannot be trained, or None."""


def split_valid(cells: list[Cell], checks: tuple[Check, ...]) -> tuple[list[Cell], list[Invalid]]:
    """Cells that pass every check, and the others with the first reason against them."""
    valid, invalid = [], []
    for cell in cells:
        reason = next((why for check in checks if (why := check(cell))), None)
        if reason:
            invalid.append(Invalid(cell, reason))
        else:
            valid.append(cell)
    return valid, invalid
