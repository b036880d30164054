"""From the cells of a plan to a Ray Tune grid; the only file that imports ray."""

import logging
import os
import shutil
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

# Read by ray when it is imported: results live in the store, so Tune's own loggers are off.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Despite its name the switch that keeps a machine's own Ray on loopback, on every system.
if "RAY_ADDRESS" not in os.environ:
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")

import ray
from ray import tune

from ablate.run import Job, run_cell
from ablate.spec import Cell, from_dict, to_dict
from ablate.store import Failure, RunStore

REPORT_EVERY = 10
"""Steps between two progress reports of a cell."""


class Listener(Protocol):
    """What a sweep tells while it runs."""

    def started(self, cell: Cell) -> None:
        """A cell begins."""

    def stepped(self, cell: Cell, step: int, loss: float) -> None:
        """A running cell has made progress."""

    def finished(self, cell: Cell) -> None:
        """A cell has its record."""

    def failed(self, cell: Cell, failure: Failure) -> None:
        """A cell has none, and why."""


def launch(cells: Sequence[Cell], job: Job, listener: Listener, slots: int) -> None:
    """Run cells as one Tune grid: `slots` at a time here, or on the cluster at `RAY_ADDRESS`.

    A cell that fails leaves its reason in the store and never stops the others.
    """
    folder = Path(job.store) / "tune"
    with cluster(slots):
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(_trial, job=job), {"cpu": job.execution.threads}
            ),
            param_space={"cell": tune.grid_search([to_dict(cell) for cell in cells])},
            # A fresh actor spends seconds on imports; a reused one starts at once.
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(folder.resolve()),
                verbose=0,
                callbacks=[_Relay(listener, RunStore(job.store))],
            ),
        )
        try:
            tuner.fit()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _trial(config: dict[str, Any], job: Job) -> None:
    """One cell inside a Tune actor; its outcome goes to the store, its progress to Tune."""
    cell = from_dict(config["cell"])

    def report(step: int, loss: float) -> None:
        if step % REPORT_EVERY == 0:
            tune.report({"step": step, "loss": loss})

    try:
        run_cell(cell, job, report)
    except Exception as error:
        RunStore(job.store).fail(cell, explain(error))
    tune.report({"step": -1, "loss": 0.0})


def explain(error: Exception) -> Failure:
    """The kind of a failure and one line that says where it came from."""
    from ablate.data.faults import MediaError
    from ablate.train.module import Diverged

    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, Diverged):
        return Failure("diverged", text)
    if isinstance(error, MediaError):
        return Failure("data", text)
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return Failure("memory", text)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return Failure("bug", f"{type(error).__name__} at {where}: {text}")


class _Relay(tune.Callback):
    """Turns Tune's events into the listener's; whether a cell is done is read from the store."""

    def __init__(self, listener: Listener, store: RunStore) -> None:
        self.listener, self.store = listener, store

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its state; a terminal cannot be, and is not needed."""
        return {}

    def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        self.listener.started(from_dict(trial.config["cell"]))

    def on_trial_result(
        self, iteration: int, trials: list, trial: Any, result: dict, **info: Any
    ) -> None:
        if result["step"] >= 0:
            self.listener.stepped(from_dict(trial.config["cell"]), result["step"], result["loss"])

    def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        cell = from_dict(trial.config["cell"])
        if self.store.is_done(cell):
            self.listener.finished(cell)
        else:
            lost = Failure("lost", "the worker ended without a record")
            self.listener.failed(cell, self.store.failure(cell) or lost)

    def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        cell = from_dict(trial.config["cell"])
        lost = Failure("lost", "the worker process died")
        self.store.fail(cell, lost)
        self.listener.failed(cell, lost)


@contextmanager
def cluster(slots: int) -> Iterator[None]:
    """A quiet Ray on loopback without dashboard, or the existing cluster at `RAY_ADDRESS`."""
    if address := os.environ.get("RAY_ADDRESS"):
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(
            address="local",
            num_cpus=slots,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
        )
    try:
        yield
    finally:
        ray.shutdown()
