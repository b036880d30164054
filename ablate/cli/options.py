"""What several verbs share: options, the terminal, and the plan of a chosen study."""

from typing import Any

import click
from rich.console import Console

from ablate.grid import Study
from ablate.plan import Counts, Plan, make_plan
from ablate.store import RunStore
from ablate.tasks import CATEGORIES
from ablate.world.recipe import RECIPES, Recipe, fingerprint

console = Console(highlight=False)


def comma(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Option callback: the parts of a list with commas."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def study_options(command: Any) -> Any:
    """The options that choose the cells of a study."""
    for option in (
        click.option("--samples", callback=comma, help="Training conversations, with commas."),
        click.option("--seeds", type=click.IntRange(1), help="Seeds of every design."),
        click.option("--size", callback=comma, help="Rows of the size ladder, with commas."),
        click.option("--store", default="store", show_default=True, help="Folder of all results."),
        click.option(
            "--study", default="consistency", show_default=True, help="File of experiments/."
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
) -> tuple[Study, Plan]:
    """The study that `study_options` chose, and its plan.

    Raises:
        ValueError: an unknown study or size, or samples that are no numbers.
    """
    import experiments

    loaded = experiments.load(study)
    recipe = RECIPES[loaded.world]
    for text in samples:
        if not text.isdigit() or int(text) < 1:
            raise ValueError(f"--samples: {text!r} is not a positive whole number")
    cells = loaded.cells(
        fingerprint(recipe, "train"),
        fingerprint(recipe, "test"),
        sizes=size or None,
        seeds=seeds,
        samples=tuple(int(text) for text in samples) or None,
    )
    counts = Counts(recipe.train_videos, recipe.test_videos * len(CATEGORIES))
    return loaded, make_plan(cells, RunStore(store), counts)


def make_world(recipe: Recipe, store: RunStore, workers: int) -> None:
    """Generate what is missing of a built-in dataset, with progress."""
    from ablate.console import generation_progress
    from ablate.world.generate import generate

    generate(recipe, store.data_root, workers, generation_progress(console, "built-in videos"))
