"""Where a training goes on after it was killed: written now and then, whole or not at all."""

import signal
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ablate.store import whole_file

Room = Callable[[int], None]
"""Called with the bytes that are about to be written; raises where there is no room for them."""


class Checkpoints(pl.Callback):
    """Keeps the latest checkpoint of a training in `folder`, at most `seconds` old.

    Lightning makes and restores it; it holds the parts that were trained so far, the optimiser, the
    place in the data, the random state and the run's `Progress`. A checkpoint of a stage replaces
    that of the stage before.
    """

    def __init__(self, folder: Path, seconds: float, room: Room) -> None:
        self.folder, self.seconds = folder, seconds
        self.files = WholeFiles(room)
        self._last = time.monotonic()
        self._asked_to_end = False

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Hear of SIGTERM instead of Lightning, which would talk to others amid a step."""
        if trainer.world_size > 1 and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ask_to_end)

    def _ask_to_end(self, *_: Any) -> None:
        self._asked_to_end = True

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, *_: Any) -> None:
        """Write a checkpoint when it is time, or when the first process is asked to end.

        Raises:
            SystemExit: it was, and there are several.
        """
        asked = trainer.received_sigterm or self._asked_to_end
        due = asked or time.monotonic() - self._last >= self.seconds
        if not trainer.strategy.broadcast(due):
            return
        trainer.save_checkpoint(self._path(module.stage.index), weights_only=False)
        if trainer.is_global_zero:
            for index in range(module.stage.index):
                self._path(index).unlink(missing_ok=True)
        self._last = time.monotonic()
        if self._asked_to_end:
            raise SystemExit(128 + signal.SIGTERM)

    def latest(self, stages: int) -> tuple[int, Path] | None:
        """The stage to go on with and its checkpoint, if there is one that can be read."""
        for index in reversed(range(stages)):
            if _is_whole(self._path(index)):
                return index, self._path(index)
        return None

    def remove(self) -> None:
        """Drop what only an unfinished training needs."""
        for path in self.folder.glob("checkpoint-*.pt"):
            path.unlink(missing_ok=True)

    def _path(self, index: int) -> Path:
        return self.folder / f"checkpoint-{index}.pt"


class WholeFiles(TorchCheckpointIO):
    """Lightning's file access: asks for room, and a reader sees a whole file or none."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write `checkpoint` to `path`.

        Raises:
            OSError: there is no room for it; what was there before stays.
        """
        path = Path(path)
        self.room(_bytes(checkpoint))
        with whole_file(path) as temporary:
            torch.save(checkpoint, temporary)


def _bytes(value: Any) -> int:
    """What the tensors in nested dictionaries and lists take."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0


def _is_whole(path: Path) -> bool:
    """Whether the file is there and every part of it has the checksum it was written with."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False
