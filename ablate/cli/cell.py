"""The verb that runs one cell."""

import json
from pathlib import Path

import click
from rich.text import Text

from ablate.cli.data import check_data
from ablate.cli.execution import How, execution_options
from ablate.cli.given import outside_data
from ablate.cli.options import console, make_world
from ablate.data.guard import Limits
from ablate.pace import Pace
from ablate.spec import Cell, from_dict
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, fingerprint


@click.command()
@click.argument("cell_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--store", default="store", show_default=True, help="Folder of all results.")
@click.option("--data", help="YAML file of sources, where the cell's are not in the store.")
@execution_options
def run(cell_file: Path, store: str, data: str | None, how: How) -> int:
    """Run one cell, described by its JSON, in this process without Ray.

    A cell that is done is not run again, one that failed is; what it left goes on from there.
    """
    from ablate.worker import work

    cell = _read_cell(cell_file)
    kept = RunStore(store)
    kept.prepare()
    _provide_data(cell, kept, data)

    def report(pace: Pace) -> None:
        if pace.step % 50 == 1 or pace.step == pace.steps:
            console.print(f"step {pace.step} of {pace.steps}, loss {pace.loss:.3f}")

    kept.forget_failure(cell)
    failures = work([cell], how.job(kept), report)
    record = kept.record(cell)
    if record is None:
        why = failures.get(cell.score_id) or f"{kept.holder(cell) or 'another process'} is at it"
        console.print(Text(f"not done: {why}"), soft_wrap=True)
        return 1
    for category, score in record["scores"].items():
        console.print(f"{category:12} {score['accuracy']:.3f} ± {score['se']:.3f}")
    return 0


def _provide_data(cell: Cell, store: RunStore, data: str | None) -> None:
    """Makes sure that the store has the cell's data, or knows where they lie."""
    if data is not None:
        given = outside_data(data, store, [cell])
        check_data(given, Limits())
        for half, wanted in ((given.train, cell.data), (given.test, cell.eval_data)):
            if half.fingerprint != wanted:
                raise ValueError(
                    f"{data}: makes data {half.fingerprint}; the cell was planned for {wanted}"
                )
    for recipe in RECIPES.values():
        if fingerprint(recipe, "train") == cell.data:
            make_world(recipe, store, 1)
    for wanted in (cell.data, cell.eval_data):
        if not (store.data_root / wanted).is_dir():
            raise ValueError(
                f"data {wanted}: neither built in nor in store {store.root}; name their YAML file "
                "with --data"
            )


def _read_cell(path: Path) -> Cell:
    try:
        cell = from_dict(json.loads(path.read_bytes()))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(cell, Cell):
        raise ValueError(f"{path}: describes no cell")
    return cell
