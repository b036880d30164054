"""Cells of the smoke world that train in a second, and stores that share its files."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import experiments
from ablate.sizes import size_row
from ablate.spec import Cell, Design, Execution, content_id
from ablate.towers import weights_hash
from ablate.world.recipe import RECIPES, fingerprint
from experiments import baseline_tiny
from experiments.baseline import SIGLIP

if TYPE_CHECKING:
    from ablate.run import Job

WORLD = RECIPES["world-smoke"]
SIZE = dataclasses.replace(
    size_row("10K"), batch=16, lr_vision=1.5e-3, lr_connector=6e-3, lr_llm=6e-3
)
"""A row with a batch and rates of its own: tuning the ladder must not move golden losses."""
SAMPLES = 64
BASE = dataclasses.replace(baseline_tiny.BASE, encoder=SIGLIP)
"""The design of most cells: one tower makes them faster."""


def small_cell(design: Design = BASE, samples: int = SAMPLES, **changes) -> Cell:
    """A cell of `design` at `SIZE` on the smoke world: four steps, unless `samples` says else."""
    return Cell(
        design,
        changes.pop("size", SIZE),
        samples,
        changes.pop("seed", 0),
        fingerprint(WORLD, "train"),
        fingerprint(WORLD, "test"),
        content_id([weights_hash(tower) for tower in design.encoder.towers]),
        **changes,
    )


def new_store(folder: Path, data_of: Path, *, share_cache: bool = True) -> Path:
    """A store without runs on the data, and the cached frames and features, of another one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").symlink_to(data_of / "data")
    if share_cache:
        (data_of / "cache").mkdir(exist_ok=True)
        (folder / "cache").symlink_to(data_of / "cache")
    return folder


def job(store: Path, **execution) -> "Job":
    # Who only needs cells waits for no torch.
    from ablate.run import Job

    return Job(str(store), Execution(**execution))


def silent(*_: object) -> None:
    """Takes a report and drops it."""


FEW = ("--study", "smoke", "--samples", "48")
"""Options that choose cells which train in a second."""


def few_cells() -> list[Cell]:
    """The cells that `FEW` chooses."""
    data = fingerprint(WORLD, "train"), fingerprint(WORLD, "test")
    return experiments.load("smoke").cells(*data, samples=(48,))
