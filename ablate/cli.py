"""The command line: one verb a function; alone loads `experiments` and `analysis`, lazily."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from ablate import __version__
from ablate.grid import Study
from ablate.plan import Counts, Plan, make_plan
from ablate.sizes import NAMES, size_row
from ablate.spec import Cell, from_dict, to_dict
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, Recipe, fingerprint

console = Console(highlight=False)


class _Verbs(click.Group):
    """Turns input that cannot be used into one line on stderr and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ValueError as error:
            click.echo(f"ablate: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("ablate: interrupted; finished cells are kept, call again to go on", err=True)
            ctx.exit(130)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Which small, cheap experiments may you trust to design a large video-language model?"""


def _comma(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def _study_options(command: Any) -> Any:
    for option in (
        click.option("--samples", callback=_comma, help="Training conversations, with commas."),
        click.option("--seeds", type=click.IntRange(1), help="Seeds of every design."),
        click.option("--size", callback=_comma, help="Rows of the size ladder, with commas."),
        click.option("--store", default="store", show_default=True, help="Folder of all results."),
        click.option("--study", default="consistency", show_default=True, help="File of experiments/."),
    ):
        command = option(command)
    return command


@main.command()
@_study_options
@click.option("--cells", is_flag=True, help="List every cell.")
def plan(cells: bool, **choice: Any) -> None:
    """Show what a sweep would run and cost, without running anything."""
    study, made = _plan(**choice)
    _print_plan(choice["study"], study, made)
    if cells:
        _print_cells(study, made)


@main.command()
@_study_options
def status(**choice: Any) -> None:
    """Show what is done, failed and missing."""
    study, made = _plan(**choice)
    _print_plan(choice["study"], study, made)
    _print_failures(study, made)


@main.command()
@_study_options
def sweep(**choice: Any) -> None:
    """Run the missing cells of a study; finished ones are never repeated."""
    study, made = _plan(**choice)
    if made.invalid:
        first = made.invalid[0]
        raise ValueError(
            f"{len(made.invalid)} cells of study {choice['study']} cannot be trained, the first "
            f"({first.cell.size.name} {first.cell.design.name(study.axes)}): {first.reason}"
        )
    for cell in made.to_run:
        if not cell.size.tiny_towers:
            raise ValueError(
                f"size {cell.size.name} has no weights here; choose from the rows that are trained "
                f"from scratch: {', '.join(name for name in NAMES if size_row(name).tiny_towers)}"
            )
    if made.to_run:
        _run_sweep(choice, study, made)
    else:
        console.print(f"nothing to train: all {len(made.done)} cells are done")
    _, after = _plan(**choice)
    _print_failures(study, after)
    _print_verdict(choice["study"], study, choice["store"])
    if after.to_run:
        sys.exit(1)


def _run_sweep(choice: dict[str, Any], study: Study, made: Plan) -> None:
    from ablate.console import SweepProgress

    store = RunStore(choice["store"])
    store.prepare()
    slots = os.process_cpu_count() if hasattr(os, "process_cpu_count") else _cpus()
    _print_plan(choice["study"], study, made)
    _make_world(RECIPES[study.world], store, slots)
    from ablate.launch import launch
    from ablate.run import Job

    progress = SweepProgress(made, study.axes, slots, console)
    with progress.shown():
        launch(made.to_run, Job(str(store.root.resolve())), progress, slots)


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _make_world(recipe: Recipe, store: RunStore, workers: int) -> None:
    from ablate.console import generation_progress
    from ablate.world.generate import generate

    generate(recipe, store.data_root, workers, generation_progress(console, "built-in videos"))


@main.command()
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
            _make_world(recipe, kept, _cpus())
    steps = cell.samples // cell.size.batch

    def report(step: int, loss: float) -> None:
        if step % 50 == 0 or step == steps - 1:
            console.print(f"step {step + 1} of {steps}, loss {loss:.3f}")

    record = run_cell(cell, Job(str(kept.root.resolve())), report)
    for category, score in record["scores"].items():
        console.print(f"{category:12} {score['accuracy']:.3f} ± {score['se']:.3f}")


def _read_cell(path: Path) -> Cell:
    try:
        cell = from_dict(json.loads(path.read_text()))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(cell, Cell):
        raise ValueError(f"{path}: describes no cell")
    return cell


@main.command()
@_study_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder; reports/<study> by default.")
def report(out: Path | None, **choice: Any) -> None:
    """Write the verdict, its figures and its numbers as one HTML file."""
    from analysis.report import write_study_report

    study, made = _plan(**choice)
    _require_scores(choice["study"], study, made)
    folder = out or Path("reports") / choice["study"]
    written = write_study_report(study, choice["study"], made, Path(choice["store"]), folder)
    console.print(Text(f"report: {written}"), soft_wrap=True)
