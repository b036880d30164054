"""A real Ray sweep: every cell ends with a record or a reason, and being killed costs little."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ablate.data.video import MediaError
from ablate.launch import explain, launch
from ablate.spec import Cell
from ablate.store import Failure, RunStore
from ablate.train.module import Diverged
from analysis.load import load
from tests.cells import job, new_store, small_cell

GOOD = [small_cell(seed=seed) for seed in (0, 1)]
DIVERGING = small_cell(lr_scale=1e12)
HOMELESS = dataclasses.replace(GOOD[0], data="nowhere")


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.losses: list[float] = []
        self.failures: dict[str, Failure] = {}

    def started(self, cell: Cell) -> None:
        self.events.append(("started", cell.score_id))

    def stepped(self, cell: Cell, step: int, loss: float) -> None:
        self.losses.append(loss)

    def finished(self, cell: Cell) -> None:
        self.events.append(("finished", cell.score_id))

    def failed(self, cell: Cell, failure: Failure) -> None:
        self.events.append(("failed", cell.score_id))
        self.failures[cell.score_id] = failure

    def of(self, event: str) -> set[str]:
        return {score_id for name, score_id in self.events if name == event}


@pytest.fixture(scope="module")
def swept(smoke_store: Path, tmp_path_factory) -> tuple[RunStore, Heard]:
    """Two cells that can be trained between two that cannot, two at a time."""
    root = new_store(tmp_path_factory.mktemp("swept"), smoke_store)
    heard = Heard()
    launch([DIVERGING, *GOOD, HOMELESS], job(root), heard, slots=2)
    return RunStore(root), heard


def test_cells_that_can_be_trained_have_their_records(swept) -> None:
    store, heard = swept
    assert all(store.is_done(cell) for cell in GOOD)
    assert heard.of("finished") == {cell.score_id for cell in GOOD}
    scored = [store.record(cell)["scores"] for cell in GOOD]
    assert scored[0] != scored[1]


def test_cells_that_fail_say_why_and_stop_nothing(swept) -> None:
    store, heard = swept
    assert heard.failures.keys() == {DIVERGING.score_id, HOMELESS.score_id}
    diverged, homeless = (store.failure(cell) for cell in (DIVERGING, HOMELESS))
    assert diverged is not None and diverged.kind == "diverged"
    assert homeless is not None and "annotations.json" in homeless.reason
    for cell in (DIVERGING, HOMELESS):
        assert not store.is_done(cell)
        assert heard.failures[cell.score_id] == store.failure(cell)


def test_the_listener_hears_each_cell_start_and_end_once(swept) -> None:
    _, heard = swept
    ids = sorted(cell.score_id for cell in (DIVERGING, *GOOD, HOMELESS))
    assert sorted(score_id for event, score_id in heard.events if event == "started") == ids
    assert sorted(score_id for event, score_id in heard.events if event != "started") == ids
    assert heard.losses and all(loss > 0 for loss in heard.losses)


def test_tune_leaves_nothing_in_the_store(swept) -> None:
    store, _ = swept
    assert sorted(path.name for path in store.root.iterdir()) == ["cache", "data", "runs"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Diverged("loss is nan at step 3"), "diverged", "step 3"),
        (MediaError("v.mp4", "the file\nis empty"), "data", "v.mp4: the file is empty"),
        (MemoryError(), "memory", "MemoryError"),
        (RuntimeError("CUDA out of memory.\nTried"), "memory", "out of memory. Tried"),
        (KeyError("x"), "bug", "KeyError at test_launch.py"),
    ],
)
def test_failures_are_told_apart_in_one_line(error: Exception, kind: str, words: str) -> None:
    try:
        raise error
    except Exception as raised:
        failure = explain(raised)
    assert failure.kind == kind and words in failure.reason and "\n" not in failure.reason


# === processes that are killed ===


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


@pytest.mark.slow
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


def _sweep(store: Path) -> subprocess.Popen:
    program = Path(sys.executable).with_name("ablate")
    command = [program, "sweep", "--study", "smoke", "--store", store]
    output = (store / "output.txt").open("a")
    return subprocess.Popen(
        [*map(str, command)], stdout=output, stderr=output, start_new_session=True
    )


def _descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def _records(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("runs/*/*/record.json")}


@pytest.fixture
def started() -> Iterator[list[psutil.Process]]:
    """Processes that a test started; what still runs of them at its end is killed."""
    found: list[psutil.Process] = []
    yield found
    for process in found:
        if process.is_running():
            process.kill()


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_stopped(smoke_store, tmp_path, started) -> None:
    store = new_store(tmp_path / "store", smoke_store)
    driver = _sweep(store)
    started.append(psutil.Process(driver.pid))
    deadline = time.monotonic() + 240
    while len(_records(store)) < 2:
        assert driver.poll() is None, (store / "output.txt").read_text()
        assert time.monotonic() < deadline, "no record after four minutes"
        time.sleep(0.05)
    started += _descendants(driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    kept = _records(store)
    assert 2 <= len(kept) < 14

    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive, f"still running after the driver: {[p.name() for p in alive]}"

    again = _sweep(store)
    started.append(psutil.Process(again.pid))
    assert again.wait(timeout=400) == 0, (store / "output.txt").read_text()
    after = _records(store)
    assert len(after) == 14 and {path: after[path] for path in kept} == kept
    assert load(store).score_id.nunique() == 14
