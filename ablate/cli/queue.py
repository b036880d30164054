"""A plan as command lines, for a queue that runs them wherever the store can be seen."""

import shlex
from collections.abc import Sequence

import click

from ablate.cli.given import BUILT_IN, outside_data
from ablate.sizes import LADDER
from ablate.spec import Cell
from ablate.store import RunStore


def print_commands(cells: Sequence[Cell], store: RunStore, data: str) -> None:
    """One `ablate run` line for every training, with all its cells; any shell reads it alike.

    What the lines need is left in the store: the cells' descriptions, and where their data lie.

    Args:
        cells: to be run.
        store: where they and their results lie.
        data: `world`, or a YAML file of sources.

    Raises:
        ValueError: files have not been checked, or a size is there to plan with only.
    """
    check_trainable(cells)
    root = store.root.resolve()
    if not str(root).isprintable():
        raise ValueError(f"store {str(root)!r}: no path for a line of a shell")
    if cells and data != BUILT_IN:
        given = outside_data(data, store, cells)
        if left := len(given.unchecked()):
            raise ValueError(
                f"--commands: {left:,} files are still to be checked, and what they hold is part "
                f"of every cell's id; `ablate data check {data}` comes first"
            )
        given.freeze()
    trainings: dict[str, list[Cell]] = {}
    for cell in cells:
        trainings.setdefault(cell.train_id, []).append(cell)
    for same in trainings.values():
        path = RunStore(root).describe(same)
        click.echo(shlex.join(["ablate", "run", str(path), "--store", str(root)]))


def check_trainable(cells: Sequence[Cell]) -> None:
    """Make sure that every cell is of a size that can be trained.

    Raises:
        ValueError: one is not; it lists those that are.
    """
    for cell in cells:
        if cell.size.plan_only:
            raise ValueError(
                f"size {cell.size.name} is there to plan with; choose from "
                f"{', '.join(size.name for size in LADDER if not size.plan_only)}"
            )
