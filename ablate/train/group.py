"""Several processes of one machine that train a cell together: how Lightning and PyTorch see them.

Who starts them is `ablate.peers`.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.environments import ClusterEnvironment
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy
from lightning.pytorch.strategies import Strategy as LightningStrategy
from torch import distributed, nn
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor

from ablate.models.lmm import VideoLMM
from ablate.spec import Execution, Strategy
from ablate.towers import VitShape

PATIENCE = timedelta(minutes=30)
"""Longest that a process waits for the others within a step."""


@contextmanager
def joined(store: distributed.Store, rank: int, how: Execution) -> Iterator[None]:
    """Be one of the processes that train together, until the block ends.

    Args:
        store: of torch, by which they find each other.
        rank: which of them this is.
        how: how many there are, and on what device.
    """
    if how.device == "cuda":
        torch.cuda.set_device(rank)
    # They are on one machine, and talk where no other one hears them.
    own = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    if own is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", own)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", own)
    distributed.init_process_group(
        "nccl" if how.device == "cuda" else "gloo",
        store=store,
        rank=rank,
        world_size=how.processes,
        timeout=PATIENCE,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()


def strategy_of(how: Execution) -> LightningStrategy | str:
    """Lightning's strategy for a cell's processes."""
    if how.processes == 1:
        return "auto"
    if how.strategy is Strategy.DDP:
        return DDPStrategy()
    return ModelParallelStrategy(how.processes, 1, save_distributed_checkpoint=False)


class Started(ClusterEnvironment):
    """Tells Lightning of processes that run already, each with its place in the process group."""

    creates_processes_externally = True
    main_address = "127.0.0.1"
    main_port = 0

    @staticmethod
    def detect() -> bool:
        """Never chosen but by name."""
        return False

    def world_size(self) -> int:
        """How many there are."""
        return distributed.get_world_size()

    def set_world_size(self, size: int) -> None:
        """Known already."""

    def global_rank(self) -> int:
        """Which this is."""
        return distributed.get_rank()

    def set_global_rank(self, rank: int) -> None:
        """Known already."""

    def local_rank(self) -> int:
        """Which this is on its machine, the only one."""
        return distributed.get_rank()

    def node_rank(self) -> int:
        """Of the only machine."""
        return 0


def total(module: pl.LightningModule, value: float) -> float:
    """The sum of a number over all processes."""
    if module.trainer.world_size == 1:
        return value
    own = torch.tensor(value, dtype=torch.float64, device=module.device)
    return float(module.trainer.strategy.reduce(own, reduce_op="sum"))


def gathered(value: Any) -> list[Any]:
    """What all processes have, in the order of their ranks."""
    if not distributed.is_initialized():
        return [value]
    held: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(held, value)
    return held


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def shard(model: VideoLMM, mesh: Any, *, towers: bool) -> None:
    """Spread every layer's weights over the processes of `mesh`; they are whole while in use.

    Layers are units of their own, and so is all that may have a format of its own. Nothing happens
    to a model that is spread already.

    Args:
        model: on its device.
        mesh: of torch.
        towers: whether the towers are spread too; frozen ones are run by the loader, out of step
            with other processes, and stay whole.
    """
    if isinstance(model, FSDPModule):
        return
    units: list[nn.Module | None] = [model.connector, model.picture_connector, model.separators]
    if towers:
        for tower in model.towers:
            units += [*tower.layers, tower] if isinstance(tower.shape, VitShape) else [tower]
    for unit in (*units, *model.llm.model.layers):
        if unit is not None:
            fully_shard(unit, mesh=mesh)
    whole = set() if towers else set(model.encoders.parameters())
    fully_shard(model, mesh=mesh, ignored_params=whole)
    if model.separators is not None:
        register_fsdp_forward_method(model.separators, "fill")


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A weight as one tensor; where it is spread, all processes have to ask for it."""
    kept = tensor.detach()
    return kept.full_tensor().cpu() if isinstance(kept, DTensor) else kept


def is_spread(model: nn.Module) -> bool:
    """Whether other processes hold parts of the model's weights."""
    return isinstance(model, FSDPModule)
