"""The global batches of a stage, in order, whatever the number of workers.

Workers decode and lay out micro-batches; towers, statistics and tensors stay in the main process.
"""

import math
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ablate.axes import Mixture
from ablate.data.cache import CacheUse
from ablate.data.collate import Batch, GlobalBatch
from ablate.data.features import Encode
from ablate.data.guard import leave_with_parent
from ablate.data.mixture import Span, check_pools, sample_at
from ablate.data.samples import Sample, SampleMaker
from ablate.data.sources import Conversation, Pools
from ablate.data.stats import SamplingStats

DEATHS = 3
"""How often the workers of a stage are replaced because one died."""


@dataclass(frozen=True)
class Order:
    """Which conversation every sample of a run is."""

    seed: int
    mixture: Mixture
    stages: tuple[Span, ...]
    pools: Pools

    def __post_init__(self) -> None:
        check_pools(self.mixture, self.stages, self.pools)

    def __getitem__(self, k: int) -> Conversation:
        return sample_at(k, self.seed, self.mixture, self.stages, self.pools)


@dataclass(frozen=True)
class Share:
    """The part of every global batch that one of several processes takes: equal, side by side."""

    index: int = 0
    count: int = 1

    def of(self, numbers: range) -> range:
        """The process's samples among those of a batch.

        Raises:
            ValueError: they cannot be shared evenly.
        """
        each, rest = divmod(len(numbers), self.count)
        if rest:
            raise ValueError(f"{self.count} processes cannot share a batch of {len(numbers)}")
        return numbers[self.index * each : (self.index + 1) * each]


WHOLE = Share()


class StageLoader:
    """Batches of samples number `start` to `stop`, or a process's share of each.

    Each iteration begins with the first, but for the one that follows `load_state_dict`.
    """

    def __init__(
        self,
        order: Order,
        maker: SampleMaker,
        *,
        start: int,
        stop: int,
        batch: int,
        micro: int | None = None,
        encoders: Sequence[Encode] = (),
        workers: int = 0,
        stats: SamplingStats | None = None,
        share: Share = WHOLE,
    ) -> None:
        """Prepares the stage; nothing is read before the first batch is asked for.

        Args:
            order: of the run.
            maker: of the design.
            start: number of the first sample.
            stop: number after the last sample.
            batch: samples per global batch; the last may be smaller.
            micro: samples per micro-batch; None for all that the process takes of a batch.
            encoders: the towers, needed where they are frozen.
            workers: processes that decode; they change the speed, never the batches.
            stats: takes in every sample that is handed out.
            share: what this process takes of every batch.
        """
        self.maker, self.encoders, self.stats = maker, encoders, stats
        self.use = CacheUse()
        """Of frames and features, workers included."""
        self.seconds = 0.0
        """Spent on batches in the process that asks for them: reading, waiting and encoding."""
        self._micros = _Micros(order, maker, start, stop, batch, share, micro or batch)
        self._workers = workers
        self._first = self._given = 0

    def __len__(self) -> int:
        return self._micros.batches

    def state_dict(self) -> dict[str, int]:
        """How many batches were handed out: all that it takes to go on; Lightning asks for it."""
        return {"batches": self._given}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Begin the next iteration after the batches of `state`."""
        self._first = state["batches"]

    def __iter__(self) -> Iterator[GlobalBatch]:
        first, self._first = self._first, 0
        supply = _Supply(self._micros, first, self._workers)
        try:
            for number in range(first, len(self)):
                begun = time.perf_counter()
                drawn = (self._micros.order[k] for k in self._micros.numbers(number))
                tokens = sum(self.maker.answer_tokens(one) for one in drawn)
                count = self._micros.count(number)
                self.seconds += time.perf_counter() - begun
                self._given = number + 1
                yield GlobalBatch(self._parts(supply, count), count, tokens)
        finally:
            supply.close()

    def _parts(self, supply: "_Supply", count: int) -> Iterator[Batch]:
        for _ in range(count):
            begun = time.perf_counter()
            batch = self._batch(*next(supply))
            self.seconds += time.perf_counter() - begun
            yield batch

    def _batch(self, samples: list[Sample], use: CacheUse) -> Batch:
        batch = self.maker.batch(samples, self.encoders)
        self.use += use + self.maker.viewer.cache.take_use()
        if self.stats is not None:
            for sample in samples:
                self.stats.add(sample)
        return batch


@dataclass(frozen=True)
class _Micros(Dataset):
    """Micro-batches of all batches by number, made wherever the loader runs."""

    order: Order
    maker: SampleMaker
    start: int
    stop: int
    batch: int
    share: Share
    micro: int

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return math.ceil((self.stop - self.start) / self.batch)

    def numbers(self, batch: int) -> range:
        """The samples that the process takes of a batch."""
        first = self.start + batch * self.batch
        return self.share.of(range(first, min(first + self.batch, self.stop)))

    def count(self, batch: int) -> int:
        """How many micro-batches the process makes of a batch."""
        return math.ceil(len(self.numbers(batch)) / self.micro)

    def first(self, batch: int) -> int:
        """The number of a batch's first micro-batch; only the last batch has fewer than others."""
        return batch * self.count(0)

    def __len__(self) -> int:
        last = self.batches - 1
        return self.first(last) + self.count(last)

    def __getitem__(self, index: int) -> "_Made":
        batch, part = divmod(index, self.count(0))
        numbers = self.numbers(batch)[part * self.micro : (part + 1) * self.micro]
        try:
            samples = [self.maker.make(self.order[k]) for k in numbers]
        except ValueError as error:
            # Raised in a worker, it would come back as a RuntimeError around a traceback.
            return error
        return samples, self.maker.viewer.cache.take_use()


_Made = tuple[list[Sample], CacheUse] | ValueError
"""A micro-batch's samples and the cache use they cost, or why there are none."""


class _Supply:
    """What the workers make, in order; those of a stage are replaced where one dies."""

    def __init__(self, micros: _Micros, batch: int, workers: int) -> None:
        self._micros, self._workers = micros, workers
        self._number, self._deaths = micros.first(batch), 0
        self._made: Iterator[_Made] | None = self._from_here()

    def __next__(self) -> tuple[list[Sample], CacheUse]:
        try:
            made = self._next()
            if isinstance(made, ValueError):
                raise made
        except BaseException:
            self.close()
            raise
        self._number += 1
        return made

    def close(self) -> None:
        """End the workers.

        An error keeps the frames it went through alive, and workers that are left to the garbage
        collector miss their end: it would wait 5 s for each.
        """
        self._made = None

    def _next(self) -> _Made:
        while True:
            assert self._made is not None
            try:
                return next(self._made)
            except (RuntimeError, ConnectionError, EOFError) as error:
                # Micro-batches are made from their number alone: other workers make them again.
                died = not isinstance(error, RuntimeError) or "DataLoader worker" in str(error)
                self._deaths += died
                if not died or self._deaths > DEATHS:
                    raise
            self._made = self._from_here()

    def _from_here(self) -> Iterator[_Made]:
        numbers = range(self._number, len(self._micros))
        if not self._workers:
            return map(self._micros.__getitem__, numbers)
        loader = DataLoader(
            self._micros,
            batch_size=None,
            sampler=numbers,
            num_workers=self._workers,
            worker_init_fn=leave_with_parent,
            collate_fn=_packed,
            # A loader draws a seed for its workers: not from the stream that the model uses.
            generator=torch.Generator(),
        )
        return map(_unpacked, loader)


def _packed(made: Any) -> Tensor:
    """For the way out of a worker, through shared memory.

    What goes through its pipe is then so small that it is there as a whole or not at all: a worker
    that is killed while it writes to a pipe leaves the reader waiting for the rest for ever.
    """
    return torch.frombuffer(bytearray(pickle.dumps(made)), dtype=torch.uint8)


def _unpacked(packed: Tensor) -> _Made:
    return pickle.loads(packed.numpy().data)
