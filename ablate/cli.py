"""The command line: one verb a function; alone loads `experiments` and `analysis`, lazily."""

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.text import Text

from ablate import __version__
from ablate.grid import Study
from ablate.plan import Counts, Plan, make_plan
from ablate.sizes import NAMES, size_row
from ablate.spec import Cell, from_dict
from ablate.store import RunStore
from ablate.tasks import CATEGORIES
from ablate.world.recipe import RECIPES, Recipe, fingerprint

console = Console(highlight=False)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; input that cannot be used gives one line on stderr and exit code 2."""
    try:
        code = verbs(arguments, standalone_mode=False)
    except click.Abort:
        _stop("interrupted; finished cells are kept, call again to go on", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _stop(" ".join(error.format_message().split()), 2)
    except ValueError as error:
        _stop(str(error), 2)
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"{error.filename}: {error.strerror}", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(reason: str, code: int) -> NoReturn:
    click.echo(f"ablate: {reason}", err=True)
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def verbs() -> None:
    """Which small, cheap experiments may you trust to design a large video-language model?"""


def _comma(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def _study_options(command: Any) -> Any:
    for option in (
        click.option("--samples", callback=_comma, help="Training conversations, with commas."),
        click.option("--seeds", type=click.IntRange(1), help="Seeds of every design."),
        click.option("--size", callback=_comma, help="Rows of the size ladder, with commas."),
        click.option("--store", default="store", show_default=True, help="Folder of all results."),
        click.option(
            "--study", default="consistency", show_default=True, help="File of experiments/."
        ),
    ):
        command = option(command)
    return command


@verbs.command()
@_study_options
@click.option("--cells", is_flag=True, help="List every cell.")
def plan(cells: bool, **choice: Any) -> None:
    """Show what a sweep would run and cost, without running anything."""
    study, made = _plan(**choice)
    _print_plan(choice["study"], study, made)
    if cells:
        _print_cells(study, made)


@verbs.command()
@_study_options
def status(**choice: Any) -> None:
    """Show what is done, failed and missing."""
    study, made = _plan(**choice)
    _print_plan(choice["study"], study, made)
    _print_failures(study, made)


@verbs.command()
@_study_options
def sweep(**choice: Any) -> int:
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
    _print_verdict(study, after, choice["store"])
    return 1 if after.to_run else 0


def _run_sweep(choice: dict[str, Any], study: Study, made: Plan) -> None:
    from ablate.console import SweepProgress

    store = RunStore(choice["store"])
    store.prepare()
    slots = len(os.sched_getaffinity(0))
    _print_plan(choice["study"], study, made)
    _make_world(RECIPES[study.world], store, slots)
    from ablate.launch import launch
    from ablate.run import Job

    progress = SweepProgress(made, study.axes, slots, console)
    with progress.shown():
        launch(made.to_run, Job(str(store.root.resolve())), progress, slots)


def _make_world(recipe: Recipe, store: RunStore, workers: int) -> None:
    from ablate.console import generation_progress
    from ablate.world.generate import generate

    generate(recipe, store.data_root, workers, generation_progress(console, "built-in videos"))


@verbs.command()
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
            _make_world(recipe, kept, 1)
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


@verbs.command()
@_study_options
@click.option("--out", type=click.Path(path_type=Path), help="Folder; reports/<study> by default.")
def report(out: Path | None, **choice: Any) -> None:
    """Write the verdict, its figures and its numbers as one HTML file."""
    from ablate.store import write_json
    from analysis.load import load_costs
    from analysis.report import write_report

    study, made = _plan(**choice)
    frame, result = _fit_study(study, made, choice["store"])
    folder = out or Path("reports") / choice["study"]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "fit.json", result.to_dict())
    written = write_report(
        frame,
        result,
        folder / "report.html",
        title=study.question,
        lead=f"Hypothesis: {study.hypothesis}",
        factors=study.axes,
        signal=_check_signal(study, made, choice["store"]),
        costs=load_costs(choice["store"], _score_ids(made)),
    )
    console.print(Text(f"report: {written}"), soft_wrap=True)


def _columns(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, str]:
    pairs = [part.partition("=") for part in value.split(",")] if value else []
    for ours, equals, theirs in pairs:
        if not (ours.strip() and equals and theirs.strip()):
            raise ValueError(f"--columns: {ours!r} is not ours=theirs")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


@verbs.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", type=float, help="Size that decides; the largest by default.")
@click.option("--factors", callback=_comma, help="Columns with levels of design factors.")
@click.option("--lower-is-better", callback=_comma, help="`all`, or benchmarks with commas.")
@click.option("--columns", callback=_columns, help="ours=theirs pairs, with commas.")
@click.option("--benchmark", help="What the verdict is about; `macro` by default.")
@click.option("--metric", default="r2", show_default=True, help="r2 or decision_accuracy.")
@click.option("--threshold", type=float, help="0.8 for r2, 0.85 for decision_accuracy by default.")
@click.option("--confidence", type=float, default=0.95, show_default=True)
@click.option("--proxy-measure", default="accuracy", show_default=True)
@click.option("--questions", type=click.Path(path_type=Path), help="Per-question results.")
@click.option("--json", "json_out", type=click.Path(path_type=Path), help="Write the result here.")
@click.option("--report", "report_out", type=click.Path(path_type=Path), help="Write HTML here.")
def fit(
    table: Path,
    columns: dict[str, str],
    lower_is_better: tuple[str, ...],
    questions: Path | None,
    json_out: Path | None,
    report_out: Path | None,
    **choice: Any,
) -> None:
    """Say which proxies to trust, from a table of scores made anywhere."""
    from analysis import fit as fit_table
    from analysis.summary import summarise
    from analysis.table import read_questions, read_table

    frame = read_table(table, columns)
    turned = "all" if lower_is_better == ("all",) else lower_is_better
    result = fit_table(
        frame,
        lower_is_better=turned,
        questions=read_questions(questions) if questions else None,
        **choice,
    )
    console.print(summarise(result))
    if json_out:
        from ablate.store import write_json

        json_out.parent.mkdir(parents=True, exist_ok=True)
        write_json(json_out, result.to_dict())
    if report_out:
        from analysis.report import write_report

        write_report(
            frame,
            result,
            report_out,
            factors=choice["factors"],
            lower_is_better=turned,
            proxy_measure=choice["proxy_measure"],
        )


@verbs.command()
@_study_options
def signal(**choice: Any) -> int:
    """Check that the scores tell designs apart, and not for one bad level alone."""
    study, made = _plan(**choice)
    checked = _check_signal(study, made, choice["store"])
    console.print(Text(checked.text), soft_wrap=True)
    return 0 if checked.passed else 1


# === what the verbs share ===


def _plan(
    study: str,
    store: str,
    size: tuple[str, ...],
    seeds: int | None,
    samples: tuple[str, ...],
) -> tuple[Study, Plan]:
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


def _print_plan(name: str, study: Study, made: Plan) -> None:
    from ablate.console import cost_lines, plan_table

    states = ", ".join(f"{count} {state}" for state, count in made.state().items())
    designs = len({cell.design_id for cell in made.cells})
    console.print(f"[bold]{name}[/bold]: {study.question}")
    console.print(f"{designs} designs on {', '.join(study.axes)}; cells: {states}\n")
    if made.cells:
        console.print(plan_table(made))
        console.print()
        for line in cost_lines(made):
            console.print(line)
    for invalid in made.invalid:
        console.print(
            f"invalid: {invalid.cell.size.name} {invalid.cell.design.name(study.axes)}: "
            f"{invalid.reason}"
        )


def _print_cells(study: Study, made: Plan) -> None:
    from ablate.console import cell_name

    failed = {cell.score_id for cell, _ in made.failed}
    for cell in made.cells:
        state = "failed" if cell.score_id in failed else "done" if cell in made.done else "missing"
        console.print(f"{cell.score_id}  {state:8}{cell_name(cell, study.axes)}", soft_wrap=True)


def _print_failures(study: Study, made: Plan) -> None:
    from ablate.console import cell_name

    for cell, failure in made.failed:
        line = f"failed: {cell_name(cell, study.axes)}: {failure.kind}: {failure.reason}"
        console.print(Text(line), soft_wrap=True)


def _print_verdict(study: Study, made: Plan, store: str) -> None:
    """What the finished cells say so far, and how many of the target's are still missing."""
    from analysis.summary import summarise

    waiting = sum(cell.size.name == study.target_size for cell in made.to_run)
    if waiting:
        console.print(f"{waiting} cells of the target {study.target_size} are still missing")
    if made.done:
        console.print()
        console.print(summarise(_fit_study(study, made, store)[1]))


def _fit_study(study: Study, made: Plan, store: str) -> tuple[Any, Any]:
    """The study's finished cells as a table, and its fit; variants are named by what differs."""
    from analysis import fit
    from analysis.load import load, load_questions, scales_of

    ids, axes = _score_ids(made), list(study.axes)
    frame, questions = load(store, ids), load_questions(store, ids)
    for table in (frame, questions):
        table["variant"] = table[axes].agg(" ".join, axis=1)
    target = _target(study, made)
    return frame, fit(
        frame, target=target, factors=axes, questions=questions, scales=scales_of(frame)
    )


def _target(study: Study, made: Plan) -> float | None:
    """The declared target once it has scores, else the largest size that is complete."""
    done = {cell.size.name for cell in made.done}
    complete = done - {cell.size.name for cell in made.to_run}
    if study.target_size in done:
        return size_row(study.target_size).parameters
    return max((size_row(name).parameters for name in complete), default=None)


def _check_signal(study: Study, made: Plan, store: str) -> Any:
    from analysis.load import load
    from analysis.signal import check_signal

    ids = _score_ids(made)
    controls = {part: load(store, ids, part) for part in ("question_only", "single_frame")}
    return check_signal(load(store, ids), controls, study.told_apart)


def _score_ids(made: Plan) -> list[str]:
    return [cell.score_id for cell in made.done]
