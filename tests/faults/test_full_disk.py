"""A disk that fills up in the middle of a sweep: said clearly, nothing damaged, and it goes on."""

import errno
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from safetensors.torch import load_file

from ablate.store import RunStore
from ablate.worker import work
from tests.cells import FEW, few_cells, job, new_store, silent, small_cell
from tests.faults import sweeps

MEGABYTES = 24


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of `MEGABYTES` MB in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no filesystem can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    """Take all that is free, to the last byte."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    assert shutil.disk_usage(folder).free == 0
    return path


def _check_whole(store: Path) -> None:
    """Every file that is there is whole: a record, its answers, weights, reasons."""
    for path in (store / "runs").rglob("*"):
        if path.name in ("record.json", "failure.json", "cell.json", "training.json"):
            assert json.loads(path.read_text()), path
        elif path.name == "questions.parquet":
            assert len(pd.read_parquet(path)), path
        elif path.name == "weights.safetensors":
            assert load_file(path), path


def test_a_cell_on_a_full_disk_says_so_and_is_done_once_there_is_room(
    small_disk: Path, smoke_store: Path, call
) -> None:
    root, cell = new_store(small_disk / "store", smoke_store), small_cell(samples=32)
    store = RunStore(root)
    store.prepare()
    ballast = _fill(small_disk)
    path = root.parent.parent / "cell.json"
    from ablate.spec import to_dict

    path.write_text(json.dumps(to_dict(cell)))
    code, out, err = call("run", path, "--store", root)
    assert code in (1, 2) and (out + err).count("\n") <= 2
    assert "space" in out + err, out + err
    assert not store.is_done(cell) and "Traceback" not in out + err
    ballast.unlink()
    assert work([cell], job(root), silent) == {}
    assert store.is_done(cell)
    _check_whole(root)


@pytest.mark.slow
def test_a_sweep_whose_disk_fills_up_goes_on_when_there_is_room(
    small_disk: Path, done: Path, smoke_store: Path
) -> None:
    store = new_store(small_disk / "store", smoke_store)
    # What a terminal would show is not lost with the disk.
    sweeps.said(store).symlink_to(small_disk.parent / "said.txt")
    driver = sweeps.start(store, *FEW[2:])
    family: list[psutil.Process] = []
    try:
        sweeps.wait_for_records(store, 3, driver, seconds=400)
        family = psutil.Process(driver.pid).children(recursive=True)
        ballast = _fill(small_disk)
        assert driver.wait(timeout=400) == 1
    finally:
        driver.kill()
    before = sweeps.records(store)
    assert 3 <= len(before) < 14
    _check_whole(store)
    told = sweeps.said(store).read_text()
    assert "Traceback" not in told and "No space left on device" in told, told
    assert told.count(": disk: ") == 14 - len(before), told
    ballast.unlink()
    again = sweeps.start(store, *FEW[2:])
    assert again.wait(timeout=500) == 0, sweeps.said(store).read_text()
    after = sweeps.records(store)
    assert len(after) == 14 and {path: after[path] for path in before} == before
    _check_whole(store)
    undisturbed = RunStore(done)
    for cell in few_cells():
        found, expected = RunStore(store).record(cell), undisturbed.record(cell)
        assert found is not None and expected is not None
        for key in ("scores", "controls", "loss"):
            assert found[key] == expected[key]
    assert not [one for one in family if one.is_running()]
