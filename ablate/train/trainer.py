"""Runs the stages of a schedule, each with its own `Trainer.fit`."""

import logging
import warnings
from collections.abc import Callable, Iterable, Sequence

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger

from ablate.data.collate import Batch
from ablate.models.lmm import VideoLMM
from ablate.spec import Execution
from ablate.train.checkpoint import Checkpoints
from ablate.train.module import Report, StageModule
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage

# Lightning announces every Trainer's devices; a sweep makes hundreds of Trainers.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def train(
    model: VideoLMM,
    stages: tuple[ResolvedStage, ...],
    loader: Callable[[ResolvedStage], Iterable[Batch]],
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
        execution: device, micro-batch and whether activations are kept.
        progress: takes in the loss curve.
        report: called after every step.
        checkpoints: where they lie, and when they are written; None for never.
        loggers: get loss, stage and learning rates of every step.

    Raises:
        Diverged: the loss stopped being a number.
    """
    first, path = (checkpoints and checkpoints.latest(len(stages))) or (0, None)
    for stage in stages[first:]:
        module = StageModule(model, stage, execution.micro_batch, progress, report)
        with warnings.catch_warnings():
            # Workers are a matter of speed that the plan decides, not of Lightning's advice.
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*`IterableDataset` has `__len__` defined.*")
            # Frozen parts are in evaluation mode on purpose.
            warnings.filterwarnings("ignore", ".*in eval mode at the start of training.*")
            warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.*")
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
    return pl.Trainer(
        max_steps=stage.steps,
        max_epochs=1,
        accelerator=execution.device,
        devices=1,
        logger=list(loggers) or False,
        log_every_n_steps=1,
        callbacks=[checkpoints] if checkpoints else [],
        plugins=[checkpoints.files] if checkpoints else [],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
