"""The verbs that look at a study: plan, status, report and signal."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.cli.bill import measure_speeds, print_accuracies, print_bills
from ablate.cli.options import chosen_plan, console, study_options
from ablate.cli.queue import print_commands
from ablate.failures import NEXT
from ablate.grid import Study
from ablate.plan import Plan
from ablate.spec import Cell
from ablate.store import RunStore


@click.command()
@study_options
@click.option("--cells", is_flag=True, help="List every cell.")
@click.option(
    "--commands", is_flag=True, help="Print nothing but an `ablate run` line for every training."
)
@click.option("--probe", is_flag=True, help="Measure speeds here first: 20 steps a size, twice.")
@click.option("--price", type=click.FloatRange(min=0), help="Of one GPU-hour.")
@click.option("--devices", type=click.IntRange(1), help="Cells at a time; what is here by default.")
def plan(
    cells: bool,
    commands: bool,
    probe: bool,
    price: float | None,
    devices: int | None,
    **choice: Any,
) -> None:
    """Show what a sweep would run and cost, without running anything.

    With --commands, print what a sweep would run as lines for a queue, such as a Slurm array: each
    trains once and examines as often as the study asks. With --probe, the designs with the fewest
    and the most FLOPs a step are trained for 20 steps at every size first; the speeds are kept in
    the store, and every later plan uses them.
    """
    study, made = chosen_plan(**choice)
    if commands:
        print_commands(made.to_run, RunStore(choice["store"]), choice["data"])
        return
    if probe:
        measure_speeds(study, made, RunStore(choice["store"]), choice["data"])
        study, made = chosen_plan(**choice)
    print_plan(choice["study"], study, made)
    print_bills(made, price, devices)
    if cells:
        _print_cells(study, made)


@click.command()
@study_options
def status(**choice: Any) -> None:
    """Show what is done, running, failed and missing."""
    study, made = chosen_plan(**choice)
    print_plan(choice["study"], study, made)
    _print_running(study, made, choice)
    print_failures(study, made)
    print_accuracies(made, RunStore(choice["store"]))


@click.command()
@study_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder; reports/<study> by default.")
def report(out: Path | None, **choice: Any) -> None:
    """Write the verdict as one HTML file, with its numbers and figures beside it."""
    from ablate.cli.source import gather, write_report
    from ablate.store import write_json
    from analysis.pages.gallery import save_all

    evidence = gather(choice)
    folder = out or Path("reports") / choice["study"]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "fit.json", evidence.result.to_dict())
    save_all(evidence, folder / "figures")
    written = write_report(choice, folder / "report.html")
    console.print(Text(f"report: {written}"), soft_wrap=True)


@click.command()
@study_options
def signal(**choice: Any) -> int:
    """Check that the scores tell designs apart, and not for one bad level alone."""
    from analysis.evidence import Runs

    study, made = chosen_plan(**choice)
    checked = Runs(study, made, RunStore(choice["store"])).check_signal()
    console.print(Text(checked.text), soft_wrap=True)
    return 0 if checked.passed else 1


def print_plan(name: str, study: Study, made: Plan) -> None:
    """A study's question, its cells by state, and what the missing ones cost."""
    from ablate.console import cost_lines, plan_table

    states = ", ".join(f"{count} {state}" for state, count in made.state().items())
    designs = len({cell.design_id for cell in made.cells})
    console.print(f"[bold]{name}[/bold]: {study.question}")
    console.print(f"{designs} designs on {', '.join(study.axes)}; cells: {states}")
    for note in made.notes:
        console.print(Text(note), soft_wrap=True)
    console.print()
    if made.cells:
        _print_wide(plan_table(made))
        console.print()
        for line in cost_lines(made):
            console.print(line)
    if warning := _size_warning(made.cells):
        console.print(Text(f"warning: {warning}"), soft_wrap=True)
    print_invalid(study, made)


def _print_wide(table: Table) -> None:
    """Cut to 80 columns, a table would lose its numbers."""
    Console(width=max(console.width, 120)).print(table)


def print_invalid(study: Study, made: Plan) -> None:
    """What a sweep leaves out, once for all samples, seeds and protocols of a design."""
    left_out = Counter(
        (f"{one.cell.size.name} {one.cell.design.name(study.axes)}", one.reason)
        for one in made.invalid
    )
    for (name, reason), count in left_out.items():
        console.print(Text(f"left out: {name} ({count}): {reason}"), soft_wrap=True)


def _size_warning(cells: Iterable[Cell]) -> str | None:
    """What the paper's own scores say against the cells' sizes."""
    sizes = [cell.size for cell in cells if cell.size.weights]
    if not sizes:
        return None
    from analysis.conclusions.proxies import size_warning

    return size_warning(sizes)


def _print_cells(study: Study, made: Plan) -> None:
    from ablate.console import cell_name

    failed = {cell.score_id for cell, _ in made.failed}
    for cell in made.cells:
        state = "failed" if cell.score_id in failed else "done" if cell in made.done else "missing"
        console.print(f"{cell.score_id}  {state:8}{cell_name(cell, study.axes)}", soft_wrap=True)


def _print_running(study: Study, made: Plan, choice: dict[str, Any]) -> None:
    """How far running cells have come, and how much is left; how to go on where none runs."""
    from ablate.console import cell_name, human_time
    from ablate.live import running_table

    store = RunStore(choice["store"])
    held = [(cell, owner) for cell in made.missing if (owner := store.holder(cell)) is not None]
    if not held:
        if made.to_run:
            command = f"ablate sweep --study {choice['study']} --store {choice['store']}"
            console.print(f"nothing is running; `{command}` goes on", soft_wrap=True)
        return
    rows = [(cell_name(cell, study.axes), store.pace(cell), str(owner)) for cell, owner in held]
    _print_wide(running_table(rows, "by"))
    left = sum(price.seconds for price in made.price(made.to_run))
    for price in made.price([cell for cell, _ in held]):
        if pace := store.pace(price.cell):
            left -= price.seconds * pace.share
    told = f"about {human_time(left / len(held))} left by plan, with {len(held)} running"
    console.print(f"\n{told}")


def print_failures(study: Study, made: Plan) -> None:
    """One line for every cell that failed, and what to do about every kind of failure."""
    from ablate.console import cell_name

    for cell, failure in made.failed:
        line = f"failed: {cell_name(cell, study.axes)}: {failure}"
        console.print(Text(line), soft_wrap=True)
    for kind, count in Counter(failure.kind for _, failure in made.failed).items():
        console.print(Text(f"next, for {count} {kind}: {NEXT[kind]}"), soft_wrap=True)


def print_verdict(study: Study, made: Plan, store: str) -> None:
    """What the finished cells say so far, and how many of the target's are still missing."""
    from analysis.evidence import Runs, fit_runs
    from analysis.pages.summary import summarise

    waiting = sum(cell.size.name == study.target_size for cell in made.unfinished)
    if waiting:
        console.print(f"{waiting} cells of the target {study.target_size} are still missing")
    if made.done:
        console.print()
        console.print(summarise(fit_runs(Runs(study, made, RunStore(store)))[1]))
