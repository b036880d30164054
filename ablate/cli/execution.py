"""The options that say how cells execute."""

import functools
import importlib.util
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from ablate.disk import BUDGET
from ablate.placement import Machine
from ablate.spec import LOGGERS, Attention, Cell, Execution, Strategy
from ablate.store import RunStore


@dataclass(frozen=True)
class How:
    """What was chosen; a verb takes it as its argument `how`."""

    weights: str | None
    checkpoint: float
    patience: float
    keep: float
    log: tuple[str, ...]
    data_workers: int
    processes: int
    strategy: str
    attention: str | None

    def job(self, store: RunStore) -> Any:
        """The same as the worker takes it."""
        from ablate.run import Job

        execution = Execution(
            weights=self.weights,
            checkpoint_seconds=self.checkpoint,
            patience_seconds=self.patience,
            loggers=self.log,
            data_workers=self.data_workers,
            processes=self.processes,
            strategy=Strategy(self.strategy),
            attention=None if self.attention is None else Attention(self.attention),
        )
        return Job(str(store.root.resolve()), execution, round(self.keep * 1e9))


def _installed(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    writers = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",)}
    for name in names:
        if not any(importlib.util.find_spec(package) for package in writers[name]):
            raise ValueError(f"--log: {name} is not installed; pip install 'ablate[{name}]'")
    return names


_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls a CPU's instructions for bf16, on x86 and Arm."""


def execution_options(command: Any) -> Any:
    """Give a verb the options of `How`."""

    @functools.wraps(command)
    def verb(**given: Any) -> Any:
        how = How(**{field.name: given.pop(field.name) for field in fields(How)})
        return command(how=how, **given)

    for option in (
        click.option(
            "--weights",
            type=click.Path(exists=True, file_okay=False, resolve_path=True),
            help="Folder of published weights, laid out by hub id; the hub itself by default.",
        ),
        click.option(
            "--checkpoint",
            type=click.FloatRange(min=0),
            default=Execution().checkpoint_seconds,
            show_default=True,
            help="Seconds between two checkpoints of a training.",
        ),
        click.option(
            "--patience",
            type=click.FloatRange(min=1),
            default=Execution().patience_seconds,
            show_default=True,
            help="Seconds without progress after which a cell is ended.",
        ),
        click.option(
            "--keep",
            type=click.FloatRange(min=0, min_open=True),
            default=BUDGET / 1e9,
            show_default=True,
            help="GB that weights and checkpoints may take; the oldest weights go first.",
        ),
        click.option(
            "--data-workers",
            type=click.IntRange(0),
            default=Execution().data_workers,
            show_default=True,
            help="Processes that decode for each cell, beside the one that trains it.",
        ),
        click.option(
            "--processes",
            type=click.IntRange(1),
            default=Execution().processes,
            show_default=True,
            help="Processes of one machine that train a cell together, on a GPU each.",
        ),
        click.option(
            "--strategy",
            type=click.Choice([str(strategy) for strategy in Strategy]),
            default=str(Execution().strategy),
            show_default=True,
            help="What each of several keeps: the whole model (ddp) or a part of it (fsdp).",
        ),
        click.option(
            "--log",
            multiple=True,
            type=click.Choice(LOGGERS),
            callback=_installed,
            help="Write curves for it too, offline; CSV is always written. May be given twice.",
        ),
        click.option(
            "--attention",
            type=click.Choice([str(kernel) for kernel in Attention]),
            help="Of the language model; flash-attn where it can be used by default, else SDPA.",
        ),
    ):
        verb = option(verb)
    return verb


def this_machine(cells: Collection[Cell]) -> Machine:
    """What is free here; GPUs are only asked for where one of `cells` would use one."""
    import psutil

    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().available
    if all(cell.size.weights is None for cell in cells):
        return Machine(cores, memory)
    import torch

    gpus = [torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count())]
    least = min((gpu.total_memory for gpu in gpus), default=0)
    return Machine(cores, memory, len(gpus), least, _has_bf16())


def _has_bf16() -> bool:
    """Whether the CPU multiplies in bf16; False where the system does not say."""
    with suppress(OSError):
        return not _BF16.isdisjoint(Path("/proc/cpuinfo").read_text().split())
    return False
