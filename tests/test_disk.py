"""The large files of a store stay within its budget, and off a full disk."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from ablate.disk import RESERVE, Disk
from tests.claims import elsewhere, write_claim


def _run(
    runs: Path, name: str, *, weights: int = 0, checkpoint: int = 0, done: bool = True, age: int = 0
) -> Path:
    folder = runs / name
    (folder / "score").mkdir(parents=True)
    for path, size in (("weights.safetensors", weights), ("checkpoint-0.pt", checkpoint)):
        if size:
            (folder / path).write_bytes(b"0" * size)
            os.utime(folder / path, (1e9 - age, 1e9 - age))
    if done:
        (folder / "score" / "record.json").write_text("{}")
    return folder


def _large(runs: Path) -> set[str]:
    return {
        f"{p.parent.name}/{p.name}" for p in runs.rglob("*") if p.suffix in (".pt", ".safetensors")
    }


def test_within_the_budget_nothing_goes(tmp_path) -> None:
    _run(tmp_path, "a", weights=600)
    disk = Disk(tmp_path, budget=1000)
    disk.make_room(400)
    assert disk.used() == 600 and len(_large(tmp_path)) == 1


def test_the_oldest_weights_of_finished_runs_go_first(tmp_path) -> None:
    _run(tmp_path, "new", weights=300)
    old = _run(tmp_path, "old", weights=300, age=10)
    _run(tmp_path, "trained", weights=300, age=20, done=False)
    Disk(tmp_path, budget=1000).make_room(400)
    assert _large(tmp_path) == {"new/weights.safetensors", "trained/weights.safetensors"}
    assert (old / "score" / "record.json").exists()


def test_a_checkpoint_goes_last_and_never_while_a_process_is_at_it(tmp_path) -> None:
    _run(tmp_path, "finished", weights=300)
    _run(tmp_path, "stopped", checkpoint=300, age=20, done=False)
    running = _run(tmp_path, "running", checkpoint=300, age=30, done=False)
    write_claim(running, elsewhere())
    Disk(tmp_path, budget=1000).make_room(200)
    assert _large(tmp_path) == {"stopped/checkpoint-0.pt", "running/checkpoint-0.pt"}
    Disk(tmp_path, budget=1000).make_room(600)
    assert _large(tmp_path) == {"running/checkpoint-0.pt"}
    with pytest.raises(OSError, match="800 bytes exceed the budget of 1 kB") as caught:
        Disk(tmp_path, budget=1000).make_room(800)
    assert caught.value.errno == errno.ENOSPC
    assert _large(tmp_path) == {"running/checkpoint-0.pt"}


def test_a_disk_that_is_nearly_full_is_left_alone(tmp_path, monkeypatch) -> None:
    _run(tmp_path, "a", weights=600)
    usage = shutil.disk_usage(tmp_path)._replace(free=RESERVE + 99)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    Disk(tmp_path).make_room(99)
    with pytest.raises(OSError, match="100 bytes are needed and 10 MB free") as caught:
        Disk(tmp_path).make_room(100)
    assert caught.value.errno == errno.ENOSPC and str(tmp_path) in str(caught.value)
