"""Runs the stages of a schedule, each with its own `Trainer.fit`."""

import logging
import warnings
from collections.abc import Callable, Iterable

import lightning.pytorch as pl

from ablate.data.collate import Batch
from ablate.models.lmm import VideoLMM
from ablate.spec import Execution
from ablate.train.module import Report, StageModule
from ablate.train.schedule import ResolvedStage

# Lightning announces every Trainer's devices; a sweep makes hundreds of Trainers.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def train(
    model: VideoLMM,
    stages: tuple[ResolvedStage, ...],
    loader: Callable[[ResolvedStage], Iterable[Batch]],
    execution: Execution,
    report: Report,
) -> list[tuple[int, float]]:
    """Train `model` in place through all stages.

    Args:
        model: what learns.
        stages: the resolved schedule.
        loader: makes the global batches of a stage.
        execution: device, micro-batch and whether activations are kept.
        report: called after every step.

    Returns:
        The loss curve as (step, mean loss per answer token in nats).

    Raises:
        Diverged: the loss stopped being a number.
    """
    curve: list[tuple[int, float]] = []

    def keep(step: int, loss: float) -> None:
        curve.append((step, loss))
        report(step, loss)

    for stage in stages:
        module = StageModule(model, stage, execution.micro_batch, keep)
        with warnings.catch_warnings():
            # Workers are a matter of speed that the plan decides, not of Lightning's advice.
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*`IterableDataset` has `__len__` defined.*")
            # Frozen parts are in evaluation mode on purpose.
            warnings.filterwarnings("ignore", ".*in eval mode at the start of training.*")
            warnings.filterwarnings("ignore", ".*isinstance.treespec, LeafSpec.*")
            _trainer(stage, execution).fit(module, train_dataloaders=loader(stage))
    return curve


def _trainer(stage: ResolvedStage, execution: Execution) -> pl.Trainer:
    return pl.Trainer(
        max_steps=stage.steps,
        max_epochs=1,
        accelerator=execution.device,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
