"""Runs the stages of a schedule, each with its own `Trainer.fit`."""

import logging
import warnings
from collections.abc import Callable, Iterable, Sequence

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger

from ablate.data.collate import GlobalBatch
from ablate.models.lmm import VideoLMM
from ablate.spec import Execution
from ablate.train.checkpoint import Checkpoints
from ablate.train.group import Started, strategy_of
from ablate.train.module import Report, StageModule
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage

# Lightning announces every Trainer's devices; a sweep makes hundreds of Trainers.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def train(
    model: VideoLMM,
    stages: tuple[ResolvedStage, ...],
    loader: Callable[[ResolvedStage], Iterable[GlobalBatch]],
    execution: Execution,
    progress: Progress,
    report: Report,
    checkpoints: Checkpoints | None = None,
    loggers: Sequence[Logger] = (),
) -> None:
    """Train `model` in place through all stages, from the latest checkpoint where there is one.

    Args:
        model: what learns, as it was built.
        stages: the resolved schedule.
        loader: makes the global batches of a stage.
        execution: device, and the processes of which this is one.
        progress: takes in the loss curve.
        report: called after every step.
        checkpoints: where they lie, and when they are written; None for never.
        loggers: get loss, stage and learning rates of every step.

    Raises:
        Diverged: the loss stopped being a number.
    """
    towers_learn = any("vision" in stage.rates for stage in stages)
    first, path = (checkpoints and checkpoints.latest(len(stages))) or (0, None)
    for stage in stages[first:]:
        module = StageModule(model, stage, progress, report, towers_learn)
        with warnings.catch_warnings():
            # Workers are a matter of speed that the plan decides, not of Lightning's advice.
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*`IterableDataset` has `__len__` defined.*")
            # Frozen parts are in evaluation mode on purpose.
            warnings.filterwarnings("ignore", ".*in eval mode at the start of training.*")
            warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.*")
            # Several processes: nothing is changed in place, and small gradients are cheap to copy.
            warnings.filterwarnings("ignore", ".*returned a view tensor.*")
            warnings.filterwarnings("ignore", ".*Grad strides do not match bucket view.*")
            _trainer(stage, execution, checkpoints, loggers).fit(
                module, train_dataloaders=loader(stage), ckpt_path=path, weights_only=True
            )
        path = None


def _trainer(
    stage: ResolvedStage,
    execution: Execution,
    checkpoints: Checkpoints | None,
    loggers: Sequence[Logger],
) -> pl.Trainer:
    plugins: list = [checkpoints.files] if checkpoints else []
    if execution.processes > 1:
        plugins.append(Started())
    return pl.Trainer(
        max_steps=stage.steps,
        max_epochs=1,
        accelerator=execution.device,
        devices=execution.processes,
        strategy=strategy_of(execution),
        logger=list(loggers) or False,
        log_every_n_steps=1,
        callbacks=[checkpoints] if checkpoints else [],
        plugins=plugins,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
