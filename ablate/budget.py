"""What designs are made equal in when they are compared: samples, tokens or FLOPs."""

import dataclasses
from enum import StrEnum

from ablate.cost import expected_workload, flops
from ablate.spec import Cell
from ablate.train.schedule import resolve


class Equal(StrEnum):
    """What every design of a study is given as much of as the base design."""

    SAMPLES = "samples"
    """Training conversations."""
    TOKENS = "tokens"
    """Positions that pass the language model in training."""
    FLOPS = "flops"
    """Operations of the training, with every sample's clips encoded once."""


def spent(cell: Cell, equal: Equal) -> float:
    """How much of `equal` a cell's training is expected to take.

    The closed forms of a plan, with every video at its largest number of clips; unlike a plan, they
    let no frozen feature be found in the cache, so that the number does not depend on the data.
    """
    samples = resolve(cell)[-1].stop
    if equal is Equal.SAMPLES:
        return samples
    work = expected_workload(cell, train_videos=samples, questions=0, test_videos=0)
    if equal is Equal.TOKENS:
        return samples * work.tokens_per_sample
    return sum(flops(cell, work).values())


def matched(cell: Cell, base: Cell, equal: Equal) -> Cell:
    """`cell` with the samples, in whole batches, that make it spend most nearly what `base` does.

    A cell keeps at least one batch for every stage of its schedule.
    """
    if equal is Equal.SAMPLES:
        return cell
    goal, batch = spent(base, equal), cell.size.batch

    def with_batches(count: int) -> Cell:
        return dataclasses.replace(cell, samples=count * batch)

    low = len(cell.design.schedule.stages)
    high = low + 1
    while spent(with_batches(high), equal) < goal:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if spent(with_batches(middle), equal) < goal:
            low = middle
        else:
            high = middle
    near = (with_batches(low), with_batches(high))
    best = min(near, key=lambda made: abs(spent(made, equal) - goal))
    told = None if best.samples == base.samples else base.samples
    return dataclasses.replace(best, matched_to=told)
