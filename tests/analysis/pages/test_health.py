"""The notebook `health` of real runs: every part is there, in Jupyter and on the page."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import analysis
from ablate.cli import verbs
from ablate.cli.source import gather
from ablate.failures import Failure
from ablate.run import run_cell
from ablate.store import RunStore
from analysis.pages import health
from tests.analysis.pages.html import Page
from tests.cells import FEW, job, silent
from tests.data.outside import planned, write_dataset

FOLDER = Path(analysis.__file__).parent / "notebooks"
CHOICE = {"study": "smoke", "samples": ["48"]}


def test_the_tests_choose_the_cells_that_are_done() -> None:
    assert FEW == ("--study", "smoke", "--samples", "48")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> dict:
    """Runs on data from outside, of which one video is damaged; one cell has failed."""
    folder = tmp_path_factory.mktemp("troubled")
    data, root = write_dataset(folder / "data"), folder / "store"
    (folder / "data" / "media" / "3.mp4").write_bytes(b"no video")
    choice = ("--study", "smoke", "--size", "10K", "--samples", "48", "--seeds", "1")
    verbs(["data", "check", str(data), *choice, "--store", str(root)], standalone_mode=False)
    first, second, third, *_ = planned(*choice, "--store", root, "--data", data).missing
    for cell in (first, second):
        run_cell(cell, job(root), silent)
    RunStore(root).fail(third, Failure("diverged", "loss is nan at step 3"))
    return CHOICE | {"size": ["10K"], "seeds": 1, "store": str(root), "data": str(data)}


def test_failures_are_told_with_their_reason(troubled: dict) -> None:
    told = Page(health.states(gather(troubled)).html).text
    assert "10K 2 1 3 0" in told  # done, failed, missing, invalid
    assert "loss is nan at step 3" in told and "diverged" in told


def test_what_was_dropped_is_told_by_source_and_reason(troubled: dict) -> None:
    told = Page(health.realised(gather(troubled)).html).text
    assert "shots (training) 3 10 2 2 unreadable" in told
    assert "held-out (test) 10 2 2 unreadable" in told


def test_sampling_and_mixture_are_told_as_they_came_about(troubled: dict) -> None:
    told = Page(health.realised(gather(troubled)).html).text
    assert "Sampling: means over the training videos" in told and "seconds" in told
    assert "Mixture: share of samples / of tokens" in told and "t5-i10-m5-v80" in told


def test_every_run_has_its_loss_curve_and_its_cost(troubled: dict) -> None:
    evidence = gather(troubled)
    curves = Page(health.losses(evidence).html)
    assert [tag for tag, _ in curves.tags].count("svg") == 1
    told = Page(health.costs(evidence).html).text
    assert "FLOPs" in told and "seconds" in told.lower() and "10K" in told


@pytest.mark.parametrize(
    "name",
    [
        "health",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("consistency", "axis", "paper")),
    ],
)
def test_a_notebook_runs_where_jupyter_opens_it(name: str, done: Path) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    source = CHOICE | {"store": os.path.relpath(done, FOLDER)}
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source += f"\nsource = {source!r}"
    NotebookClient(notebook, resources={"metadata": {"path": str(FOLDER)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert {output.output_type for output in shown} <= {"execute_result", "display_data"}
    # The style and two blocks at least: this store has no data budget to show.
    assert len([output for output in shown if "text/html" in output.data]) >= 3
