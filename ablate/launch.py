"""From the cells of a plan to a Ray Tune grid."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Protocol

from ablate.cluster import running

# isort: split
# Only now: `cluster` sets what ray reads when it is imported.
from ray import exceptions, tune

from ablate.failures import Failure, explain
from ablate.leftovers import ray_folder, sweep_folder
from ablate.pace import Pace
from ablate.placement import Machine, Share, place, share
from ablate.run import Job
from ablate.spec import Cell, Execution, from_dict, to_dict
from ablate.speed import as_probed
from ablate.store import RunStore
from ablate.worker import work

# A worker that dies, or a disk that is full, is told of in one line of ours.
for _tells in ("execution.tune_controller", "execution.experiment_state", "tune"):
    logging.getLogger(f"ray.tune.{_tells}").setLevel(logging.CRITICAL)

REPORT_EVERY = 1.0
"""Least seconds between two reports of a training's pace."""

_TRACE = 0.001
"""Of a resource that says what a node is, and is not used up."""
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


def launch(
    cells: Sequence[Cell], job: Job, listener: Listener, machines: Sequence[Machine]
) -> None:
    """Run cells as one Tune grid, as many at a time as fit.

    One trial trains what several cells share. A cell that fails leaves its reason in the store and
    never stops the others; one that another process is at is left to it.

    Args:
        cells: what is run.
        job: where and how.
        listener: is told.
        machines: this one alone, or the nodes of the cluster at `RAY_ADDRESS`.

    Raises:
        ValueError: a cell fits no machine, or the cluster cannot be reached.
    """
    store, left = RunStore(job.store), list(cells)
    relay = _Relay(listener, store)
    deaths: Counter[str] = Counter()
    trials = _trials(left, machines, job.execution, store)
    for cell in cells:
        store.forget_failure(cell)
    while left:
        try:
            return _fit(trials, job, relay, machines)
        except RuntimeError as error:
            # Where a cluster's Ray ends a worker for want of memory, Tune gives up on all of them.
            if not isinstance(error.__cause__, exceptions.RayError):
                raise
            cause = cause_of_death(error.__cause__)
        deaths.update(relay.running or {cell.train_id for cell in left})
        for cell in left:
            if deaths[cell.train_id] > RESTARTS:
                relay.killed(cell, cause)
        left = [cell for cell in left if cell.score_id not in relay.told]
        trials = _trials(left, machines, job.execution, store)


def _fit(
    trials: list[dict[str, Any]], job: Job, relay: "_Relay", machines: Sequence[Machine]
) -> None:
    relay.running.clear()
    with sweep_folder(Path(job.store)) as folder, running(machines[0], ray_folder(folder)):
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
                callbacks=[relay],
            ),
        )
        tuner.fit()


def _trials(
    cells: Sequence[Cell], machines: Sequence[Machine], base: Execution, store: RunStore
) -> list[dict[str, Any]]:
    """What each trial is told: the cells of one training, how it runs, and what it takes."""
    trainings: dict[str, list[Cell]] = {}
    for cell in cells:
        trainings.setdefault(cell.train_id, []).append(cell)
    hows = {
        key: place(same[0], machines, as_probed(base, same[0], store))
        for key, same in trainings.items()
    }
    rows: dict[str, list[tuple[Cell, Execution]]] = {}
    for key, how in hows.items():
        rows.setdefault(trainings[key][0].size.name, []).append((trainings[key][0], how))
    shares = {name: asdict(share(placed, machines)) for name, placed in rows.items()}
    return [
        {"cells": to_dict(same), "execution": to_dict(how), "share": shares[same[0].size.name]}
        for same, how in zip(trainings.values(), hows.values(), strict=True)
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
    """What one trial takes of a machine, in Ray's words."""
    taken = Share(**config["training"]["share"])
    needed: dict[str, float] = {"CPU": taken.cores, "memory": taken.memory}
    if taken.gpus:
        needed["GPU"] = taken.gpus
    if taken.gpu_kind:
        needed[taken.gpu_kind] = _TRACE
    return tune.PlacementGroupFactory([needed])


class _Relay(tune.Callback):
    """Turns Tune's events into the listener's; what became of a cell is read from the store."""

    def __init__(self, listener: Listener, store: RunStore) -> None:
        self.listener, self.store = listener, store
        self.running: set[str] = set()
        """Trainings that have begun and not ended."""
        self.told: set[str] = set()
        """Scores of cells whose end has been told."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks beside its state; a terminal cannot be, and is not needed."""
        return {}

    def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        for cell in _cells(trial.config):
            self.running.add(cell.train_id)
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
        cause = cause_of_death(trial.get_pickled_error())
        for cell in _cells(trial.config):
            self.killed(cell, cause)

    def killed(self, cell: Cell, cause: Failure) -> None:
        """Give a cell up whose worker died, unless it has ended by itself."""
        failure = self.store.failure(cell) or cause
        if not self.store.is_done(cell):
            with suppress(OSError):
                self.store.fail(cell, failure)
        self._tell(cell, failure)

    def _tell(self, cell: Cell, failure: Failure | None) -> None:
        self.running.discard(cell.train_id)
        self.told.add(cell.score_id)
        if self.store.is_done(cell):
            self.listener.finished(cell)
        elif failure is not None:
            self.listener.failed(cell, failure)
        else:
            self.listener.left(cell)


def cause_of_death(error: Exception | None) -> Failure:
    """What it was that ended a trial without an outcome."""
    if isinstance(error, exceptions.OutOfMemoryError):
        return Failure("memory", "Ray ended the worker because its machine ran out of memory")
    if isinstance(error, exceptions.RayTaskError):
        return explain(error.cause)
    return Failure("lost", "the worker process or its machine died")
