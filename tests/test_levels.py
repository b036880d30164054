"""Every level of every axis trains two steps on real video, and matters; generated from the axes.

Levels of the public towers that are too large for the closed context are planned instead.
"""

import dataclasses
import math
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import experiments
from ablate.axes import (
    Connector,
    ConnectorKind,
    Encoder,
    ImagePath,
    Integration,
    IntegrationKind,
    Level,
    Still,
    Tower,
)
from ablate.models.build import build_model
from ablate.plan import check_cell
from ablate.run import run_cell
from ablate.sizes import size_row
from ablate.spec import Cell, Design
from ablate.store import RunStore
from ablate.towers import TINY
from tests.cells import BASE, job, new_store, small_cell

PAIR = (Tower.SIGLIP, Tower.VIDEOMAE)
KINDS: dict[str, tuple[Level, ...]] = {
    "sampling": (Still(4),),
    "encoder": (
        *(Encoder((tower,)) for tower in TINY),
        *(Encoder(PAIR, path) for path in ImagePath),
    ),
    "connector": tuple(Connector(kind, 4) for kind in ConnectorKind),
    "integration": tuple(Integration(kind) for kind in IntegrationKind),
}
"""Every kind there is, whether a study compares it or not."""


def _levels(tiny: bool) -> list[tuple[str, Level]]:
    """Axis and level of all that studies compare at small rows, or at rows with public towers."""
    found = {(axis, level) for axis, levels in KINDS.items() if tiny for level in levels}
    for name in experiments.names():
        study = experiments.load(name)
        compared = study.tiny if tiny and study.tiny else study
        for grid_levels in (compared.grid.axes, *compared.grid.settings):
            for axis, levels in grid_levels.items():
                several = levels if isinstance(levels, tuple) else (levels,)
                found |= {(axis, level) for level in several}
    return sorted(found, key=lambda pair: (pair[0], pair[1].label))


def _fits(axis: str, level: Level) -> bool:
    design = dataclasses.replace(BASE, **{axis: level})
    return check_cell(dataclasses.replace(small_cell(), design=design)) is None


TRAINED = [
    (axis, level)
    for axis, level in _levels(tiny=True)
    if level != getattr(BASE, axis) and _fits(axis, level)
]


@cache
def _two_steps(design: Design, store: Path) -> tuple[tuple[float, ...], Cell]:
    """Losses and cell of a run of two or, where a schedule needs more, three steps."""
    cell = small_cell(design, steps=max(2, len(design.schedule.stages)))
    losses: list[float] = []
    run_cell(cell, job(store), lambda _, loss: losses.append(loss))
    return tuple(losses), cell


def _moved(cell: Cell, store: Path) -> dict[str, bool]:
    """Which parts have left their first weights."""
    built = build_model(cell.design, cell.size, cell.init, cell.stream("init"))
    first = {name: value.clone() for name, value in built.state_dict().items()}
    built.load_state_dict(load_file(RunStore(store).weights_path(cell)), strict=False)
    names = {id(parameter): name for name, parameter in built.named_parameters()}
    return {
        part: any(not torch.equal(p, first[names[id(p)]]) for p in parameters)
        for part, parameters in built.parts().items()
    }


@pytest.fixture(scope="module")
def store(smoke_store: Path, tmp_path_factory) -> Path:
    return new_store(tmp_path_factory.mktemp("levels"), smoke_store)


@pytest.mark.parametrize(
    ("axis", "level"), TRAINED, ids=lambda value: getattr(value, "label", value)
)
def test_every_level_trains_what_its_schedule_says(axis: str, level: Level, store: Path) -> None:
    design = dataclasses.replace(BASE, **{axis: level})
    losses, cell = _two_steps(design, store)
    assert all(map(math.isfinite, losses))
    assert cell.train_id != small_cell().train_id
    learning = {part for stage in design.schedule.stages for part in stage.trainable}
    assert _moved(cell, store) == {
        part: part in learning for part in ("vision", "connector", "llm")
    }


@pytest.mark.parametrize("axis", Design.AXES)
def test_levels_of_an_axis_differ(axis: str, store: Path) -> None:
    """In their first loss; schedules, which only differ from then on, in all of them."""
    seen = {}
    for level in (getattr(BASE, axis), *(one for name, one in TRAINED if name == axis)):
        losses, cell = _two_steps(dataclasses.replace(BASE, **{axis: level}), store)
        trained = RunStore(store).weights_path(cell).read_bytes() if axis == "schedule" else b""
        seen[level] = (losses[0], trained)
    assert len(seen) > 1 and len(set(seen.values())) == len(seen), seen


@pytest.mark.parametrize("axis", Design.AXES)
def test_levels_of_public_towers_are_planned(axis: str) -> None:
    """One by one in the design that the studies depart from."""
    base = experiments.load("connectors").grid.base
    levels = [level for name, level in _levels(tiny=False) if name == axis]
    assert levels
    for level in levels:
        cell = small_cell(size=size_row("3B"), samples=750_000)
        design = dataclasses.replace(base, **{axis: level})
        reason = check_cell(dataclasses.replace(cell, design=design))
        assert reason is None or "clips of 4 frames" in reason, (level, reason)
