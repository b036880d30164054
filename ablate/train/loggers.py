"""Where the curves of a training go besides its record: Lightning's loggers, none online."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger

from ablate.spec import Cell, to_dict


@contextmanager
def open_loggers(cell: Cell, folder: Path, names: Sequence[str]) -> Iterator[list[Logger]]:
    """The loggers of one training, closed when it ends.

    `logs/version_<attempt>/metrics.csv` is always written; a training that goes on from a
    checkpoint opens the next one. TensorBoard's files lie in `tensorboard/`, those of Weights &
    Biases in `wandb/`, to be sent by `wandb sync` if at all.

    Args:
        cell: what is trained.
        folder: of its training.
        names: of `ablate.spec.LOGGERS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    loggers: list[Logger] = [CSVLogger(folder, name="logs", flush_logs_every_n_steps=20)]
    if "tensorboard" in names:
        loggers.append(TensorBoardLogger(folder, name="", version="tensorboard"))
    if "wandb" in names:
        loggers.append(_wandb(cell, folder))
    try:
        yield loggers
    finally:
        for logger in loggers:
            logger.finalize("success")
        if "wandb" in names:
            import wandb

            # A worker trains several cells; an open run would swallow the next one's.
            wandb.finish()


def _wandb(cell: Cell, folder: Path) -> WandbLogger:
    import wandb

    logging.getLogger("wandb").setLevel(logging.ERROR)
    settings = wandb.Settings(
        silent=True, console="off", disable_git=True, x_disable_stats=True, x_disable_meta=True
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*offline.*")
        return WandbLogger(
            name=f"{cell.size.name} {cell.design.name()} seed {cell.seed}",
            project="ablate",
            group=cell.design_id,
            save_dir=folder,
            offline=True,
            config=to_dict(cell),
            settings=settings,
        )
