"""A rehearsal: a study's whole path at a row with published weights, but with random ones.

The architecture is the true one and the towers see frames of their true size, but little else is
left of the study, so that a machine without a GPU can go through with it: a few designs that differ
most, a few clips, one conversation a step. All of that is in the cells' ids, as are the random
weights and the steps: a rehearsal is never taken for a result. Standard library only.
"""

import dataclasses
from collections.abc import Sequence

from ablate.axes import Fps, Uniform
from ablate.cost import trainable_parameters
from ablate.grid import Grid, Study
from ablate.sizes import size_row
from ablate.spec import Cell, Design, Init, Protocol, Size

WORLD = "world-rehearsal"
"""Recipe with a handful of videos and one question a category."""
DESIGNS, CLIPS, STEPS = 3, 2, 2


def is_rehearsal(cell: Cell) -> bool:
    """Whether random weights stand where the cell's row has published ones."""
    return cell.init is Init.RANDOM and cell.size.weights is not None


def rehearsed(study: Study, names: Sequence[str], steps: int | None = None) -> Study:
    """The study as it is rehearsed at the rows called `names`.

    Args:
        study: what is rehearsed.
        names: rows with published weights.
        steps: optimiser steps of a cell; at least one for each of its stages.

    Raises:
        ValueError: a row has no published weights, or an unknown name.
    """
    rows = {name: size_row(name) for name in names}
    if scratch := [name for name, row in rows.items() if row.weights is None]:
        raise ValueError(
            f"size {scratch[0]} is trained from scratch: rehearse "
            f"{', '.join(name for name in names if name not in scratch) or 'others'} apart from it"
        )
    short = dict.fromkeys(_shortened(design) for design in study.grid.designs())
    designs = _far_apart(list(short), next(iter(rows.values())))
    differ = [axis for axis in Design.AXES if len({getattr(one, axis) for one in designs}) > 1]
    return dataclasses.replace(
        study,
        grid=Grid(
            designs[0],
            {},
            settings=tuple({axis: getattr(one, axis) for axis in differ} for one in designs),
        ),
        sizes=tuple(names),
        rows={name: dataclasses.replace(row, batch=1) for name, row in rows.items()},
        target=None,
        samples=(steps or STEPS,),
        steps=steps or STEPS,
        seeds=1,
        reseeded=0,
        protocols=(Protocol(),),
        tiny=None,
        world=WORLD,
    )


def _shortened(design: Design) -> Design:
    """The design with at most `CLIPS` clips of a video."""
    sampling = design.sampling
    match sampling:
        case Uniform():
            frames = min(sampling.frames, CLIPS * sampling.frames_per_clip)
            sampling = dataclasses.replace(sampling, frames=frames)
        case Fps():
            sampling = dataclasses.replace(sampling, max_clips=min(sampling.max_clips, CLIPS))
    return dataclasses.replace(design, sampling=sampling)


def _far_apart(designs: Sequence[Design], size: Size) -> list[Design]:
    """First one that trains the towers, if any does, then always the one least like the chosen."""
    left = sorted(designs, key=lambda design: _order(design, size))
    chosen = [left.pop(0)]
    while left and len(chosen) < DESIGNS:
        farthest = max(left, key=lambda design: min(_distance(design, one) for one in chosen))
        left.remove(farthest)
        chosen.append(farthest)
    return chosen


def _order(design: Design, size: Size) -> tuple[bool, int, int]:
    """Towers that learn first, several before one, and then what trains least at once."""
    towers = len(design.encoder.towers)
    return not design.schedule.trains_vision, -towers, trainable_parameters(design, size)


def _distance(one: Design, other: Design) -> int:
    """Axes on which two designs differ."""
    return sum(getattr(one, axis) != getattr(other, axis) for axis in Design.AXES)
