"""One cell end to end, readable top to bottom: the composition root. Needs no Ray."""

import contextlib
import dataclasses
import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file

from ablate.cost import (
    QUESTION_TOKENS,
    Workload,
    flops,
    parameters,
    trainable_parameters,
)
from ablate.data.dataset import open_test
from ablate.data.sampling import clip_count
from ablate.evals.answers import Answers, Rows
from ablate.evals.controls import examine_with_controls
from ablate.evals.score import summarise
from ablate.inputs import tokenizer_of
from ablate.models.attention import choose
from ablate.models.lmm import VideoLMM
from ablate.peers import peers
from ablate.record import Record, named
from ablate.spec import Cell, to_dict
from ablate.store import RunStore, whole_file
from ablate.tasks import WORLD
from ablate.tokens import video_context
from ablate.train.group import is_spread
from ablate.train.module import Report
from ablate.training import Alive, Job, built, train_cell


def run_cell(cell: Cell, job: Job, report: Report, alive: Alive = lambda: None) -> Record:
    """Train a cell, unless its weights are there already, examine it and write its record.

    Args:
        cell: what is run.
        job: where and how.
        report: called with (step, loss) after every step.
        alive: called after every step, and while the cell is examined.

    Returns:
        The record, as it was written.

    Raises:
        Diverged: the loss stopped being a number; nothing is written but the cell's description.
        MediaError: a file of the data cannot be read.
        ValueError: the data do not fit the cell, or it is to execute as it cannot.
    """
    store = RunStore(job.store)
    store.begin(cell)
    torch.set_num_threads(job.execution.threads)
    how = dataclasses.replace(job.execution, attention=choose(job.execution))
    job = dataclasses.replace(job, execution=how)
    model = None
    if store.training(cell) is None:
        with peers(cell, job, alive):
            model = train_cell(cell, job, report, alive)
    if model is None or is_spread(model):
        model = built(cell, dataclasses.replace(job.execution, processes=1))
        model.load_state_dict(load_file(store.weights_path(cell)), strict=False)
    training = store.training(cell)
    assert training is not None

    alive()
    answers, evaluation = _examine(cell, job, store, model, alive)
    record = _record(cell, training, answers, evaluation)
    with whole_file(store.score_dir(cell) / "questions.parquet") as path:
        answers["video"].to_parquet(path, index=False)
    alive()
    store.finish(cell, record)
    return record


def _examine(
    cell: Cell, job: Job, store: RunStore, model: VideoLMM, alive: Alive
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Answers to the questions, with the videos and under two controls; what it took."""
    store.score_dir(cell).mkdir(parents=True, exist_ok=True)
    kept = Answers(store.score_dir(cell), job.execution.checkpoint_seconds)
    data = open_test(store.data_root / cell.eval_data)
    questions = data.samples
    sampling = cell.eval_protocol.sampling
    assert sampling is not None

    def keep(part: str, rows: Rows) -> None:
        alive()
        kept.keep(part, rows)

    answers = examine_with_controls(
        model, questions, cell.design, cell.size,
        tokenizer_of(cell.size, cell.init, job.execution.weights), sampling, store.cache_root,
        answered=kept.parts, keep=keep,
    )  # fmt: skip
    clips = [clip_count(sampling, question.duration) for question in questions]
    distinct = {q.video.key: count for q, count in zip(questions, clips, strict=True)}
    return answers, {
        "seconds": {"evaluate": kept.seconds},
        "execution": to_dict(job.execution),
        "data": data.report(),
        "workload": {
            "eval_rows": len(questions),
            "eval_tokens": video_context(cell.design, cell.size, mean(clips)) + QUESTION_TOKENS,
            "eval_clips": sum(distinct.values()),
        },
    }


def _record(
    cell: Cell,
    training: dict[str, Any],
    answers: dict[str, pd.DataFrame],
    evaluation: dict[str, Any],
) -> Record:
    workload = Workload(**training["workload"], **evaluation["workload"])
    seconds = training["seconds"] | evaluation["seconds"]
    told = {part: summarise(rows, WORLD) for part, rows in answers.items()}
    controls = ("question_only", "single_frame")
    return {
        **named(cell),
        "scores": told["video"]["scores"],
        "kinds": told["video"]["kinds"],
        "groups": told["video"]["groups"],
        "controls": {name: told[name]["scores"] for name in controls},
        "parameters": parameters(cell.design, cell.size),
        "trainable_parameters": trainable_parameters(cell.design, cell.size),
        "cost": {
            "flops": flops(cell, workload),
            "seconds": seconds | {"total": sum(seconds.values())},
        },
        "loss": training["loss"],
        "sampling": training["sampling"],
        "data": {"train": training["data"], "test": evaluation["data"]},
        "execution": training["execution"],
        "evaluated_with": evaluation["execution"],
        "versions": _versions(),
        "git": _commit(),
    }


def _versions() -> dict[str, str]:
    """What scores may depend on beside the cell: packages, interpreter, instruction set."""
    packages = ("ablate", "torch", "transformers", "lightning", "decord", "av", "numpy")
    versions = {}
    for name in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # decord is a choice
            versions[name] = importlib.metadata.version(name)
    return {
        **versions,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


@cache
def _commit() -> str | None:
    """Git commit of the checkout the program runs from; None for an installed wheel."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except FileNotFoundError:  # a machine without git
        return None
    return found.stdout.strip() or None
