"""What sampling really gave: clips, rates, times and tokens of the samples that were seen."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ablate.axes import Sampling
from ablate.data.samples import Sample
from ablate.data.sampling import hits_cap
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

    def to_dict(self) -> dict[str, float] | None:
        """Plain numbers; None when there were none."""
        if not self.count:
            return None
        return {"min": self.low, "mean": self.total / self.count, "max": self.high}


@dataclass
class SamplingStats:
    """Accumulates over the samples of a run; all but the token counts are about videos."""

    sampling: Sampling
    samples: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
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
        self.samples[sample.modality] += 1
        self.tokens[sample.modality] += len(sample.prompt.input_ids)
        footage, times = sample.seen.footage, sample.seen.times
        if times is None or footage.duration is None:
            return
        self.capped += hits_cap(self.sampling, footage.duration)
        self.duration.add(footage.duration)
        self.clips.add(len(times))
        self.frames.add(times.size)
        self.covered.add(float(times.max() - times.min()) / footage.duration)
        self.visual_tokens.add(sample.prompt.input_ids.count(VISUAL))
        for clip, wanted in zip(times, footage.times or (), strict=True):
            if wanted[-1] < footage.duration and clip[-1] > clip[0]:
                self.fps.add((len(clip) - 1) / float(clip[-1] - clip[0]))

    def to_dict(self) -> dict[str, Any]:
        """For the record: counts and shares by modality, and the spreads."""
        spreads = ("duration", "clips", "frames", "fps", "covered", "visual_tokens")
        return {
            "samples": dict(self.samples),
            "tokens": dict(self.tokens),
            "sample_shares": _shares(self.samples),
            "token_shares": _shares(self.tokens),
            "capped": self.capped,
            **{name: getattr(self, name).to_dict() for name in spreads},
        }


def _shares(counts: Counter[str]) -> dict[str, float]:
    return {name: 100 * count / counts.total() for name, count in counts.items()}
