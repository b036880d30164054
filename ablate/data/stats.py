"""What sampling really gave: clips, rates, times and tokens of the samples that were seen."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ablate.axes import Sampling
from ablate.data.samples import Sample
from ablate.data.sampling import hits_cap, shared
from ablate.tokens import VISUAL


@dataclass
class Spread:
    """Smallest, mean and largest of some numbers."""

    count: int = 0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, value: float) -> None:
        """Takes one number in."""
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)

    def __iadd__(self, other: "Spread") -> "Spread":
        """Takes in the numbers that another one has."""
        self.count += other.count
        self.total += other.total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        return self

    def to_dict(self) -> dict[str, float] | None:
        """Plain numbers; None when there were none."""
        if not self.count:
            return None
        return {"min": self.low, "mean": self.total / self.count, "max": self.high}


@dataclass
class SamplingStats:
    """Accumulates over the samples of a run; all but the token counts are about videos."""

    sampling: Sampling
    samples: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By source and modality."""
    tokens: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Positions without padding, by source and modality."""
    capped: int = 0
    """Videos too long for consecutive clips."""
    duration: Spread = field(default_factory=Spread)
    """Seconds."""
    clips: Spread = field(default_factory=Spread)
    frames: Spread = field(default_factory=Spread)
    fps: Spread = field(default_factory=Spread)
    """Frames a second inside a clip, as realised, of clips that the video's end does not cut."""
    covered: Spread = field(default_factory=Spread)
    """Share of the video between the first and the last frame seen."""
    visual_tokens: Spread = field(default_factory=Spread)

    def add(self, sample: Sample) -> None:
        """Takes one sample in."""
        self.samples[sample.source, sample.modality] += 1
        self.tokens[sample.source, sample.modality] += len(sample.prompt.input_ids)
        footage, times = sample.seen.footage, sample.seen.times
        if times is None:
            return
        self.visual_tokens.add(sample.prompt.input_ids.count(VISUAL))
        sampling = shared(self.sampling, len(footage.media))
        for seconds, wanted, realised in footage.by_video(times):
            self.capped += hits_cap(sampling, seconds)
            self.duration.add(seconds)
            self.clips.add(len(realised))
            self.frames.add(realised.size)
            self.covered.add(float(np.ptp(realised)) / seconds)
            for aim, clip in zip(wanted, realised, strict=True):
                if aim[-1] < seconds and clip[-1] > clip[0]:
                    self.fps.add((len(clip) - 1) / float(clip[-1] - clip[0]))

    def __iadd__(self, other: "SamplingStats") -> "SamplingStats":
        """Takes in the samples of another process."""
        self.samples += other.samples
        self.tokens += other.tokens
        self.capped += other.capped
        for name in _SPREADS:
            spread = getattr(self, name)
            spread += getattr(other, name)
        return self

    def to_dict(self) -> dict[str, Any]:
        """For the record: counts by modality and by source, shares, and the spreads."""
        samples, tokens = _by_modality(self.samples), _by_modality(self.tokens)
        return {
            "samples": dict(samples),
            "tokens": dict(tokens),
            "sample_shares": _percent(samples),
            "token_shares": _percent(tokens),
            "sources": {
                source: {
                    "samples": dict(_by_modality(self.samples, source)),
                    "tokens": dict(_by_modality(self.tokens, source)),
                }
                for source in sorted({source for source, _ in self.samples})
            },
            "capped": self.capped,
            **{name: getattr(self, name).to_dict() for name in _SPREADS},
        }

    def state_dict(self) -> dict[str, Any]:
        """All counts in plain types, for a checkpoint."""
        counts = {"samples": dict(self.samples), "tokens": dict(self.tokens)}
        spreads = {name: dict(vars(getattr(self, name))) for name in _SPREADS}
        return {**counts, "capped": self.capped, **spreads}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the counts of a checkpoint."""
        self.samples, self.tokens = Counter(state["samples"]), Counter(state["tokens"])
        self.capped = state["capped"]
        for name in _SPREADS:
            setattr(self, name, Spread(**state[name]))


_SPREADS = ("duration", "clips", "frames", "fps", "covered", "visual_tokens")


def _by_modality(counts: Counter[tuple[str, str]], only: str | None = None) -> Counter[str]:
    found: Counter[str] = Counter()
    for (source, modality), count in counts.items():
        if only is None or source == only:
            found[modality] += count
    return found


def _percent(counts: Counter[str]) -> dict[str, float]:
    return {name: 100 * count / counts.total() for name, count in counts.items()}
