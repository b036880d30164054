"""The verb that runs a study's missing cells."""

import os
import time
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import click

from ablate.cli.data import prepare_data
from ablate.cli.execution import How, execution_options, this_machine
from ablate.cli.given import BUILT_IN
from ablate.cli.options import chosen_plan, console, make_world, study_options
from ablate.cli.queue import check_trainable
from ablate.cli.study import print_failures, print_invalid, print_plan, print_verdict
from ablate.disk import footprint, human_bytes
from ablate.grid import Study
from ablate.placement import Machine, place
from ablate.plan import Plan
from ablate.spec import Cell, Init
from ablate.store import RunStore
from ablate.world.recipe import RECIPES

WATCH_SECONDS = 2.0
"""Between two looks at cells that another sweep is at."""


@click.command()
@study_options
@execution_options
@click.option("--retry", is_flag=True, help="Also try cells again that diverged.")
def sweep(retry: bool, how: How, **choice: Any) -> int:
    """Run the missing cells of a study; finished ones are never repeated.

    Cells that failed are tried again, but for those that diverged: the same cell diverges again.
    Cells that another sweep is at are left to it and waited for. Cells that cannot be trained are
    named with their reasons and left out.
    """
    study, made = chosen_plan(**choice)
    if not made.cells:
        first = made.invalid[0]
        raise ValueError(
            f"none of the {len(made.invalid)} cells of study {choice['study']} can be trained, the "
            f"first ({first.cell.size.name} {first.cell.design.name(study.axes)}): {first.reason}"
        )
    if prepare_data(**choice):
        # What could not be read is dropped, which makes other cells.
        study, made = chosen_plan(**choice)
    cells = made.unfinished if retry else made.to_run
    _check_weights(cells, how.weights)
    _check_disk(cells, how.keep)
    if cells:
        store = RunStore(choice["store"])
        store.prepare()
        job, machines = how.job(store), _machines(cells, store)
        for cell in cells:
            place(cell, machines, job.execution)
        print_plan(choice["study"], study, made)
        if choice["data"] == BUILT_IN:
            make_world(RECIPES[study.world], store, _cores())
        _run(study, made, cells, job, machines)
    else:
        diverged = f", {len(made.failed)} diverged (--retry)" if made.failed else ""
        print_invalid(study, made)
        console.print(f"nothing to train: {len(made.done)} cells are done{diverged}")
    _, after = chosen_plan(**choice)
    print_failures(study, after)
    print_verdict(study, after, choice["store"])
    return 1 if after.unfinished else 0


def _check_weights(cells: Sequence[Cell], weights: str | None) -> None:
    """Find what pretrained cells start from, before any is run."""
    check_trainable(cells)
    published = {
        (cell.size, cell.design.encoder): cell
        for cell in cells
        if cell.size.weights is not None and cell.init is Init.PRETRAINED
    }
    for cell in published.values():
        from ablate.models.build import find_weights

        find_weights(cell.design, cell.size, weights)


def _check_disk(cells: Sequence[Cell], keep: float) -> None:
    """Find out whether the largest cell fits, before any is run."""
    for cell in {cell.size: cell for cell in cells}.values():
        if keep * 1e9 < (largest := sum(astuple(footprint([cell])))):
            raise ValueError(
                f"--keep: {keep:g} GB are less than the {human_bytes(largest)} that one "
                f"{cell.size.name} cell may take"
            )


def _run(
    study: Study, made: Plan, cells: Sequence[Cell], job: Any, machines: Sequence[Machine]
) -> None:
    from ablate.launch import launch
    from ablate.live import SweepView

    slots = sum(machine.cores for machine in machines)
    while cells:
        view = SweepView(made, cells, study.axes, slots, console)
        with view.shown():
            launch(cells, job, view, machines)
        cells = _released(RunStore(job.store), view.others)


def _machines(cells: Sequence[Cell], store: RunStore) -> list[Machine]:
    """The nodes of the cluster at `RAY_ADDRESS`, or what is free here."""
    if "RAY_ADDRESS" in os.environ:
        from ablate.cluster import nodes

        return nodes(store.root)
    return [this_machine(cells)]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _released(store: RunStore, cells: Sequence[Cell]) -> list[Cell]:
    """What other sweeps let go without a result, once they have let go of all of `cells`."""
    said = False
    while held := [cell for cell in cells if store.holder(cell) is not None]:
        if not said:
            console.print(f"waiting for {len(held)} cells that {store.holder(held[0])} is at")
            said = True
        time.sleep(WATCH_SECONDS)
    return [cell for cell in cells if not store.is_done(cell) and store.failure(cell) is None]
