"""The verbs about a trained model as a directory of its own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from ablate.cli.data import check_data
from ablate.cli.options import console, make_world
from ablate.data.guard import Limits
from ablate.data.outside import Outside
from ablate.plain import parse_json
from ablate.spec import Cell, from_dict
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, fingerprint

if TYPE_CHECKING:
    from ablate.exported import Exported

_WEIGHTS = click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Folder of published weights, laid out by hub id; the hub itself by default.",
)


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@_WEIGHTS
def export(run: Path, out: Path, weights: str | None) -> None:
    """Write the model of a training to the directory OUT, for `ablate eval` and for others.

    RUN is a training's folder in a store, `store/runs/<id>`, or the folder of a released Apollo
    checkpoint with `llm/` and `mm_connector/`: its vision towers are not read, and are the public
    ones it was trained from.
    """
    if (run / "mm_connector").is_dir():
        from ablate.released import export_released
        from experiments.apollo import STUDY

        export_released(run, out, STUDY.grid.made({}), weights)
        told = "vision towers as first published, not as tuned for this checkpoint"
        console.print(Text(f"{run.name}: {told}"), soft_wrap=True)
    else:
        from ablate.exported import export_cell

        export_cell(_cell(run), run, out, weights)
    console.print(Text(f"{out}: written"), soft_wrap=True)


def _cell(run: Path) -> Cell:
    path = run / "cell.json"
    if not path.is_file():
        raise ValueError(f"{run}: neither a training of a store nor a released checkpoint")
    cell = from_dict(parse_json(path.read_bytes(), path))
    if not isinstance(cell, Cell):
        raise ValueError(f"{path}: describes no cell")
    return cell


@click.command("eval")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data",
    default="world",
    show_default=True,
    help=f"{' or '.join(f'`{name}`' for name in RECIPES)}, or a YAML file of sources.",
)
@click.option("--store", default="store", show_default=True, help="Folder of data and caches.")
@click.option("--out", type=click.Path(path_type=Path), help="Parquet file of all answers.")
@click.option("--device", default="cpu", show_default=True, help="`cpu` or `cuda`.")
def evaluate(directory: Path, data: str, store: str, out: Path | None, device: str) -> None:
    """Examine the model in DIRECTORY, which `ablate export` wrote.

    As a sweep does: every option is scored by its likelihood, and the questions are asked again
    with a single frame and without the video.
    """
    from ablate.data.dataset import open_test
    from ablate.evals.controls import examine_with_controls
    from ablate.evals.score import summarise
    from ablate.exported import load
    from ablate.tasks import WORLD

    kept = RunStore(store)
    kept.prepare()
    given = load(directory, device)
    questions = open_test(kept.data_root / _test_half(data, kept, given)).samples
    answers = examine_with_controls(
        given.model, questions, given.design, given.size, given.tokenizer,
        given.design.sampling, kept.cache_root,
    )  # fmt: skip
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("category")
    for name in ("accuracy", "standard error", "single frame", "question only", "chance"):
        table.add_column(name, justify="right")
    told = {part: summarise(rows, WORLD)["scores"] for part, rows in answers.items()}
    for category, score in told["video"].items():
        figures = (
            score["accuracy"], score["se"], told["single_frame"][category]["accuracy"],
            told["question_only"][category]["accuracy"], score["chance"],
        )  # fmt: skip
        table.add_row(Text(category), *(f"{figure:.3f}" for figure in figures))
    console.print(table)
    if out is not None:
        answers["video"].to_parquet(out, index=False)


def _test_half(data: str, store: RunStore, given: "Exported") -> str:
    """Fingerprint of the test data, which are in the store from here on."""
    from ablate.axes import Still

    if data in RECIPES:
        make_world(RECIPES[data], store, 1)
        return fingerprint(RECIPES[data], "test")
    sampling = given.design.sampling
    outside = Outside(Path(data), store.data_root, (sampling, Still(sampling.frames_per_clip)))
    check_data(outside, Limits())
    return outside.test.fingerprint
