"""How a cell runs where: device, formats, micro-batch, threads, and what it takes of a machine.

The first way that fits is taken, and the ways are in the order of what they cost: whole batches in
single or mixed precision, then one conversation at a time, then half precision for everything.
Standard library only.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ablate.disk import human_bytes
from ablate.memory import peak_memory
from ablate.rehearsal import is_rehearsal
from ablate.spec import BF16, FP32, MIXED, Cell, Execution

WORKER = 0.7e9
"""Bytes of a worker process before it builds a model."""
HEADROOM = 1.15
"""Room for what the plan does not count: kernels' buffers, frames, fragments."""
NEVER = 1e9
"""Seconds between checkpoints of rehearsals: a few steps are not worth one of many gigabytes."""
WORTH = 4
"""Conversations of a forward pass that keep a GPU busy enough to keep their activations."""


@dataclass(frozen=True)
class Machine:
    """What a sweep may use of one machine."""

    cores: int
    memory: float
    """Free bytes."""
    gpus: int = 0
    gpu_memory: float = 0
    """Bytes of the smallest GPU."""
    bf16: bool = False
    """Whether the CPU has instructions for bf16."""
    gpu_kind: str = ""
    """The resource by which a cluster tells GPUs apart."""


@dataclass(frozen=True)
class Share:
    """What a cell takes of a machine while it runs."""

    cores: int
    memory: int
    """Bytes."""
    gpus: float = 0
    """Below one where several cells fit a GPU."""
    gpu_kind: str = ""
    """Where only this kind has memory enough."""

    def fits(self, machine: Machine) -> bool:
        """Whether `machine` could give it, if it were idle."""
        return (
            self.cores <= machine.cores
            and self.memory <= machine.memory
            and self.gpus <= machine.gpus
            and self.gpu_kind in ("", machine.gpu_kind)
        )


def place(cell: Cell, machines: Sequence[Machine], base: Execution) -> Execution:
    """How `cell` runs on any of `machines`: on a GPU if there is one and its row is a public model.

    Args:
        cell: what is run.
        machines: where.
        base: what the machines do not decide.

    Raises:
        ValueError: it fits none in any way, or its processes do not.
    """
    able = _able(cell, machines)
    on_gpu = able[0].gpus > 0 and cell.size.weights is not None
    base.share(cell.size.batch)
    most = max(one.gpus if on_gpu else one.cores // base.threads for one in able)
    if base.processes > most:
        what = "GPUs" if on_gpu else f"times {base.threads} cores"
        raise ValueError(f"--processes: {base.processes} are more than {most} {what} here")
    able = [one for one in able if base.processes <= (one.gpus if on_gpu else one.cores)]
    if is_rehearsal(cell):
        base = replace(base, checkpoint_seconds=NEVER)
    for how in _on_gpu(cell, base) if on_gpu else _on_cpu(cell, base, able):
        if fitting := [one for one in able if _need(cell, how) <= _room(one, how)]:
            return replace(how, threads=min(_threads(cell, how, one) for one in fitting))
    least, room = _need(cell, how), max(0.0, *(_room(one, how) for one in able))
    raise ValueError(
        f"size {cell.size.name}, {cell.design.name()}: training takes {human_bytes(least)} at "
        f"least, and {human_bytes(room)} are free"
    )


def share(placed: Sequence[tuple[Cell, Execution]], machines: Sequence[Machine]) -> Share:
    """What each of several cells of one row takes: what the largest does.

    That is the same for all of them, as a worker process is reused for equal requests only.

    Raises:
        ValueError: no machine could ever give it.
    """
    (cell, how), able = placed[0], _able(placed[0][0], machines)
    cores = max(how.processes * how.threads for _, how in placed)
    memory = math.ceil(max(host_memory(cell, how) for cell, how in placed))
    taken = Share(cores, memory)
    if how.device == "cuda":
        need = max(_need(cell, how) for cell, how in placed)
        fitting = [one for one in able if need <= one.gpu_memory]
        kind = "" if len(fitting) == len(able) else max(fitting, key=lambda m: m.gpus).gpu_kind
        smallest = min(one.gpu_memory for one in fitting if kind in ("", one.gpu_kind))
        together = math.floor(smallest / need) if how.processes == 1 else 1
        taken = Share(cores, memory, how.processes / together, kind)
    if not any(taken.fits(one) for one in able):
        raise ValueError(
            f"size {cell.size.name}: a cell takes {cores} cores, {human_bytes(memory)} of memory "
            f"and {taken.gpus:g} GPUs, which no machine has"
        )
    return taken


def host_memory(cell: Cell, how: Execution) -> float:
    """Bytes of the machine's memory that a cell's processes take."""
    return how.processes * (WORKER + (_need(cell, how) if how.device == "cpu" else 0))


def _able(cell: Cell, machines: Sequence[Machine]) -> list[Machine]:
    """Those with a GPU, if there are any and the cell can use one."""
    gpus = [one for one in machines if one.gpus > 0] if cell.size.weights is not None else []
    return gpus or list(machines)


def _need(cell: Cell, how: Execution) -> float:
    """Bytes of a device that each of the cell's processes takes."""
    return HEADROOM * peak_memory(cell, how).total


def _room(machine: Machine, how: Execution) -> float:
    """Bytes of a device that each of its processes may take."""
    return machine.memory / how.processes - WORKER if how.device == "cpu" else machine.gpu_memory


def _on_cpu(cell: Cell, base: Execution, machines: Sequence[Machine]) -> Iterator[Execution]:
    """Whole batches, then single conversations, then all of it in bf16; rehearsals only that."""
    mixed = cell.size.weights is not None and all(one.bf16 for one in machines)
    whole = replace(base, precision=MIXED if mixed else FP32, checkpointing=False, micro_batch=None)
    single = replace(whole, checkpointing=True, micro_batch=1)
    if not is_rehearsal(cell):
        yield whole
        yield single
    yield replace(single, precision=BF16)


def _on_gpu(cell: Cell, base: Execution) -> Iterator[Execution]:
    """For every format ever smaller micro-batches; below `WORTH` activations are computed again."""
    for precision in (MIXED, BF16):
        for again in (False, True):
            micro = min(base.share(cell.size.batch), base.micro_batch or cell.size.batch)
            while micro >= (1 if again else WORTH):
                yield replace(
                    base, device="cuda", precision=precision, checkpointing=again,
                    micro_batch=micro,
                )  # fmt: skip
                micro //= 2


def _threads(cell: Cell, how: Execution, machine: Machine) -> int:
    """Cores that are left for each of as many cells as fit at a time; rehearsals run alone.

    Rows that are trained from scratch keep what they are given: they gain little from more, and
    their scores must not depend on the memory that was free.
    """
    if cell.size.weights is None:
        return how.threads
    if is_rehearsal(cell) and how.device == "cpu":
        return machine.cores
    if how.device != "cpu":
        return max(1, machine.cores // max(1, machine.gpus))
    at_a_time = how.processes * int(machine.memory // host_memory(cell, how))
    return max(1, machine.cores // max(1, at_a_time))
