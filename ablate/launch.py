"""From the cells of a plan to a Ray Tune grid; the only file that imports ray."""

import logging
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields, replace
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

from ablate.failures import Failure, explain
from ablate.pace import Pace
from ablate.placement import Machine, host_memory, place
from ablate.run import Job
from ablate.spec import Cell, Execution, from_dict, to_dict
from ablate.store import RunStore
from ablate.worker import work

# A worker that dies is told of in one line of ours.
logging.getLogger("ray.tune.execution.tune_controller").setLevel(logging.CRITICAL)

REPORT_EVERY = 1.0
"""Least seconds between two reports of a training's pace."""


RESTARTS = 2
"""How often a training whose worker died goes on in another one before it counts as lost."""


class Listener(Protocol):
    """What a sweep tells while it runs."""

    def started(self, cell: Cell) -> None:
        """A cell begins."""

    def stepped(self, cell: Cell, pace: Pace) -> None:
        """The training of a running cell has made progress."""

    def finished(self, cell: Cell) -> None:
        """A cell has its record."""

    def failed(self, cell: Cell, failure: Failure) -> None:
        """A cell has none, and why."""

    def left(self, cell: Cell) -> None:
        """A cell was left to another process that is at it."""


def launch(cells: Sequence[Cell], job: Job, listener: Listener, machine: Machine) -> None:
    """Run cells as one Tune grid: as many at a time as fit here, or on the cluster `RAY_ADDRESS`.

    One trial trains what several cells share. A cell that fails leaves its reason in the store and
    never stops the others; one that another process is at is left to it.

    Raises:
        ValueError: a cell does not fit the machine.
    """
    store = RunStore(job.store)
    trials = _trials(cells, machine, job.execution)
    for cell in cells:
        store.forget_failure(cell)
    folder = Path(tempfile.mkdtemp(prefix="tune-", dir=store.root)).resolve()
    with cluster(machine):
        tuner = tune.Tuner(
            tune.with_resources(tune.with_parameters(_trial, job=job), _resources),
            param_space={"training": tune.grid_search(trials)},
            # A fresh actor spends seconds on imports; a reused one starts at once.
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=str(folder),
                verbose=0,
                # Only the death of a worker reaches Tune as an error: it is started anew.
                failure_config=tune.FailureConfig(max_failures=RESTARTS),
                callbacks=[_Relay(listener, store)],
            ),
        )
        try:
            tuner.fit()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _trials(cells: Sequence[Cell], machine: Machine, base: Execution) -> list[dict[str, Any]]:
    """What each trial is told: the cells of one training, how it runs, and the memory it takes.

    That is the same for a whole row of the ladder, as an actor is reused for equal requests only.
    """
    trainings: dict[str, list[Cell]] = {}
    for cell in cells:
        trainings.setdefault(cell.train_id, []).append(cell)
    placed = [(same, place(same[0], machine, base)) for same in trainings.values()]
    memory: dict[str, int] = {}
    for (cell, *_), how in placed:
        taken = math.ceil(host_memory(cell, how))
        memory[cell.size.name] = max(taken, memory.get(cell.size.name, 0))
    return [
        {"cells": to_dict(same), "execution": to_dict(how), "memory": memory[same[0].size.name]}
        for same, how in placed
    ]


def _trial(config: dict[str, Any], job: Job) -> None:
    """The cells of one training inside a Tune actor; outcomes go to the store, steps to Tune."""
    last = -REPORT_EVERY

    def report(pace: Pace) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_EVERY:
            last = time.monotonic()
            tune.report(asdict(pace))

    job = replace(job, execution=from_dict(config["training"]["execution"]))
    failures = work(_cells(config), job, report)
    told = {score_id: asdict(failure) for score_id, failure in failures.items()}
    # Where a result holds no number of ours, Tune prints a line in spite of its verbosity.
    tune.report({"ended": 1, "failures": told})


def _cells(config: dict[str, Any]) -> tuple[Cell, ...]:
    return tuple(from_dict(cell) for cell in config["training"]["cells"])


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """What one trial takes of the machine."""
    how = from_dict(config["training"]["execution"])
    needed = {"CPU": how.processes * how.threads, "memory": config["training"]["memory"]}
    if how.device == "cuda":
        needed["GPU"] = how.processes
    return tune.PlacementGroupFactory([needed])


class _Relay(tune.Callback):
    """Turns Tune's events into the listener's; what became of a cell is read from the store."""

    def __init__(self, listener: Listener, store: RunStore) -> None:
        self.listener, self.store = listener, store

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its state; a terminal cannot be, and is not needed."""
        return {}

    def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        for cell in _cells(trial.config):
            self.listener.started(cell)

    def on_trial_result(
        self, iteration: int, trials: list, trial: Any, result: dict, **info: Any
    ) -> None:
        if "ended" not in result:
            pace = Pace(**{field.name: result[field.name] for field in fields(Pace)})
            self.listener.stepped(_cells(trial.config)[0], pace)

    def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        told = (trial.last_result or {}).get("failures", {})
        for cell in _cells(trial.config):
            failure = told.get(cell.score_id)
            self._tell(cell, Failure(**failure) if failure else self.store.failure(cell))

    def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        killed = cause_of_death(trial.get_pickled_error())
        for cell in _cells(trial.config):
            failure = self.store.failure(cell) or killed
            if not self.store.is_done(cell):
                with suppress(OSError):
                    self.store.fail(cell, failure)
            self._tell(cell, failure)

    def _tell(self, cell: Cell, failure: Failure | None) -> None:
        if self.store.is_done(cell):
            self.listener.finished(cell)
        elif failure is not None:
            self.listener.failed(cell, failure)
        else:
            self.listener.left(cell)


def cause_of_death(error: Exception | None) -> Failure:
    """What it was that ended a trial without an outcome."""
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return Failure("memory", "Ray ended the worker because its machine ran out of memory")
    if isinstance(error, ray.exceptions.RayTaskError):
        return explain(error.cause)
    return Failure("lost", "the worker process or its machine died")


@contextmanager
def cluster(machine: Machine) -> Iterator[None]:
    """A quiet Ray on loopback without dashboard, or the existing cluster at `RAY_ADDRESS`."""
    if address := os.environ.get("RAY_ADDRESS"):
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    else:
        ray.init(
            address="local",
            num_cpus=machine.cores,
            num_gpus=machine.gpus,
            _memory=round(machine.memory),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
        )
    try:
        yield
    finally:
        ray.shutdown()
