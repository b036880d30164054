"""Which conversation is sample k: stateless, unrepeated, true to the shares at every prefix.

Sample k is a function of the seed, the schedule and k alone, so resuming a run takes one integer
and the order does not depend on workers, devices or what was loaded before.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Protocol

from ablate.axes import Mixture, StageData
from ablate.data.sources import Conversation

Pools = Mapping[str, Sequence[Conversation]]
"""Conversations by modality."""


class Span(Protocol):
    """A stage as the order of samples sees it; stages follow each other without gaps."""

    @property
    def start(self) -> int:
        """Number of the first sample."""
        ...

    @property
    def stop(self) -> int:
        """Number after the last sample."""
        ...

    @property
    def data(self) -> StageData:
        """Only video, or the whole mixture."""
        ...


def modality_counts(mixture: Mixture, data: StageData, samples: int) -> dict[str, int]:
    """How many of a stage's first `samples` samples are of each modality.

    Every count is within 1 of its share: samples are cut into text and image or multi-image and
    video, then each part again, and both cuts are rounded to the nearest sample. A part that takes
    q of its half is off by at most q/2 + 1/2 < 1; by at most 1/2 where it takes all of it.
    """
    text, image, multi, video = _shares(mixture, data)
    still = _part(samples, text + image, text + image + multi + video)
    moving = samples - still
    texts = _part(still, text, text + image)
    multis = _part(moving, multi, multi + video)
    counts = (texts, still - texts, multis, moving - multis)
    return dict(zip(Mixture.MODALITIES, counts, strict=True))


def sample_at(
    k: int, seed: int, mixture: Mixture, stages: Sequence[Span], pools: Pools
) -> Conversation:
    """Sample number `k` of a run.

    A modality's conversations are drawn in a seeded order, all of them before any comes again,
    over all stages together. So runs are nested: what a short run draws of a modality, a longer one
    draws first, and a run of one stage begins with the very samples of a shorter one.

    Args:
        k: number of the sample in the run.
        seed: decides the order.
        mixture: shares by modality.
        stages: the schedule.
        pools: what is drawn from.

    Raises:
        ValueError: `k` lies outside the stages, or a modality with a share has no conversations.
    """
    drawn = dict.fromkeys(Mixture.MODALITIES, 0)
    for stage in stages:
        if stage.start <= k < stage.stop:
            before = modality_counts(mixture, stage.data, k - stage.start)
            after = modality_counts(mixture, stage.data, k - stage.start + 1)
            modality = next(name for name in before if after[name] > before[name])
            return _draw(drawn[modality] + before[modality], modality, seed, pools[modality])
        whole = modality_counts(mixture, stage.data, stage.stop - stage.start)
        drawn = {name: drawn[name] + whole[name] for name in drawn}
    raise ValueError(f"sample {k} lies outside the schedule's {stages[-1].stop} samples")


def check_pools(mixture: Mixture, stages: Sequence[Span], pools: Pools) -> None:
    """Refuses data that cannot fill the mixture.

    Raises:
        ValueError: a modality with a share has no conversations.
    """
    for data in {stage.data for stage in stages}:
        for modality, share in zip(Mixture.MODALITIES, _shares(mixture, data), strict=True):
            if share and not pools[modality]:
                present = ", ".join(name for name in pools if pools[name]) or "none"
                raise ValueError(
                    f"mixture: {share:g}% {modality}, but the data have none; present: {present}"
                )


def _shares(mixture: Mixture, data: StageData) -> tuple[float, ...]:
    shares = mixture if data is StageData.MIXTURE else Mixture()
    return tuple(shares.shares.values())


def _part(samples: int, share: float, whole: float) -> int:
    """`share / whole` of the samples, rounded to the nearest."""
    return math.floor(samples * share / whole + 0.5) if whole else 0


def _draw(index: int, modality: str, seed: int, pool: Sequence[Conversation]) -> Conversation:
    if not pool:
        raise ValueError(f"mixture: the data have no {modality} conversations")
    epoch, position = divmod(index, len(pool))
    return pool[_order(f"{seed}/{modality}/{epoch}", len(pool))[position]]


@lru_cache(maxsize=16)
def _order(seed: str, size: int) -> tuple[int, ...]:
    order = list(range(size))
    Random(seed).shuffle(order)
    return tuple(order)
