"""Every cell of a training ends with a record or a reason, and no work is done twice."""

import dataclasses
import json

from ablate.axes import Uniform
from ablate.failures import Failure
from ablate.spec import Protocol
from ablate.store import RunStore
from ablate.worker import work
from tests.cells import job, small_cell
from tests.claims import elsewhere, write_claim

CELL = small_cell(samples=32)
OTHERWISE = dataclasses.replace(CELL, protocol=Protocol(Uniform(8)))


class _Steps:
    """Counts the steps that were trained."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def __call__(self, step: int, loss: float) -> None:
        self.losses.append(loss)


def test_two_ways_of_examining_train_once(store) -> None:
    steps, kept = _Steps(), RunStore(store)
    work([CELL, OTHERWISE], job(store), steps)
    assert len(steps.losses) == 2
    first, second = kept.record(CELL), kept.record(OTHERWISE)
    assert first is not None and second is not None
    assert first["loss"] == second["loss"] and first["train_id"] == second["train_id"]
    assert kept.holder(CELL) is None


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


def test_who_loses_the_claim_stops_andwrite_claims_nothing(store) -> None:
    kept = RunStore(store)

    def taken_over(step: int, loss: float) -> None:
        write_claim(kept.run_dir(CELL), elsewhere(), number=1)

    work([CELL], job(store), taken_over)
    assert kept.training(CELL) is None and not kept.is_done(CELL)
    assert kept.failure(CELL) is None and kept.holder(CELL) == elsewhere()


def test_half_written_files_of_a_deadwrite_claimr_are_removed(store) -> None:
    kept = RunStore(store)
    kept.score_dir(CELL).mkdir(parents=True)
    for path in (kept.run_dir(CELL) / ".weights.1", kept.score_dir(CELL) / ".record.json.1"):
        path.write_text("half")
    work([CELL], job(store), _Steps())
    assert json.loads((kept.score_dir(CELL) / "record.json").read_text())
    assert not list(kept.run_dir(CELL).rglob(".*"))
