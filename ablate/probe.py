"""Short trainings on this device, from which a plan takes its speeds.

They are real cells on the study's own training data, in a store that goes afterwards; first weights
are random where the row has published ones, which changes no time.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from ablate.cost import expected_workload, flops
from ablate.plan import Counts
from ablate.run import Job
from ablate.spec import Cell, Execution, Init
from ablate.speed import Phases, Speed, Trial, fit_speed, phases_of
from ablate.store import Record, RunStore
from ablate.tasks import CATEGORIES
from ablate.worker import work
from ablate.world.recipe import RECIPES, fingerprint

STEPS = 20
"""Optimiser steps of a trial."""
WORLD = RECIPES["world-probe"]
"""A few videos with questions to be examined with; its training half is not used."""


def probe(cells: Sequence[Cell], counts: Counts, job: Job) -> Speed:
    """The speed of one size here, from its designs with the fewest and the most FLOPs a step.

    Where memory does not suffice the micro-batch is halved, as in a sweep; the smaller of the two
    is part of the answer.

    Args:
        cells: of one size.
        counts: of the data they are trained on.
        job: the store that holds these data and the world `WORLD`, and how the cells execute.

    Raises:
        ValueError: a trial failed; the line says why.
    """
    counts = Counts(counts.train_videos, WORLD.test_videos * len(CATEGORIES), WORLD.test_videos)
    short = [_short(cell, job.execution) for cell in cells]
    ordered = sorted(short, key=lambda cell: _phases(cell, counts).train)
    trials, fitted = [], []
    for cell in {cell.design_id: cell for cell in (ordered[0], ordered[-1])}.values():
        first, again = _run(cell, job)
        fitted += [first["execution"]["micro_batch"]]
        trials.append(_trial(_phases(cell, counts), first, again))
    return fit_speed(trials, *_device(job), min(filter(None, fitted), default=None))


def _short(cell: Cell, how: Execution) -> Cell:
    """The cell with as many steps as a probe has, and examined on a few questions.

    A step is one micro-batch, where batches are cut: the line through two designs tells the time of
    the optimiser apart.
    """
    batch = min(cell.size.batch, how.processes * (how.micro_batch or cell.size.batch))
    return dataclasses.replace(
        cell,
        size=dataclasses.replace(cell.size, batch=batch),
        samples=STEPS * batch,
        steps=STEPS,
        eval_data=fingerprint(WORLD, "test"),
        init=Init.RANDOM if cell.size.weights else cell.init,
        matched_to=None,
    )


def _phases(cell: Cell, counts: Counts) -> Phases:
    """FLOPs as a plan expects them, so that what it overestimates everywhere cancels out."""
    workload = expected_workload(cell, counts.train_videos, counts.questions, counts.test_videos)
    return phases_of(cell, workload, flops(cell, workload))


def _trial(phases: Phases, first: Record, again: Record) -> Trial:
    seconds, warm = first["cost"]["seconds"], again["cost"]["seconds"]["evaluate"]
    cold = max(0.0, seconds["evaluate"] - warm)
    return Trial(phases, seconds["train"], warm, seconds["decode"] + seconds["encode"] + cold)


def _run(cell: Cell, job: Job) -> tuple[Record, Record]:
    """The record of the cell, and the one when it is examined again with all clips kept.

    Raises:
        ValueError: it failed.
    """
    folder = Path(tempfile.mkdtemp(prefix="probe-", dir=job.store))
    try:
        (folder / "data").symlink_to(RunStore(job.store).data_root.resolve())
        store, records = RunStore(folder), []
        for _ in range(2):
            (store.score_dir(cell) / "record.json").unlink(missing_ok=True)
            failures = work([cell], dataclasses.replace(job, store=str(folder)), lambda _: None)
            if (record := store.record(cell)) is None:
                raise ValueError(
                    f"probe of {cell.size.name} {cell.design.name()}: {failures[cell.score_id]}"
                )
            records.append(record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return records[0], records[1]


def _device(job: Job) -> tuple[str, str]:
    """What the cells ran on: its kind, and in words."""
    if job.execution.device == "cuda":
        return "GPU", torch.cuda.get_device_name()
    threads = job.execution.threads
    return "CPU", f"{threads} CPU thread{'s' if threads > 1 else ''}"
