"""Processes that are killed in a sweep cost what they were at, and nothing else."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from ablate.launch import RESTARTS, launch
from ablate.pace import Pace
from ablate.placement import Machine
from ablate.spec import Cell, to_dict
from ablate.store import RunStore
from analysis.tables.load import load
from tests.cells import job, new_store, small_cell
from tests.faults import sweeps
from tests.heard import Heard

pytestmark = pytest.mark.slow

LONG = small_cell(samples=1600)
GOOD = [small_cell(seed=seed) for seed in (0, 1)]


class _Killer(Heard):
    """Kills the worker of a cell when it has made progress, some times."""

    def __init__(self, doomed: Cell, times: int) -> None:
        super().__init__()
        self.doomed, self.times = doomed, times
        self.killed: set[int] = set()

    def stepped(self, cell: Cell, pace: Pace) -> None:
        super().stepped(cell, pace)
        if cell == self.doomed and pace.step > 1 and len(self.killed) < self.times:
            running = psutil.Process().children(recursive=True)
            workers = [process for process in running if process.name() == "ray::ImplicitFunc"]
            for worker in workers:
                worker.kill()
                self.killed.add(worker.pid)


def test_a_worker_that_dies_is_replaced(smoke_store, tmp_path) -> None:
    root = new_store(tmp_path / "store", smoke_store)
    store, heard = RunStore(root), _Killer(LONG, times=2)
    launch([LONG], job(root, checkpoint_seconds=0.0), heard, [Machine(1, 2e9)])
    assert len(heard.killed) == 2 and heard.of("finished") == {LONG.score_id}
    record = store.record(LONG)
    assert record is not None and len(record["loss"]) == 100


def test_a_worker_that_dies_every_time_costs_its_cell_only(smoke_store, tmp_path) -> None:
    root = new_store(tmp_path / "store", smoke_store)
    doomed = small_cell(samples=9600)
    store, heard = RunStore(root), _Killer(doomed, times=1 + RESTARTS)
    launch([doomed, *GOOD], job(root), heard, [Machine(1, 2e9)])
    assert len(heard.killed) == 1 + RESTARTS and heard.of("failed") == {doomed.score_id}
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

    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive, f"still running after the driver: {[p.name() for p in alive]}"
    assert not any(store.glob("tune-*"))

    again = sweeps.start(store)
    started.append(psutil.Process(again.pid))
    assert again.wait(timeout=400) == 0, sweeps.said(store).read_text()
    after = sweeps.records(store)
    assert len(after) == 14 and {path: after[path] for path in kept} == kept
    assert load(store).score_id.nunique() == 14


def _run_alone(store: Path) -> subprocess.Popen:
    """`ablate run` on a cell of 100 steps, with a checkpoint after every one."""
    path = store / "long.json"
    path.write_text(json.dumps(to_dict(LONG)))
    command = [str(sweeps.PROGRAM), "run", str(path), "--store", str(store), "--checkpoint", "0"]
    with sweeps.said(store).open("a") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def _end_after(
    process: subprocess.Popen, run: Path, ending: signal.Signals, checkpoints: int
) -> None:
    """Send a signal once some checkpoints have been written."""
    path, seen = run / "checkpoint-0.pt", set()
    deadline = time.monotonic() + 120
    while len(seen) < checkpoints:
        assert process.poll() is None and time.monotonic() < deadline
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.002)
    process.send_signal(ending)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_goes_on_from_its_checkpoint(smoke_store, tmp_path, ending) -> None:
    stores = [new_store(tmp_path / name, smoke_store) for name in ("undisturbed", "ended")]
    whole, ended = (RunStore(store) for store in stores)
    assert _run_alone(whole.root).wait(timeout=240) == 0
    for _ in range(2):
        process = _run_alone(ended.root)
        _end_after(process, ended.run_dir(LONG), ending, checkpoints=10)
        assert process.wait(timeout=60) != 0 and not ended.is_done(LONG)
        assert ended.holder(LONG) is None and ended.failure(LONG) is None
    held = torch.load(ended.run_dir(LONG) / "checkpoint-0.pt", weights_only=True)
    assert len(held["progress"]["curve"]) >= 15
    assert _run_alone(ended.root).wait(timeout=240) == 0
    expected, found = whole.record(LONG), ended.record(LONG)
    assert expected is not None and found is not None
    for key in ("loss", "scores", "controls", "sampling"):
        assert found[key] == expected[key]
    assert whole.weights_path(LONG).read_bytes() == ended.weights_path(LONG).read_bytes()
