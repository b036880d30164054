"""What a process does with the cells of one training, so that each ends with a record or a reason.

Needs no Ray: a Tune trial calls it, and so does `ablate run`.
"""

import signal
from collections.abc import Sequence

from ablate.failures import explain
from ablate.lease import LeaseLost
from ablate.run import Job, run_cell
from ablate.spec import Cell
from ablate.store import RunStore
from ablate.train.module import Report


def work(cells: Sequence[Cell], job: Job, report: Report) -> None:
    """Train once and examine as every cell asks, unless another process is at it.

    Cells that are done are left alone, and so are those that have failed: who wants them tried
    again forgets the failure first.

    Args:
        cells: of one `train_id`.
        job: where and how.
        report: called with (step, loss) after every step.
    """
    store = RunStore(job.store)
    lease = store.claim(cells[0])
    if lease is None:
        return

    def go_on(step: int, loss: float) -> None:
        lease.check()
        report(step, loss)

    with lease:
        store.remove_leftovers(cells[0])
        for cell in cells:
            if store.is_done(cell) or store.failure(cell) is not None:
                continue
            try:
                run_cell(cell, job, go_on)
            except LeaseLost:
                return
            except SystemExit as asked:
                # Lightning ends a training on SIGTERM, as if all were well.
                raise SystemExit(asked.code or 128 + signal.SIGTERM) from None
            except Exception as error:
                failure = explain(error)
                trained = store.training(cell) is not None
                for other in [cell] if trained else cells:
                    if not store.is_done(other):
                        store.fail(other, failure)
