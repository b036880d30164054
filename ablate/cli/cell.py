"""The verb that runs one cell."""

import json
from pathlib import Path

import click

from ablate.cli.options import console, make_world
from ablate.spec import Cell, from_dict
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, fingerprint


@click.command()
@click.argument("cell_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--store", default="store", show_default=True, help="Folder of all results.")
def run(cell_file: Path, store: str) -> None:
    """Run one cell, described by its JSON, in this process without Ray."""
    from ablate.run import Job, run_cell

    cell = _read_cell(cell_file)
    kept = RunStore(store)
    kept.prepare()
    for recipe in RECIPES.values():
        if fingerprint(recipe, "train") == cell.data:
            make_world(recipe, kept, 1)
    steps = cell.samples // cell.size.batch

    def report(step: int, loss: float) -> None:
        if step % 50 == 0 or step == steps - 1:
            console.print(f"step {step + 1} of {steps}, loss {loss:.3f}")

    record = run_cell(cell, Job(str(kept.root.resolve())), report)
    for category, score in record["scores"].items():
        console.print(f"{category:12} {score['accuracy']:.3f} ± {score['se']:.3f}")


def _read_cell(path: Path) -> Cell:
    try:
        cell = from_dict(json.loads(path.read_bytes()))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(cell, Cell):
        raise ValueError(f"{path}: describes no cell")
    return cell
