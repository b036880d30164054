"""What several verbs share: options, the terminal, and the plan of a chosen study."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

from ablate.cli.completion import sizes, studies
from ablate.cli.given import BUILT_IN, built_in, from_outside, outside_data
from ablate.grid import Study
from ablate.plan import Plan, make_plan
from ablate.rehearsal import rehearsed
from ablate.sizes import size_row
from ablate.spec import Cell, Init
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, Recipe

console = Console(highlight=False)


def comma(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Option callback: the parts of a list with commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def study_options(command: Any) -> Any:
    """The options that choose the cells of a study, and what they are trained on."""
    data = click.option(
        "--data", default=BUILT_IN, show_default=True, help="`world`, or a YAML file of sources."
    )
    return data(cell_options(command))


def cell_options(command: Any) -> Any:
    """The options that choose the cells of a study."""
    for option in (
        click.option(
            "--init",
            type=click.Choice([str(init) for init in Init]),
            default=str(Init.PRETRAINED),
            show_default=True,
            help="Where first weights come from.",
        ),
        click.option(
            "--steps", type=click.IntRange(1), help="Optimiser steps of every cell, for rehearsals."
        ),
        click.option(
            "--rates",
            callback=comma,
            help="Multiples of the learning rates, with commas: 0.5,1,2 checks the rule.",
        ),
        click.option("--samples", callback=comma, help="Training conversations, with commas."),
        click.option("--seeds", type=click.IntRange(1), help="Seeds of every design."),
        click.option(
            "--size",
            callback=comma,
            shell_complete=sizes,
            help="Rows of the size ladder, with commas.",
        ),
        click.option("--store", default="store", show_default=True, help="Folder of all results."),
        click.option(
            "--study",
            default="consistency",
            show_default=True,
            shell_complete=studies,
            help="File of experiments/.",
        ),
    ):
        command = option(command)
    return command


def chosen_plan(
    study: str,
    store: str,
    size: tuple[str, ...],
    seeds: int | None,
    samples: tuple[str, ...],
    data: str,
    init: str = str(Init.PRETRAINED),
    steps: int | None = None,
    rates: tuple[str, ...] = (),
) -> tuple[Study, Plan]:
    """The study that `study_options` chose, and its plan.

    Raises:
        ValueError: an unknown study or size, samples that are no numbers, or data that cannot be
            used.
    """
    loaded, cells_on = chosen_cells(study, size, seeds, samples, init, steps, rates)
    kept = RunStore(store)
    if data == BUILT_IN:
        given = built_in(RECIPES[loaded.world])
    else:
        given = from_outside(outside_data(data, kept, cells_on("", "")))
    cells = cells_on(given.train, given.test)
    return loaded, make_plan(cells, kept, given.counts, given.checks, given.notes)


def chosen_cells(
    study: str,
    size: tuple[str, ...],
    seeds: int | None,
    samples: tuple[str, ...],
    init: str = str(Init.PRETRAINED),
    steps: int | None = None,
    rates: tuple[str, ...] = (),
) -> tuple[Study, Callable[[str, str], list[Cell]]]:
    """The study that `cell_options` chose, and its cells on any training and test data.

    Raises:
        ValueError: an unknown study or size, or samples or rates that are no numbers.
    """
    import experiments

    loaded = experiments.load(study)
    for text in samples:
        if not text.isdigit() or int(text) < 1:
            raise ValueError(f"--samples: {text!r} is not a positive whole number")
    names = size or loaded.sizes
    if init == Init.RANDOM and any(size_row(name).weights for name in names):
        loaded = rehearsed(loaded, names, steps)
    elif steps is not None:
        loaded = dataclasses.replace(loaded, steps=steps)
    if rates:
        loaded = dataclasses.replace(loaded, rates=_rates(rates))

    def cells(train: str, test: str) -> list[Cell]:
        return loaded.cells(
            train, test, sizes=size or None, seeds=seeds,
            samples=tuple(int(text) for text in samples) or None, init=Init(init),
        )  # fmt: skip

    return loaded, cells


def _rates(texts: tuple[str, ...]) -> tuple[float, ...]:
    try:
        found = tuple(map(float, texts))
    except ValueError:
        found = ()
    if 1 not in found or not all(0 < rate < math.inf for rate in found):
        raise ValueError(
            f"--rates: {','.join(texts)} are not positive numbers with 1, the ladder's own, among "
            "them"
        )
    return found


def make_world(recipe: Recipe, store: RunStore, workers: int) -> None:
    """Generate what is missing of a built-in dataset, with progress."""
    from ablate.console import generation_progress
    from ablate.world.generate import generate

    generate(recipe, store.data_root, workers, generation_progress(console, "built-in videos"))
