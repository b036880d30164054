"""What this machine has to run cells with."""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from ablate.placement import Machine
from ablate.spec import Cell

_BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls a CPU's instructions for bf16, on x86 and Arm."""


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
