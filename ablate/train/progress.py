"""What a training has to show beside its weights; a checkpoint keeps it, so nothing is lost."""

import time
from typing import Any

from ablate.data.module import StageLoader
from ablate.data.stats import SamplingStats
from ablate.train.group import gathered, is_first


class Progress:
    """Loss curve, what sampling gave, and where the time went, over all attempts at a training."""

    def __init__(self, stats: SamplingStats) -> None:
        self.stats = stats
        self.curve: list[tuple[int, float]] = []
        """(step, mean loss per answer token in nats) of every step so far."""
        self._loaders: list[StageLoader] = []
        self._before = {"decode": 0.0, "encode": 0.0, "train": 0.0}
        self._begun = time.perf_counter()

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return len(self.curve)

    def watch(self, loader: StageLoader) -> StageLoader:
        """Count the time that a loader takes from here on."""
        self._loaders.append(loader)
        return loader

    def seconds(self) -> dict[str, float]:
        """Time spent on decoding, encoding and training."""
        loading = sum(loader.seconds for loader in self._loaders)
        encoding = sum(loader.use.seconds for loader in self._loaders)
        training = time.perf_counter() - self._begun - loading
        spent = {"decode": loading - encoding, "encode": encoding, "train": training}
        return {part: self._before[part] + now for part, now in spent.items()}

    def all_stats(self) -> SamplingStats:
        """What sampling gave in all processes; each of them has to ask."""
        everything = SamplingStats(self.stats.sampling)
        for state in gathered(self.stats.state_dict()):
            part = SamplingStats(self.stats.sampling)
            part.load_state_dict(state)
            everything += part
        return everything

    def state_dict(self) -> dict[str, Any]:
        """All of it in plain types, of all processes; each of them has to ask."""
        stats = self.all_stats().state_dict()
        return {"curve": self.curve, "stats": stats, "seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what another attempt reached."""
        self.curve[:] = state["curve"]
        if is_first():
            self.stats.load_state_dict(state["stats"])
        self._before, self._begun = state["seconds"], time.perf_counter()
