"""Every cell of a training ends with a record or a reason, and no work is done twice."""

import dataclasses
import gc
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest
import torch

import ablate.evals.examine as examine_module
from ablate.axes import Uniform
from ablate.evals import controls
from ablate.failures import Failure
from ablate.models.lmm import VideoLMM
from ablate.pace import Pace
from ablate.spec import Protocol
from ablate.store import RunStore
from ablate.train import module
from ablate.worker import _give_back, work
from tests.cells import job, new_store, silent, small_cell
from tests.claims import elsewhere, write_claim

ROOT = Path(__file__).parents[1]
CELL = small_cell(samples=32)
OTHERWISE = dataclasses.replace(CELL, protocol=Protocol(Uniform(8)))


class _Steps:
    """Counts the steps that were trained."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def __call__(self, pace: Pace) -> None:
        self.losses.append(pace.loss)


def test_two_ways_of_examining_train_once(store) -> None:
    steps, kept = _Steps(), RunStore(store)
    work([CELL, OTHERWISE], job(store), steps)
    assert len(steps.losses) == 2
    first, second = kept.record(CELL), kept.record(OTHERWISE)
    assert first is not None and second is not None
    assert first["loss"] == second["loss"] and first["train_id"] == second["train_id"]
    assert kept.holder(CELL) is None


def test_nothing_of_a_model_is_left_when_its_cells_are_done(store) -> None:
    gc.collect()
    gc.disable()  # otherwise the next collection, whenever it comes, hides what is held
    try:
        work([CELL, OTHERWISE], job(store), silent)
        left = [held for held in gc.get_objects() if type(held) is VideoLMM]
    finally:
        gc.enable()
    assert left == []


def test_memory_goes_back_to_the_system() -> None:
    process, small = psutil.Process(), []
    before = process.memory_info().rss
    for _ in range(2):  # once it has freed a large block, the C library keeps such blocks
        large = []
        for _ in range(20):
            large.append(torch.ones(8_000_000, dtype=torch.bfloat16))
            small.append(torch.ones(3000))
        del large
    if process.memory_info().rss < before + 1e8:
        pytest.skip("this C library keeps nothing")
    _give_back()
    assert process.memory_info().rss < before + 1e8


def test_what_is_done_or_has_failed_is_left_alone(store) -> None:
    kept, steps = RunStore(store), _Steps()
    kept.finish(CELL, {"done": 1})
    kept.fail(OTHERWISE, Failure("bug", "KeyError"))
    work([CELL, OTHERWISE], job(store), steps)
    assert not steps.losses and kept.record(CELL) == {"done": 1}
    assert kept.failure(OTHERWISE) == Failure("bug", "KeyError")


def test_a_training_that_fails_fails_for_all_its_cells_at_once(store) -> None:
    doomed = [dataclasses.replace(cell, lr_scale=1e12) for cell in (CELL, OTHERWISE)]
    kept, steps = RunStore(store), _Steps()
    work(doomed, job(store), steps)
    failures = [kept.failure(cell) for cell in doomed]
    assert failures[0] == failures[1] and failures[0] is not None
    assert failures[0].kind == "diverged" and len(steps.losses) < 2


def test_an_examination_that_fails_leaves_the_others_alone(store) -> None:
    kept = RunStore(store)
    homeless = dataclasses.replace(CELL, eval_data="nowhere")
    work([homeless, CELL], job(store), _Steps())
    failure = kept.failure(homeless)
    assert failure is not None and failure.kind == "data" and "questions.json" in failure.reason
    assert kept.is_done(CELL) and kept.failure(CELL) is None


def test_what_another_process_is_at_is_left_to_it(store) -> None:
    kept = RunStore(store)
    kept.run_dir(CELL).mkdir(parents=True)
    write_claim(kept.run_dir(CELL), elsewhere())
    steps = _Steps()
    work([CELL], job(store), steps)
    assert not steps.losses and not kept.is_done(CELL) and kept.failure(CELL) is None
    assert kept.holder(CELL) == elsewhere()


def test_who_loses_the_claim_stops_and_claims_nothing(store) -> None:
    kept = RunStore(store)

    def taken_over(_: Pace) -> None:
        write_claim(kept.run_dir(CELL), elsewhere(), number=1)

    work([CELL], job(store), taken_over)
    assert kept.training(CELL) is None and not kept.is_done(CELL)
    assert kept.failure(CELL) is None and kept.holder(CELL) == elsewhere()


def test_half_written_files_of_a_dead_claimer_are_removed(store) -> None:
    kept = RunStore(store)
    kept.score_dir(CELL).mkdir(parents=True)
    for path in (kept.run_dir(CELL) / ".weights.1", kept.score_dir(CELL) / ".record.json.1"):
        path.write_text("half")
    work([CELL], job(store), _Steps())
    assert json.loads((kept.score_dir(CELL) / "record.json").read_text())
    assert not list(kept.run_dir(CELL).rglob(".*"))


# === out of memory ===


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine that holds four conversations at once; the micro-batches that were tried."""
    tried: list[int] = []
    nll = module.answer_nll

    def limited(model, batch):
        tried.append(len(batch.rows))
        if len(batch.rows) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return nll(model, batch)

    monkeypatch.setattr(module, "answer_nll", limited)
    return tried


def test_out_of_memory_halves_the_micro_batch_and_says_so(store, smoke_store, small_memory) -> None:
    kept, steps = RunStore(store), _Steps()
    assert work([CELL], job(store), steps) == {}
    assert small_memory == [16, 8, *[4] * 8]
    record = kept.record(CELL)
    assert record is not None and record["execution"]["micro_batch"] == 4
    undisturbed = RunStore(new_store(store.parent / "undisturbed", smoke_store))
    work([CELL], job(undisturbed.root, micro_batch=4), silent)
    assert record["loss"] == undisturbed.record(CELL)["loss"]


def test_memory_that_does_not_suffice_for_one_is_a_failure(store, monkeypatch) -> None:
    def full(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(module, "answer_nll", full)
    failures = work([CELL], job(store), silent)
    assert failures == {CELL.score_id: RunStore(store).failure(CELL)}
    assert failures[CELL.score_id].kind == "memory"


def test_an_examination_without_memory_changes_no_micro_batch(store, monkeypatch) -> None:
    tried: list[int] = []

    def full(*_, **__):
        tried.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(controls, "examine", full)
    assert work([CELL], job(store), silent)[CELL.score_id].kind == "memory"
    assert tried == [1] and RunStore(store).training(CELL)["execution"]["micro_batch"] is None


# === examinations that are killed ===


def test_an_examination_goes_on_where_it_was_stopped(store, smoke_store, monkeypatch) -> None:
    monkeypatch.setattr("ablate.evals.examine.QUESTIONS_AT_ONCE", 16)
    asked, chunk = [], examine_module._examine_chunk

    def counted(model, questions, *rest):
        asked.append(len(questions))
        if len(asked) in (2, 9):
            raise KeyboardInterrupt
        return chunk(model, questions, *rest)

    monkeypatch.setattr(examine_module, "_examine_chunk", counted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            work([CELL], job(store, checkpoint_seconds=0.0), silent)
    work([CELL], job(store, checkpoint_seconds=0.0), silent)
    monkeypatch.undo()
    monkeypatch.setattr("ablate.evals.examine.QUESTIONS_AT_ONCE", 16)
    whole = RunStore(new_store(store.parent / "undisturbed", smoke_store))
    work([CELL], job(whole.root), silent)
    expected, found = whole.record(CELL), RunStore(store).record(CELL)
    assert expected is not None and found is not None
    for key in ("scores", "controls", "kinds", "groups"):
        assert found[key] == expected[key]
    questions = [
        RunStore(root).score_dir(CELL) / "questions.parquet" for root in (store, whole.root)
    ]
    pd.testing.assert_frame_equal(*map(pd.read_parquet, questions), check_exact=True)
    chunks = len(pd.read_parquet(questions[0])) / 16
    assert len(asked) == 3 * math.ceil(chunks) + 2
    assert not list(RunStore(store).score_dir(CELL).glob("answers*"))


# === hangs ===

HANG = """
import ctypes, sys, time
import ablate.evals.controls, ablate.worker
from tests.cells import job, silent
from tests.test_worker import CELL

class Watchdog(ablate.worker.Watchdog):
    def __enter__(self):
        global watchdog
        watchdog = super().__enter__()
        return watchdog

def hang(*_, **__):
    # Only now, as a busy machine may take long for what comes before.
    watchdog.patience, watchdog._fed = 1.0, 0.0
    watchdog.feed()
    {how}

ablate.evals.controls.examine, ablate.worker.Watchdog = hang, Watchdog
ablate.worker.work([CELL], job(sys.argv[1]), silent)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "time.sleep(1000)",
        # Holds the interpreter's lock: no Python thread could end this.
        "ctypes.PyDLL(None).sleep(1000)",
    ],
)
def test_a_process_that_hangs_is_ended_and_says_where(store, how: str) -> None:
    command = [sys.executable, "-c", HANG.format(how=how), str(store)]
    assert subprocess.run(command, check=False, timeout=900).returncode == 1
    kept = RunStore(store)
    failure = kept.failure(CELL)
    assert failure is not None and failure.kind == "timeout"
    assert re.fullmatch(
        r"no progress at <string>:\d+ \(hang\), called at ablate/evals/controls.py:\d+ \(ask\)",
        failure.reason,
    ), failure.reason
    assert kept.training(CELL) is not None and kept.holder(CELL) is None
    steps = _Steps()
    work([CELL], job(store), steps)
    assert kept.failure(CELL) == failure  # who wants it tried again says so
    kept.forget_failure(CELL)
    work([CELL], job(store), steps)
    assert kept.is_done(CELL) and not steps.losses


def test_a_watchdog_that_is_fed_leaves_nothing(store) -> None:
    work([CELL], job(store, patience_seconds=30.0), silent)
    assert not (RunStore(store).hang_path(CELL)).exists()
