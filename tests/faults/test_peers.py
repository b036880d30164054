"""Cells that several processes train: whichever ends, no other is left and nothing is lost."""

import dataclasses
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from ablate.failures import Failure
from ablate.launch import launch
from ablate.placement import Machine
from ablate.spec import to_dict
from ablate.store import RunStore
from ablate.train.module import Diverged
from ablate.worker import work
from tests.cells import job, new_store, silent, small_cell
from tests.faults import sweeps
from tests.heard import Heard

pytestmark = pytest.mark.slow
CELL = small_cell(samples=16 * 60)


def _run(store: Path, *options: str) -> subprocess.Popen:
    """`ablate run` with two processes and a checkpoint after every step."""
    path = store / "cell.json"
    path.write_text(json.dumps(to_dict(CELL)))
    command = [str(sweeps.PROGRAM), "run", str(path), "--store", str(store), "--processes", "2"]
    with sweeps.said(store).open("a") as output:
        return subprocess.Popen(
            [*command, "--checkpoint", "0", *options], stdout=output, stderr=output
        )


def _peer(first: int) -> psutil.Process:
    """The other process, once it trains."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for child in psutil.Process(first).children():
            if "ablate.peers" in child.cmdline():
                return child
        time.sleep(0.05)
    raise AssertionError("no other process was started")


def _wait_for_checkpoints(store: Path, process: subprocess.Popen, count: int) -> None:
    path, seen = RunStore(store).run_dir(CELL) / "checkpoint-0.pt", set()
    deadline = time.monotonic() + 240
    while len(seen) < count:
        assert process.poll() is None, sweeps.said(store).read_text()
        assert time.monotonic() < deadline
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(smoke_store: Path, tmp_path_factory) -> dict:
    store = new_store(tmp_path_factory.mktemp("undisturbed"), smoke_store)
    assert _run(store).wait(timeout=500) == 0, sweeps.said(store).read_text()
    record = RunStore(store).record(CELL)
    assert record is not None
    return record


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_first_process_is_ended_and_the_run_goes_on(undisturbed, store, ending) -> None:
    process = _run(store)
    _wait_for_checkpoints(store, process, 5)
    peer = _peer(process.pid)
    process.send_signal(ending)
    assert process.wait(timeout=120) != 0
    psutil.wait_procs([peer], timeout=30)
    assert not peer.is_running(), "the other process is left"
    kept = RunStore(store)
    assert kept.failure(CELL) is None and kept.holder(CELL) is None
    held = list(kept.run_dir(CELL).glob("checkpoint-*.pt"))
    assert [path.name for path in held] == ["checkpoint-0.pt"]
    assert _run(store).wait(timeout=500) == 0, sweeps.said(store).read_text()
    record = kept.record(CELL)
    assert record is not None
    for key in ("loss", "scores", "controls", "sampling"):
        assert record[key] == undisturbed[key], key


def test_another_number_of_processes_goes_on_from_the_checkpoint(undisturbed, store) -> None:
    process = _run(store)
    _wait_for_checkpoints(store, process, 5)
    process.kill()
    process.wait(timeout=60)
    assert _run(store, "--processes", "1").wait(timeout=500) == 0
    record = RunStore(store).record(CELL)
    assert record is not None and record["execution"]["processes"] == 1
    losses = [[loss for _, loss in found["loss"]] for found in (record, undisturbed)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-2)
    assert record["sampling"]["samples"] == undisturbed["sampling"]["samples"]


def test_another_process_is_killed_and_the_cell_says_so(store) -> None:
    process = _run(store)
    _wait_for_checkpoints(store, process, 3)
    _peer(process.pid).kill()
    assert process.wait(timeout=120) == 1
    failure = RunStore(store).failure(CELL)
    assert failure == Failure("lost", "process 2 of 2 died of SIGKILL")


def test_a_bad_file_of_another_process_is_named(smoke_store, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    for split in (CELL.data, CELL.eval_data):
        shutil.copytree(smoke_store / "data" / split, tmp_path / "data" / split)
    for video in (tmp_path / "data" / CELL.data / "videos").iterdir():
        video.write_bytes(video.read_bytes()[:600])
    (failure,) = work([CELL], job(tmp_path, processes=2), silent).values()
    assert failure.kind == "data" and str(tmp_path) in failure.reason


def test_a_cell_that_diverges_does_so_in_all(store) -> None:
    doomed = dataclasses.replace(CELL, lr_scale=1e12)
    (failure,) = work([doomed], job(store, processes=2), silent).values()
    assert failure.kind == Diverged.kind and "at step" in failure.reason


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_ray_actor_starts_and_ends_the_others(undisturbed, store, strategy: str) -> None:
    heard = Heard()
    how = job(store, processes=2, strategy=strategy, checkpoint_seconds=0)
    launch([CELL], how, heard, Machine(2, 8e9))
    assert heard.of("finished") == {CELL.score_id}, heard.failures
    record = RunStore(store).record(CELL)
    assert record is not None and record["execution"]["strategy"] == strategy
    losses = [[loss for _, loss in found["loss"]] for found in (record, undisturbed)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
