"""Curves besides the record: what every logger gets, offline, over stages and attempts."""

import csv
import dataclasses
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from lightning.pytorch.loggers import CSVLogger

from ablate.axes import Schedule, Stage
from ablate.run import run_cell
from ablate.spec import LOGGERS
from ablate.store import RunStore
from ablate.train.loggers import open_loggers
from tests.cells import BASE, job, new_store, silent, small_cell

BLOCK = 32 * 1024
TWO_STAGES = Schedule((Stage(0.5, connector=1.0), Stage(0.5, connector=1.0, llm=1.0)))
CELL = small_cell(dataclasses.replace(BASE, schedule=TWO_STAGES))


def rows(folder: Path, attempt: int = 0) -> list[dict[str, str]]:
    with (folder / "logs" / f"version_{attempt}" / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def kept(file: bytes) -> Iterator[bytes]:
    """The records of a W&B file: LevelDB's log format behind seven bytes of its own."""
    at, parts = 7, b""
    while at < len(file):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
        _, length, kind = struct.unpack_from("<IHB", file, at)
        parts += file[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last of several
            yield parts
            parts = b""


@pytest.fixture(scope="module")
def trained(smoke_store: Path, tmp_path_factory) -> tuple[Path, list[tuple[int, float]]]:
    """A cell of two stages with every logger, and the loss curve of its record."""
    store = new_store(tmp_path_factory.mktemp("logged"), smoke_store)
    record = run_cell(CELL, job(store, loggers=LOGGERS), silent)
    return RunStore(store).run_dir(CELL), record["loss"]


def test_the_csv_holds_every_step_of_all_stages(trained) -> None:
    folder, curve = trained
    found = rows(folder)
    assert [(int(row["step"]), float(row["loss"])) for row in found] == [
        (step, pytest.approx(loss)) for step, loss in curve
    ]
    assert [row["stage"] for row in found] == ["0", "0", "1", "1"]
    assert [row["rate/llm"] != "" for row in found] == [False, False, True, True]


def test_tensorboard_holds_the_same_curve(trained) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder, curve = trained
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    assert [(scalar.step, scalar.value) for scalar in events.Scalars("loss")] == [
        (step, pytest.approx(loss, rel=1e-6)) for step, loss in curve
    ]
    assert len(events.Scalars("rate/llm")) == 2


def test_weights_and_biases_stays_on_this_machine(trained) -> None:
    pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    folder, curve = trained
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    losses, name = [], ""
    for data in kept(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        name = record.run.display_name or name
        for item in record.history.item:
            if "loss" in (item.key, *item.nested_key):
                losses.append(float(item.value_json))
    assert losses == [pytest.approx(loss) for _, loss in curve]
    assert name == f"{CELL.size.name} {CELL.design.name()} seed 0"


def test_no_run_is_left_open_for_the_next_cell(trained) -> None:
    wandb = pytest.importorskip("wandb")
    assert wandb.run is None


def test_an_attempt_that_goes_on_keeps_what_the_first_one_wrote(tmp_path: Path) -> None:
    for attempt in range(2):
        with open_loggers(CELL, tmp_path, ()) as loggers:
            (only,) = loggers
            assert isinstance(only, CSVLogger)
            only.log_metrics({"loss": float(attempt)}, attempt)
    assert [rows(tmp_path, attempt)[0]["step"] for attempt in range(2)] == ["0", "1"]


def test_what_was_logged_before_a_failure_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), open_loggers(CELL, tmp_path, ()) as loggers:
        loggers[0].log_metrics({"loss": 2.5}, 0)
        raise RuntimeError
    assert rows(tmp_path) == [{"loss": "2.5", "step": "0"}]


def test_loggers_change_no_score_and_no_id(trained, store: Path) -> None:
    plain = run_cell(CELL, job(store), silent)
    assert plain["loss"] == trained[1]
