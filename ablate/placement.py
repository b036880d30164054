"""How a cell runs on a machine: device, formats, micro-batch, threads, and how much room it takes.

The first way that fits is taken, and the ways are in the order of what they cost: whole batches in
single or mixed precision, then one conversation at a time, then half precision for everything.
Standard library only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ablate.memory import peak_memory
from ablate.rehearsal import is_rehearsal
from ablate.spec import FP32, Cell, Execution, Format, Precision

WORKER = 0.7e9
"""Bytes of a worker process before it builds a model."""
HEADROOM = 1.15
"""Room for what the plan does not count: kernels' buffers, frames, fragments."""
NEVER = 1e9
"""Seconds between checkpoints of rehearsals: a few steps are not worth one of many gigabytes."""
WORTH = 4
"""Conversations of a forward pass that keep a GPU busy enough to keep their activations."""
BF16 = Precision(Format.BF16, Format.BF16, Format.BF16)
MIXED = Precision(Format.MIXED, Format.MIXED, Format.MIXED)


@dataclass(frozen=True)
class Machine:
    """What a sweep may use."""

    cores: int
    memory: float
    """Free bytes."""
    gpus: int = 0
    gpu_memory: float = 0
    """Bytes of the smallest GPU."""
    bf16: bool = False
    """Whether the CPU has instructions for bf16."""


def place(cell: Cell, machine: Machine, base: Execution) -> Execution:
    """How `cell` runs on `machine`: a GPU if there is one and its row is a public model.

    Args:
        cell: what is run.
        machine: where.
        base: what the machine does not decide.

    Raises:
        ValueError: it fits in no way, or its processes do not.
    """
    on_gpu = machine.gpus > 0 and cell.size.weights is not None
    base.share(cell.size.batch)
    most = machine.gpus if on_gpu else machine.cores // base.threads
    if base.processes > most:
        what = "GPUs" if on_gpu else f"times {base.threads} cores"
        raise ValueError(f"--processes: {base.processes} are more than {most} {what} here")
    room = machine.gpu_memory if on_gpu else machine.memory / base.processes - WORKER
    if is_rehearsal(cell):
        base = replace(base, checkpoint_seconds=NEVER)
    for how in _on_gpu(cell, base) if on_gpu else _on_cpu(cell, base, machine):
        if HEADROOM * peak_memory(cell, how).total <= room:
            return replace(how, threads=_threads(cell, how, machine))
    least = HEADROOM * peak_memory(cell, how).total
    raise ValueError(
        f"size {cell.size.name}, {cell.design.name()}: training takes {least / 1e9:.1f} GB at "
        f"least, and {max(room, 0) / 1e9:.1f} GB are free"
    )


def host_memory(cell: Cell, how: Execution) -> float:
    """Bytes of the machine's memory that a cell's processes take."""
    model = HEADROOM * peak_memory(cell, how).total if how.device == "cpu" else 0
    return how.processes * (WORKER + model)


def _on_cpu(cell: Cell, base: Execution, machine: Machine) -> Iterator[Execution]:
    """Whole batches, then single conversations, then all of it in bf16; rehearsals only that."""
    mixed = machine.bf16 and cell.size.weights is not None
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
            micro = base.share(cell.size.batch)
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
