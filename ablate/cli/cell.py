"""The verb that runs one cell."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from ablate.cli.data import check_data
from ablate.cli.execution import How, execution_options, this_machine
from ablate.cli.given import outside_data
from ablate.cli.options import console, make_world
from ablate.data.guard import Limits
from ablate.failures import Failure
from ablate.pace import Pace
from ablate.placement import place
from ablate.plain import parse_json
from ablate.plan import check_cell
from ablate.spec import Cell, from_dict
from ablate.speed import as_probed
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, fingerprint


@click.command()
@click.argument("cell_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--store", default="store", show_default=True, help="Folder of all results.")
@click.option("--data", help="YAML file of sources, where the cell's are not in the store.")
@execution_options
def run(cell_file: Path, store: str, data: str | None, how: How) -> int:
    """Run one cell, described by its JSON, in this process without Ray.

    The file may hold a list of cells that share a training: it is done once. A cell that is done is
    not run again, one that failed is; what it left goes on from there.
    """
    cells = _read_cells(cell_file)
    kept = RunStore(store)
    kept.prepare()
    for cell in cells:
        _provide_data(cell, kept, data)
    # Only now, as it takes seconds: input that cannot be used is refused before.
    from ablate.worker import work

    def report(pace: Pace) -> None:
        if pace.step % 50 == 1 or pace.step == pace.steps:
            console.print(f"step {pace.step} of {pace.steps}, loss {pace.loss:.3f}")

    for cell in cells:
        kept.forget_failure(cell)
    job = how.job(kept)
    base = as_probed(job.execution, cells[0], kept)
    placed = place(cells[0], [this_machine(cells)], base)
    failures = work(cells, replace(job, execution=placed), report)
    return max(_print_outcome(cell, kept, failures) for cell in cells)


def _print_outcome(cell: Cell, store: RunStore, failures: Mapping[str, Failure]) -> int:
    """What became of a cell; returns 0 if it is done and 1 if not."""
    record = store.record(cell)
    if record is None:
        why = failures.get(cell.score_id) or f"{store.holder(cell) or 'another process'} is at it"
        console.print(Text(f"not done: {why}"), soft_wrap=True)
        return 1
    if cell.protocol.sampling is not None:
        console.print(f"examined with {cell.protocol.label}")
    for category, score in record["scores"].items():
        told = f"{category:12} {score['accuracy']:.3f} ± {score['se']:.3f}"
        console.print(Text(told), soft_wrap=True)
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


def _read_cells(path: Path) -> list[Cell]:
    plain = parse_json(path.read_bytes(), path)
    try:
        found = from_dict(plain)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    cells = list(found) if isinstance(found, tuple) else [found]
    if not cells or not all(isinstance(cell, Cell) for cell in cells):
        raise ValueError(f"{path}: describes no cell")
    for cell in cells:
        if reason := check_cell(cell):
            raise ValueError(f"{path}: {reason}")
    if len({cell.train_id for cell in cells}) > 1:
        raise ValueError(f"{path}: describes cells of more than one training")
    return cells
