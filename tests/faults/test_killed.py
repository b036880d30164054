"""Processes that are killed in a sweep cost what they were at, and nothing else."""

import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from ablate.launch import launch
from ablate.spec import Cell
from ablate.store import RunStore
from analysis.tables.load import load
from tests.cells import job, new_store, small_cell
from tests.faults import sweeps
from tests.heard import Heard

pytestmark = pytest.mark.slow

GOOD = [small_cell(seed=seed) for seed in (0, 1)]


class _Killer(Heard):
    """Kills the worker of the first cell that has made progress."""

    killed: tuple[str, int] | None = None

    def stepped(self, cell: Cell, step: int, loss: float) -> None:
        super().stepped(cell, step, loss)
        if self.killed is None and step > 0:
            running = psutil.Process().children(recursive=True)
            (worker,) = [process for process in running if process.name() == "ray::ImplicitFunc"]
            worker.kill()
            self.killed = cell.score_id, worker.pid


def test_a_worker_that_dies_costs_its_cell_only(smoke_store, tmp_path) -> None:
    root = new_store(tmp_path / "store", smoke_store)
    store, heard = RunStore(root), _Killer()
    doomed = small_cell(samples=9600)
    launch([doomed, *GOOD], job(root), heard, slots=1)
    assert heard.killed is not None and heard.killed[0] == doomed.score_id
    assert heard.of("failed") == {doomed.score_id}
    failure = store.failure(doomed)
    assert failure is not None and failure.kind == "lost"
    assert store.training(doomed) is None and not store.is_done(doomed)
    assert heard.of("finished") == {cell.score_id for cell in GOOD}


def _descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """Processes that a test started; what still runs of them at its end is killed."""
    found: list[psutil.Process] = []
    yield found
    for process in found:
        if process.is_running():
            process.kill()


def test_a_killed_sweep_goes_on_where_it_stopped(smoke_store, tmp_path, started) -> None:
    store = new_store(tmp_path / "store", smoke_store)
    driver = sweeps.start(store)
    started.append(psutil.Process(driver.pid))
    sweeps.wait_for_records(store, 2, driver, seconds=240)
    started += _descendants(driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    kept = sweeps.records(store)
    assert 2 <= len(kept) < 14

    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive, f"still running after the driver: {[p.name() for p in alive]}"

    again = sweeps.start(store)
    started.append(psutil.Process(again.pid))
    assert again.wait(timeout=400) == 0, sweeps.said(store).read_text()
    after = sweeps.records(store)
    assert len(after) == 14 and {path: after[path] for path in kept} == kept
    assert load(store).score_id.nunique() == 14
