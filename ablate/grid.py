"""What a study compares: axes and levels become designs, designs become cells."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablate.axes import Level, Tower
from ablate.sizes import NAMES, check_distinct, size_row
from ablate.spec import Cell, Design, Init, Size, content_id
from ablate.tasks import CATEGORIES
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

    def __post_init__(self) -> None:
        for axis, levels in self.axes.items():
            if axis not in Design.AXES:
                raise ValueError(f"unknown axis {axis!r}; choose from {', '.join(Design.AXES)}")
            if len(set(levels)) < len(levels):
                raise ValueError(f"axis {axis}: a level is listed twice")
        total = len(self.combinations())
        if self.fraction is not None and not 0 < self.fraction <= total:
            raise ValueError(f"fraction {self.fraction} is not between 1 and {total} combinations")

    def combinations(self) -> list[tuple[Level, ...]]:
        """The full factorial, first axis slowest."""
        return list(itertools.product(*self.axes.values()))

    def designs(self) -> tuple[Design, ...]:
        """The designs of the grid, in a stable order."""
        chosen = self.combinations()
        if self.fraction is not None:
            chosen = _balanced(chosen, self.fraction)
        return tuple(
            dataclasses.replace(self.base, **_named(self.axes, levels)) for levels in chosen
        )


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
class Study:
    """A question, a hypothesis and the cells that answer it. One file under `experiments/`."""

    question: str
    hypothesis: str
    grid: Grid
    sizes: tuple[str, ...]
    samples: tuple[int, ...]
    """Training conversations: the data-size ladder, ascending."""
    target: str | None = None
    """Size the decisions are made for; None for the largest."""
    seeds: int = 1
    """Seeds of every design."""
    reseeded: int = 0
    """Designs, spread evenly over the grid, that get one seed more."""
    told_apart: int = len(CATEGORIES)
    """Question categories that the signal check asks to tell the designs apart."""
    world: str = "world"
    """Recipe of the built-in world the cells are trained on, unless data from outside is given."""

    def __post_init__(self) -> None:
        for name in (*self.sizes, *([self.target] if self.target else [])):
            size_row(name)
        check_distinct(self.sizes)
        if list(self.sizes) != sorted(set(self.sizes), key=NAMES.index):
            raise ValueError(f"study: sizes {', '.join(self.sizes)} are not in ascending order")
        if self.seeds < 1 or not 0 <= self.reseeded <= len(self.grid.designs()):
            raise ValueError("study: needs at least one seed and no more reseeded than designs")

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes on which the designs differ: they name the variants and are the factors."""
        return tuple(axis for axis in Design.AXES if axis in self.grid.axes)

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
            Cell(
                design, size, count, seed, data, eval_data, _first_weights(design, size, init), init
            )
            for size in (size_row(name) for name in reversed(sizes or self.sizes))
            for count in samples or self.samples
            for seed, design in self._seeded(seeds)
        ]
        ids = [cell.score_id for cell in found]
        if len(set(ids)) < len(ids):
            raise ValueError("study: two cells have the same id; a level or a size is listed twice")
        return found

    def _seeded(self, seeds: int | None) -> Iterator[tuple[int, Design]]:
        designs = self.grid.designs()
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
