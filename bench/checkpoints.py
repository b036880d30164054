"""What a training pays for being able to go on: checkpoints at their interval against none."""

import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from ablate import run
from ablate.run import Job, run_cell
from ablate.spec import Execution
from ablate.store import RunStore
from ablate.world.generate import generate
from tests.cells import WORLD, silent, small_cell

ROUNDS, STEPS, BATCH = 5, 150, 16
INTERVAL = Execution().checkpoint_seconds


class _Trained(Exception):
    """Ends a cell before its examination."""


def compare() -> str:
    """Processor time of a training without checkpoints, with, and with one after every step."""
    cell = small_cell(samples=STEPS * BATCH)
    spent: dict[float, list[float]] = {1e9: [], INTERVAL: [], 0.0: []}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generate(WORLD, root / "data", 1, silent)
        for number in range(ROUNDS + 1):
            for interval, times in spent.items():
                store = root / f"{number}-{interval}"
                store.mkdir()
                for shared in ("data", "cache"):
                    (root / shared).mkdir(exist_ok=True)
                    (store / shared).symlink_to(root / shared)
                seconds = _seconds(cell, Job(str(store), Execution(checkpoint_seconds=interval)))
                if number:  # the first round fills the cache
                    times.append(seconds)
    never, usual, always = (statistics.median(times) for times in spent.values())
    each = (always - never) / STEPS
    return (
        f"a training of {never:.1f} s: {usual / never - 1:+.1%} with a checkpoint every "
        f"{INTERVAL:.0f} s; writing one takes {1000 * each:.1f} ms, {each / INTERVAL:.2%} of that"
    )


def _seconds(cell, job: Job) -> float:
    with mock.patch.object(run, "_examine", side_effect=_Trained):
        begun = time.process_time()
        with contextlib.suppress(_Trained):
            run_cell(cell, job, silent)
        assert RunStore(job.store).training(cell) is not None
        return time.process_time() - begun
