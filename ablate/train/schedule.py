"""Resolves a cell's schedule to steps, samples and learning rates. Standard library only."""

from dataclasses import dataclass

from ablate.axes import StageData
from ablate.spec import Cell


@dataclass(frozen=True)
class ResolvedStage:
    """One call of `Trainer.fit`."""

    index: int
    first_step: int
    steps: int
    batch: int
    """Conversations per step."""
    rates: dict[str, float]
    """Learning rate of every part that is trained; the others are frozen."""
    trained: frozenset[str]
    """Parts that are trained in this stage or were in an earlier one."""
    data: StageData

    @property
    def start(self) -> int:
        """Number of the first sample."""
        return self.first_step * self.batch

    @property
    def stop(self) -> int:
        """Number after the last sample."""
        return (self.first_step + self.steps) * self.batch


def total_steps(cell: Cell) -> int:
    """Optimiser steps of the whole run: whole batches of the samples, or the declared number.

    Raises:
        ValueError: fewer steps than stages.
    """
    steps = cell.samples // cell.size.batch if cell.steps is None else cell.steps
    stages = len(cell.design.schedule.stages)
    if steps < stages:
        raise ValueError(
            f"{cell.samples} samples make {steps} steps of {cell.size.batch}, "
            f"fewer than the {stages} stages of the schedule"
        )
    return steps


def resolve(cell: Cell) -> tuple[ResolvedStage, ...]:
    """The stages with their shares rounded to steps, at least one step each.

    Raises:
        ValueError: fewer steps than stages.
    """
    stages = cell.design.schedule.stages
    steps, size = total_steps(cell), cell.size
    base = {"vision": size.lr_vision, "connector": size.lr_connector, "llm": size.lr_llm}
    resolved, done, share, trained = [], 0, 0.0, frozenset[str]()
    for index, stage in enumerate(stages):
        share += stage.share
        left_for_later = len(stages) - index - 1
        end = min(max(round(steps * share), done + 1), steps - left_for_later)
        rates = {
            part: base[part] * getattr(stage, part) * cell.lr_scale for part in stage.trainable
        }
        trained |= rates.keys()
        resolved.append(
            ResolvedStage(index, done, end - done, size.batch, rates, trained, stage.data)
        )
        done = end
    return tuple(resolved)
