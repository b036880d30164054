"""A training that was stopped goes on to the very weights it would have had."""

import dataclasses
import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import ablate.run
from ablate.axes import Schedule, Stage, StageData
from ablate.disk import footprint
from ablate.run import run_cell
from ablate.spec import Cell
from ablate.store import RunStore
from ablate.train.checkpoint import Checkpoints
from tests.cells import BASE, job, new_store, silent, small_cell

STAGED = Schedule(
    (
        Stage(0.4, connector=1.0),
        Stage(0.4, llm=1.0, connector=0.5, data=StageData.VIDEO),
        Stage(0.2, vision=1.0, connector=1.0, llm=1.0),
    )
)
STEPS = 5
CELL = small_cell(dataclasses.replace(BASE, schedule=STAGED), samples=16 * STEPS)


class _Stop(Exception):
    """Ends a run as a kill would, but for the process."""


@pytest.fixture(autouse=True)
def no_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise _Stop

    monkeypatch.setattr(ablate.run, "_examine", stop)


def _train(store: Path, stop_at: int | None = None, cell: Cell = CELL, **execution) -> list[int]:
    """Train until a step, or to the end; the steps that were made."""
    steps: list[int] = []

    def report(step: int, loss: float) -> None:
        steps.append(step)
        if step == stop_at:
            raise _Stop

    with pytest.raises(_Stop):
        run_cell(cell, job(store, **({"checkpoint_seconds": 0.0} | execution)), report)
    return steps


def _left(store: Path) -> tuple[dict[str, bytes], dict]:
    """Weights and facts of the training, but for the time it took."""
    kept = RunStore(store)
    facts = kept.training(CELL)
    assert facts is not None
    seconds = facts.pop("seconds")
    del facts["execution"]
    assert all(value >= 0 for value in seconds.values())
    weights = load_file(kept.weights_path(CELL))
    return {name: value.numpy().tobytes() for name, value in weights.items()}, facts


def _checkpoints(store: Path) -> list[str]:
    return sorted(path.name for path in RunStore(store).run_dir(CELL).glob("*checkpoint*"))


@pytest.fixture(scope="module")
def undisturbed(smoke_store: Path, tmp_path_factory) -> tuple[dict[str, bytes], dict]:
    store = new_store(tmp_path_factory.mktemp("undisturbed"), smoke_store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablate.run, "_examine", lambda *_: (_ for _ in ()).throw(_Stop))
        assert _train(store, checkpoint_seconds=3600.0) == list(range(STEPS))
    return _left(store)


@pytest.mark.parametrize("stop_at", range(STEPS))
def test_a_run_stopped_at_any_step_ends_alike(stop_at: int, store, undisturbed) -> None:
    assert _train(store, stop_at) == list(range(stop_at + 1))
    # The step that was stopped is lost, and no other.
    assert _train(store) == list(range(stop_at, STEPS))
    assert _left(store) == undisturbed
    assert _checkpoints(store) == []


def test_a_run_stopped_again_and_again_ends_alike(store, undisturbed) -> None:
    for stop_at in (0, 1, 1, 3, 3, 4):
        _train(store, stop_at, data_workers=1)
    assert _train(store) == [4]
    assert _left(store) == undisturbed


def test_one_checkpoint_is_kept_and_holds_what_was_trained(store) -> None:
    _train(store, stop_at=1)
    assert _checkpoints(store) == ["checkpoint-0.pt"]
    held = torch.load(RunStore(store).run_dir(CELL) / "checkpoint-0.pt", weights_only=True)
    assert {name.split(".")[1] for name in held["state_dict"]} == {"connector"}
    _train(store, stop_at=4)
    assert _checkpoints(store) == ["checkpoint-1.pt"]
    held = torch.load(RunStore(store).run_dir(CELL) / "checkpoint-1.pt", weights_only=True)
    assert {name.split(".")[1] for name in held["state_dict"]} == {"connector", "llm"}


def test_files_are_as_large_as_the_plan_says(store, monkeypatch) -> None:
    monkeypatch.setattr(Checkpoints, "remove", silent)
    _train(store)
    kept, expected = RunStore(store), footprint([CELL])
    (last,) = kept.run_dir(CELL).glob("checkpoint-*.pt")
    for size, most in (
        (kept.weights_path(CELL).stat().st_size, expected.weights),
        (2 * last.stat().st_size, expected.checkpoints),
    ):
        assert most <= size < 1.5 * most  # names and headers weigh most in a model this small


def test_a_run_shorter_than_the_interval_writes_no_checkpoint(store, monkeypatch) -> None:
    monkeypatch.setattr("lightning.pytorch.Trainer.save_checkpoint", _fail)
    _train(store, checkpoint_seconds=60.0)


def _fail(*_: object, **__: object) -> None:
    raise AssertionError("a checkpoint was written")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [_cut, _flip, _empty])
def test_a_damaged_checkpoint_is_not_used(damage: Callable, store, undisturbed) -> None:
    _train(store, stop_at=1)
    damage(RunStore(store).run_dir(CELL) / "checkpoint-0.pt")
    assert _train(store) == list(range(STEPS))
    assert _left(store) == undisturbed


def test_no_room_stops_the_run_and_what_was_written_stays(store, undisturbed, monkeypatch) -> None:
    _train(store, stop_at=2)
    before = (RunStore(store).run_dir(CELL) / "checkpoint-0.pt").read_bytes()
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage(store)._replace(free=10_000_000)
        patch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OSError, match=r"no space left: .* are needed") as caught:
            run_cell(CELL, job(store, checkpoint_seconds=0.0), silent)
    assert caught.value.errno == errno.ENOSPC
    assert (RunStore(store).run_dir(CELL) / "checkpoint-0.pt").read_bytes() == before
    assert _train(store) == [2, 3, 4]
    assert _left(store) == undisturbed


def test_loading_never_runs_code_from_a_file(store, monkeypatch) -> None:
    asked: list[object] = []
    load = torch.load

    def watched(*arguments, **options):
        asked.append(options.get("weights_only"))
        return load(*arguments, **options)

    monkeypatch.setattr(torch, "load", watched)
    _train(store, stop_at=1)
    _train(store)
    assert asked == [True]
