"""One cell end to end, readable top to bottom: the composition root. Needs no Ray."""

import dataclasses
import importlib.metadata
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from ablate.axes import Sampling, Still
from ablate.cost import (
    QUESTION_TOKENS,
    Workload,
    flops,
    parameters,
    trainable_parameters,
)
from ablate.data.cache import ArrayCache
from ablate.data.chat import ChatTokenizer
from ablate.data.dataset import open_test, open_training, pools_of
from ablate.data.features import TowerInput
from ablate.data.frames import view_of
from ablate.data.module import Order, StageLoader
from ablate.data.samples import SampleMaker
from ablate.data.sampling import clip_count
from ablate.data.stats import SamplingStats
from ablate.data.tokenizer import ClosedTokenizer, Tokenizer
from ablate.data.viewer import Viewer
from ablate.disk import BUDGET, Disk
from ablate.encoders import Path as TowerPath
from ablate.encoders import clip_path, picture_path
from ablate.evals.answers import Answers, Rows
from ablate.evals.examine import examine
from ablate.evals.score import summarise
from ablate.models.build import build_model
from ablate.models.encoders import VisionTower
from ablate.models.language import find_tokenizer
from ablate.models.lmm import VideoLMM
from ablate.models.precision import multiply, recompute
from ablate.spec import Cell, Execution, Init, to_dict
from ablate.store import Record, RunStore, whole_file
from ablate.tasks import WORLD
from ablate.tokens import video_context
from ablate.train.checkpoint import Checkpoints
from ablate.train.loggers import open_loggers
from ablate.train.module import Report
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage, resolve
from ablate.train.trainer import train


@dataclass(frozen=True)
class Job:
    """Where a cell's data and results lie, and how it executes."""

    store: str
    execution: Execution = field(default_factory=Execution)
    disk_budget: int = BUDGET
    """Bytes that the weights and checkpoints of the store may take."""


Alive = Callable[[], None]
"""Called wherever a run has made progress."""


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
        ValueError: the data do not fit the cell.
    """
    store = RunStore(job.store)
    store.begin(cell)
    torch.set_num_threads(job.execution.threads)
    model = _build(cell, job.execution)

    training = store.training(cell)
    if training is None:
        training = _train(cell, job, store, model, report, alive)
    else:
        model.load_state_dict(load_file(store.weights_path(cell)), strict=False)

    alive()
    answers, evaluation = _examine(cell, job, store, model, alive)
    record = _record(cell, training, answers, evaluation)
    with whole_file(store.score_dir(cell) / "questions.parquet") as path:
        answers["video"].to_parquet(path, index=False)
    alive()
    store.finish(cell, record)
    return record


def _build(cell: Cell, how: Execution) -> VideoLMM:
    """The cell's model on its device, as it is executed."""
    model = build_model(
        cell.design, cell.size, cell.init, cell.stream("init"),
        weights=how.weights, precision=how.precision,
    )  # fmt: skip
    model.to(how.device)
    multiply(model, how.precision, how.device)
    if how.checkpointing:
        recompute(model)
    return model


def _train(
    cell: Cell, job: Job, store: RunStore, model: VideoLMM, report: Report, alive: Alive
) -> dict[str, Any]:
    """Train in place and keep the weights; returns what the record will say of it."""
    design, stages = cell.design, resolve(cell)
    data = open_training(store.data_root / cell.data)
    order = Order(cell.stream("order"), design.mixture, stages, pools_of(data))
    viewer = _viewer(cell, store, model, design.sampling)
    maker = SampleMaker(design, _tokenizer(cell, job), viewer, cell.size.llm.context)
    progress = Progress(SamplingStats(design.sampling))
    disk = Disk(store.runs, job.disk_budget)
    checkpoints = Checkpoints(store.run_dir(cell), job.execution.checkpoint_seconds, disk.make_room)

    def loader(stage: ResolvedStage) -> StageLoader:
        return progress.watch(
            StageLoader(
                order, maker, start=stage.start, stop=stage.stop, batch=stage.batch,
                encoders=list(model.encoders.values()), workers=job.execution.data_workers,
                stats=progress.stats,
            )
        )  # fmt: skip

    def stepped(step: int, loss: float) -> None:
        alive()
        report(step, loss)

    torch.manual_seed(cell.stream("noise"))
    with open_loggers(cell, store.run_dir(cell), job.execution.loggers) as loggers:
        train(model, stages, loader, job.execution, progress, stepped, checkpoints, loggers)
    training = {
        "loss": progress.curve,
        "sampling": progress.stats.to_dict(),
        "data": data.report(),
        "workload": _trained(order, stages[-1].stop, progress.stats, viewer.apart is not None),
        "seconds": progress.seconds(),
        "execution": to_dict(job.execution),
    }
    weights = {name: value.detach() for name, value in model.named(stages[-1].trained).items()}
    disk.make_room(sum(value.nbytes for value in weights.values()))
    with whole_file(store.weights_path(cell)) as path:
        save_file(weights, path)
    store.finish_training(cell, training)
    checkpoints.remove()
    return training


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
    tokenizer = _tokenizer(cell, job)
    seen = _viewer(cell, store, model, sampling)
    still = _viewer(cell, store, model, Still(cell.design.sampling.frames_per_clip))

    def ask(part: str, viewer: Viewer, *, blind: bool = False) -> pd.DataFrame:
        def keep(rows: Rows) -> None:
            alive()
            kept.keep(part, rows)

        return examine(
            model, questions, cell.design, tokenizer, viewer,
            blind=blind, answered=kept.parts.get(part, ()), keep=keep,
        )  # fmt: skip

    answers = {
        "video": ask("video", seen),
        "single_frame": ask("single_frame", still),
        "question_only": ask("question_only", seen, blind=True),
    }
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
    controls = ("question_only", "single_frame")
    return {
        "cell": to_dict(cell),
        "train_id": cell.train_id,
        "score_id": cell.score_id,
        "design_id": cell.design_id,
        "names": cell.design.labels(),
        "evaluation": cell.protocol.label,
        "variant": cell.design.name(),
        "size": cell.size.parameters,
        "size_name": cell.size.name,
        "samples": cell.declared_samples,
        "seed": cell.seed,
        **summarise(answers["video"], WORLD),
        "controls": {name: summarise(answers[name], WORLD)["scores"] for name in controls},
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


def _tokenizer(cell: Cell, job: Job) -> Tokenizer:
    """The published language model's own; fresh ones learn the closed vocabulary."""
    found = find_tokenizer(cell.size, job.execution.weights, published=cell.init is Init.PRETRAINED)
    return ClosedTokenizer() if found is None else ChatTokenizer(found)


def _viewer(cell: Cell, store: RunStore, model: VideoLMM, sampling: Sampling) -> Viewer:
    """How the cell looks at media; towers that are trained get pixels instead of kept features."""
    design = dataclasses.replace(cell.design, sampling=sampling)
    clips, pictures = clip_path(design, cell.size), picture_path(design, cell.size)
    frozen = not cell.design.schedule.trains_vision

    def seen_by(tower: VisionTower, path: TowerPath) -> TowerInput:
        grid, weights = tower.shape.grid(path.frames), tower.fingerprint() if frozen else None
        return TowerInput(view_of(tower.shape), grid, tower.shape.hidden, weights)

    inputs = [seen_by(tower, clips) for tower in model.towers]
    apart = None
    if pictures is not None:
        apart = {
            at: seen_by(tower, pictures)
            for at, tower in enumerate(model.towers)
            if not tower.shape.video
        }
    return Viewer(sampling, inputs, ArrayCache(store.cache_root), frozen=frozen, apart=apart)


def _trained(order: Order, samples: int, stats: SamplingStats, apart: bool) -> dict[str, float]:
    """What passed through the model in training, for `ablate.cost.Workload`.

    `apart` says whether pictures have a path of their own.
    """
    drawn = [order[k] for k in range(samples)]
    pictures = sum(len(c.media) for c in drawn if c.modality != "video")
    videos = len({media for c in drawn if c.modality == "video" for media in c.media})
    sets = {c.media for c in drawn if c.modality != "video"}
    stills = sum(map(len, sets))
    per_video = stats.clips.total / max(1, stats.clips.count)
    return {
        "tokens_per_sample": stats.tokens.total() / samples,
        "clips_per_sample": (stats.clips.total + (0 if apart else pictures)) / samples,
        "pictures_per_sample": pictures / samples if apart else 0.0,
        "videos": videos,
        "encoded_clips": round(videos * per_video) + (0 if apart else stills),
        "encoded_pictures": stills if apart else 0,
    }


def _versions() -> dict[str, str]:
    """What scores may depend on beside the cell: packages, interpreter, instruction set."""
    packages = ("ablate", "torch", "transformers", "lightning", "decord", "numpy")
    return {
        **{name: importlib.metadata.version(name) for name in packages},
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
