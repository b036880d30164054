"""Two sweeps on one store at the same time share the work."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.cells import new_store
from tests.faults import sweeps

pytestmark = pytest.mark.slow


def test_two_sweeps_train_no_cell_twice(smoke_store, tmp_path) -> None:
    store = new_store(tmp_path / "store", smoke_store)
    drivers: list[subprocess.Popen] = [sweeps.start(store), sweeps.start(store)]
    first_seen: dict[Path, int] = {}
    while any(driver.poll() is None for driver in drivers):
        for path, number in sweeps.weights(store).items():
            assert first_seen.setdefault(path, number) == number, f"{path} was trained twice"
        time.sleep(0.02)
    assert [driver.returncode for driver in drivers] == [0, 0], sweeps.said(store).read_text()
    assert len(sweeps.records(store)) == 14 and sweeps.weights(store) == first_seen
    assert "run by another sweep" in sweeps.said(store).read_text()
