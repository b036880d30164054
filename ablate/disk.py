"""Keeps the weights and checkpoints of a store within a budget, and off a full disk."""

import errno
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ablate.cost import parameters
from ablate.lease import holder
from ablate.spec import Cell

RESERVE = 10_000_000
"""Bytes that stay free for records and reasons."""
BUDGET = 50_000_000_000
"""Bytes that the weights and checkpoints of a store may take by default."""


@dataclass(frozen=True)
class Footprint:
    """Most bytes that runs take."""

    weights: int
    """Of all runs, once they are finished."""
    checkpoints: int
    """Of the largest run while it trains: its last checkpoint and the one that replaces it."""


def footprint(cells: Iterable[Cell]) -> Footprint:
    """What the trainings of `cells` leave at most: single-precision weights, two Adam moments."""
    weights, checkpoints = {}, [0]
    for cell in cells:
        counts = parameters(cell.design, cell.size)
        stages = [stage.trainable for stage in cell.design.schedule.stages]
        trained = 4 * sum(counts[part] for part in set().union(*stages))
        moments = 8 * max(sum(counts[part] for part in stage) for stage in stages)
        weights[cell.train_id] = trained
        checkpoints.append(2 * (trained + moments))
    return Footprint(sum(weights.values()), max(checkpoints))


class Disk:
    """Room for the large files of `runs/`.

    Where the budget is used up, the weights of finished runs go, oldest first: their records stay,
    and only a new way of examining them would have to train again. Then the checkpoints go of runs
    that no process is at.
    """

    def __init__(self, runs: Path, budget: int = BUDGET) -> None:
        self.runs, self.budget = runs, budget

    def make_room(self, needed: int) -> None:
        """Make sure that `needed` bytes can be written.

        Two processes that ask at once may go beyond the budget by what one of them writes.

        Raises:
            OSError: the disk has too little free space, or the budget holds nothing else to drop.
        """
        free = shutil.disk_usage(self.runs).free
        if free < needed + RESERVE:
            words = f"{human_bytes(needed)} are needed and {human_bytes(free)} free on"
            raise _no_space(words, self.runs)
        excess = self.used() + needed - self.budget
        for path in self._droppable() if excess > 0 else ():
            excess -= path.stat().st_size
            path.unlink()
            if excess <= 0:
                break
        if excess > 0:
            words = f"{human_bytes(needed)} exceed the budget of {human_bytes(self.budget)} for"
            raise _no_space(words, self.runs)

    def used(self) -> int:
        """Bytes that weights and checkpoints take."""
        return sum(path.stat().st_size for path in self._large("*"))

    def _droppable(self) -> list[Path]:
        weights, checkpoints = [], []
        for run in self.runs.iterdir():
            if holder(run) is None:
                finished = any(run.glob("*/record.json"))
                weights += self._large(run.name) if finished else []
                checkpoints += [] if finished else self._large(run.name)
        return [*sorted(weights, key=_age), *sorted(checkpoints, key=_age)]

    def _large(self, run: str) -> list[Path]:
        return [
            path
            for pattern in ("weights.safetensors", "checkpoint-*.pt")
            for path in self.runs.glob(f"{run}/{pattern}")
        ]


def _age(path: Path) -> float:
    return path.stat().st_mtime


def human_bytes(count: float) -> str:
    """An amount of storage in the unit that suits it."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.3g} {unit}"
    return f"{count:.0f} bytes"


def _no_space(words: str, runs: Path) -> OSError:
    return OSError(errno.ENOSPC, f"no space left: {words} {runs}; free some and call again")
