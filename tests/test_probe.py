"""A probe trains for real, leaves nothing but a speed, and says why it cannot."""

import dataclasses
from pathlib import Path

import pytest

from ablate import probe
from ablate.axes import Connector, ConnectorKind
from ablate.plan import Counts
from ablate.spec import Execution, Init
from ablate.world.generate import generate
from tests.cells import BASE, job, new_store, silent, small_cell

COUNTS = Counts(train_videos=60, questions=200, test_videos=40)
SMALL = dataclasses.replace(probe.WORLD, test_videos=1)
MORE = dataclasses.replace(BASE, connector=Connector(ConnectorKind.MLP, 16))
CELLS = [small_cell(), small_cell(MORE), small_cell(seed=1)]


@pytest.fixture
def store(smoke_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(probe, "WORLD", SMALL)
    monkeypatch.setattr(probe, "STEPS", 2)
    generate(SMALL, smoke_store / "data", 1, silent)
    return new_store(tmp_path / "store", smoke_store)


def test_two_designs_give_a_speed_and_leave_nothing(store: Path) -> None:
    speed = probe.probe(CELLS, COUNTS, job(store))
    assert (speed.kind, speed.device) == ("CPU", "1 CPU thread")
    assert min(speed.train, speed.evaluate, speed.load) > 1e6 and speed.step >= 0
    assert {path.name for path in store.iterdir()} <= {"data", "cache"}


def test_a_probe_that_fails_says_why(store: Path) -> None:
    homeless = dataclasses.replace(CELLS[0], data="0" * 16)
    with pytest.raises(ValueError, match="probe of 10K fps-2") as caught:
        probe.probe([homeless], COUNTS, job(store))
    assert "\n" not in str(caught.value)
    assert {path.name for path in store.iterdir()} <= {"data", "cache"}


def test_a_probe_takes_one_micro_batch_a_step_and_random_weights() -> None:
    cell = dataclasses.replace(
        CELLS[0], size=dataclasses.replace(CELLS[0].size, weights="Qwen/none", batch=256)
    )
    short = probe._short(cell, Execution(micro_batch=16))
    assert (short.size.batch, short.samples, short.init) == (16, 16 * probe.STEPS, Init.RANDOM)
    assert short.size.llm == cell.size.llm and short.train_id != cell.train_id
    assert probe._short(CELLS[0], Execution()).init is Init.PRETRAINED
