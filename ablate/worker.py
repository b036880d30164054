"""What a process does with the cells of one training, so that each ends with a record or a reason.

Needs no Ray: a Tune trial calls it, and so does `ablate run`.
"""

import contextlib
import ctypes
import dataclasses
import gc
import signal
from collections.abc import Callable, Sequence

import torch

from ablate.failures import Failure, explain
from ablate.lease import LeaseLost
from ablate.pace import Meter, Pace
from ablate.run import Alive, Job, run_cell
from ablate.spec import Cell
from ablate.store import RunStore
from ablate.train.module import Report
from ablate.watchdog import Watchdog


def work(cells: Sequence[Cell], job: Job, report: Callable[[Pace], None]) -> dict[str, Failure]:
    """Train once and examine as every cell asks, unless another process is at it.

    Cells that are done are left alone, and so are those that have failed: who wants them tried
    again forgets the failure first. A process that makes no progress is ended.

    Args:
        cells: of one `train_id`.
        job: where and how.
        report: called after every step of the training.

    Returns:
        Why cells failed, by `score_id`; the store says so too, if its disk is not full.
    """
    try:
        return _work(cells, job, report)
    except OSError as error:
        # The store cannot even be claimed, as its disk is full or gone.
        why = explain(error)
        return {cell.score_id: why for cell in cells if not RunStore(job.store).is_done(cell)}


def _work(cells: Sequence[Cell], job: Job, report: Callable[[Pace], None]) -> dict[str, Failure]:
    failures: dict[str, Failure] = {}
    store = RunStore(job.store)
    lease = store.claim(cells[0])
    if lease is None:
        return failures
    with lease:
        store.remove_leftovers(cells[0])
        # Looked at before the watchdog begins: a file of its kind says where the last one hung.
        left = [cell for cell in cells if not store.is_done(cell) and store.failure(cell) is None]
        if not left:
            return failures
        meter = Meter(cells[0], store.run_dir(cells[0]))
        with Watchdog(store.hang_path(cells[0]), job.execution.patience_seconds) as watchdog:

            def alive() -> None:
                lease.check()
                watchdog.feed()

            def stepped(step: int, loss: float) -> None:
                report(meter.step(step, loss))

            for cell in left:
                if cell.score_id in failures:
                    continue
                try:
                    failure = _attempt(cell, job, stepped, alive)
                except LeaseLost:
                    return failures
                except SystemExit as asked:
                    # Lightning ends a training on SIGTERM, as if all were well.
                    raise SystemExit(asked.code or 128 + signal.SIGTERM) from None
                if failure is not None:
                    failures |= _fail(store, cell, left, failure)
    return failures


def _attempt(cell: Cell, job: Job, report: Report, alive: Alive) -> Failure | None:
    """Run a cell, with ever smaller micro-batches while memory does not suffice."""
    while True:
        failure = None
        try:
            run_cell(cell, job, report, alive)
        except LeaseLost:
            raise
        except Exception as error:
            failure = explain(error)
        # Here an error has gone, and with it the tensors that its frames held.
        _give_back()
        if failure is None or failure.kind != "memory" or RunStore(job.store).training(cell):
            return failure
        if not (
            smaller := (job.execution.micro_batch or job.execution.share(cell.size.batch)) // 2
        ):
            return failure
        job = dataclasses.replace(
            job, execution=dataclasses.replace(job.execution, micro_batch=smaller)
        )


def _give_back() -> None:
    """Return the memory of what was trained: the next cell needs the room.

    Lightning's objects hold it in circles, and the C library keeps what tensors below 32 MB leave.
    """
    gc.collect()
    torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # only glibc keeps it, and can be asked
        ctypes.CDLL(None).malloc_trim(0)


def _fail(
    store: RunStore, cell: Cell, cells: Sequence[Cell], failure: Failure
) -> dict[str, Failure]:
    """Keep why a cell failed; a training that failed did so for all that share it."""
    failed = [cell] if store.training(cell) is not None else cells
    for other in failed:
        if not store.is_done(other):
            with contextlib.suppress(OSError):
                store.fail(other, failure)
    return {other.score_id: failure for other in failed if not store.is_done(other)}
