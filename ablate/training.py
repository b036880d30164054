"""Trains a cell: builds its model, feeds it and keeps what is left, in one process or several."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import torch
from safetensors.torch import save_file

from ablate.data.dataset import open_training, pools_of
from ablate.data.module import Order, Share, StageLoader
from ablate.data.samples import SampleMaker
from ablate.data.stats import SamplingStats
from ablate.disk import BUDGET, Disk
from ablate.inputs import tokenizer_of, viewer_of
from ablate.models.attention import choose
from ablate.models.build import build_model
from ablate.models.lmm import VideoLMM
from ablate.models.precision import multiply, recompute
from ablate.spec import Cell, Execution, Strategy, to_dict
from ablate.store import RunStore, whole_file
from ablate.train.checkpoint import Checkpoints
from ablate.train.group import whole
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


def built(cell: Cell, how: Execution) -> VideoLMM:
    """The cell's model on its device, with its first weights, as it is executed."""
    model = build_model(
        cell.design, cell.size, cell.init, cell.stream("init"),
        weights=how.weights, precision=how.precision, attention=choose(how),
    )  # fmt: skip
    if how.processes == 1 or how.strategy is Strategy.DDP:
        model.to(how.device)  # otherwise part by part, when it is spread
    multiply(model, how.precision, how.device)
    if how.checkpointing:
        recompute(model)
    return model


def train_cell(
    cell: Cell, job: Job, report: Report, alive: Alive = lambda: None, rank: int = 0
) -> VideoLMM:
    """Train a cell; the first process keeps weights and facts in the store.

    Args:
        cell: what is trained.
        job: where and how; of several processes each calls this, in a group they have joined.
        report: called with (step, loss) after every step.
        alive: called after every step.
        rank: which of the job's processes this is.

    Returns:
        The model; one that is spread over processes is of no use by itself.

    Raises:
        Diverged: the loss stopped being a number.
        MediaError: a file of the data cannot be read.
        ValueError: the data do not fit the cell, or its batch the processes.
    """
    how, store = job.execution, RunStore(job.store)
    how.share(cell.size.batch)
    torch.set_num_threads(how.threads)
    model, stages = built(cell, how), resolve(cell)
    data = open_training(store.data_root / cell.data)
    order = Order(cell.stream("order"), cell.design.mixture, stages, pools_of(data))
    viewer = viewer_of(cell.design, cell.size, model, cell.design.sampling, store.cache_root)
    tokenizer = tokenizer_of(cell.size, cell.init, how.weights)
    maker = SampleMaker(cell.design, tokenizer, viewer, cell.size.llm.context)
    progress = Progress(SamplingStats(cell.design.sampling))
    disk = Disk(store.runs, job.disk_budget)
    checkpoints = Checkpoints(store.run_dir(cell), how.checkpoint_seconds, disk.make_room)

    def loader(stage: ResolvedStage) -> StageLoader:
        return progress.watch(
            StageLoader(
                order, maker, start=stage.start, stop=stage.stop, batch=stage.batch,
                micro=how.micro_batch, encoders=list(model.encoders.values()),
                workers=how.data_workers, stats=progress.stats, share=Share(rank, how.processes),
            )
        )  # fmt: skip

    def stepped(step: int, loss: float) -> None:
        alive()
        report(step, loss)

    torch.manual_seed(cell.stream("noise"))
    first = rank == 0
    opened = open_loggers(cell, store.run_dir(cell), how.loggers) if first else nullcontext(())
    with opened as loggers:
        train(model, stages, loader, how, progress, stepped, checkpoints, loggers)
    stats, seconds = progress.all_stats(), progress.seconds()
    weights = {name: whole(value) for name, value in model.named(stages[-1].trained).items()}
    if first:
        disk.make_room(sum(value.nbytes for value in weights.values()))
        with whole_file(store.weights_path(cell)) as path:
            save_file(weights, path)
        facts = {
            "loss": progress.curve,
            "sampling": stats.to_dict(),
            "data": data.report(),
            "workload": _workload(order, stages[-1].stop, stats, viewer.apart is not None),
            "seconds": seconds,
            "execution": to_dict(how),
        }
        store.finish_training(cell, facts)
        checkpoints.remove()
    return model


def _workload(order: Order, samples: int, stats: SamplingStats, apart: bool) -> dict[str, float]:
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
