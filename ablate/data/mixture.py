"""Which conversation is sample k: stateless, unrepeated, true to the shares at every prefix.

Sample k is a function of the seed, the schedule and k alone, so resuming a run takes one integer
and the order does not depend on workers, devices or what was loaded before.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import Protocol

from ablate.axes import Mixture, StageData
from ablate.data.sources import Conversation, Pool, Pools


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

    Sources of a modality take turns by their weights, at every prefix. A source's conversations
    of a modality are drawn in a seeded order, all of them before any comes again, over all stages
    together. So runs are nested: what a short run draws of a modality, a longer one draws first,
    and a run of one stage begins with the very samples of a shorter one.

    Args:
        k: number of the sample in the run.
        seed: decides the order.
        mixture: shares by modality.
        stages: the schedule.
        pools: what is drawn from, with the weights of the sources.

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


def source_counts(pools: Sequence[Pool], draws: int) -> tuple[int, ...]:
    """How many of a modality's first `draws` draws are from each of its sources.

    The sources are halved again and again, each cut rounded to the nearest draw. One cut is off by
    at most 1/2, and each cut below adds at most 1/2: within 1 of the share for up to four sources.
    """
    if len(pools) == 1:
        return (draws,)
    first, second = pools[: len(pools) // 2], pools[len(pools) // 2 :]
    weight = sum(pool.weight for pool in first)
    before = _part(draws, weight, weight + sum(pool.weight for pool in second))
    return source_counts(first, before) + source_counts(second, draws - before)


def _draw(index: int, modality: str, seed: int, pools: Sequence[Pool]) -> Conversation:
    if not pools:
        raise ValueError(f"mixture: the data have no {modality} conversations")
    before, after = source_counts(pools, index), source_counts(pools, index + 1)
    at = next(at for at, count in enumerate(before) if after[at] > count)
    conversations = pools[at].conversations
    epoch, position = divmod(before[at], len(conversations))
    return conversations[_order(f"{seed}/{modality}/{epoch}", len(conversations))[position]]


@lru_cache(maxsize=64)
def _order(seed: str, size: int) -> tuple[int, ...]:
    order = list(range(size))
    Random(seed).shuffle(order)
    return tuple(order)
