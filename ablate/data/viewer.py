"""Sees the media of samples and questions: when its frames are, and what each tower gets of it.

Split in two, so that decoding may run in workers while towers stay in the main process: `see` opens
files, `tensors` calls towers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ablate.axes import Sampling
from ablate.data.cache import ArrayCache
from ablate.data.features import Encode, FeatureStore, TowerInput
from ablate.data.frames import Footage, FrameReader, footage_of
from ablate.data.sources import Media


@dataclass(frozen=True)
class Seen:
    """The media of one sample."""

    footage: Footage
    times: np.ndarray | None
    """Realised seconds (C, F) of the videos' frames; None for pictures and text."""
    pixels: tuple[np.ndarray | None, ...]
    """Per tower uint8 (C, F, 3, S, S); None where the features are known."""
    features: tuple[np.ndarray | None, ...]
    """Per tower float16 (C, T, H, W, E); None where they have to be made of the pixels."""

    @property
    def spans(self) -> list[tuple[float, float] | None]:
        """Per clip when its first and its last frame begin; None for pictures."""
        if self.times is None:
            return [None] * self.footage.clips
        return [(float(clip[0]), float(clip[-1])) for clip in self.times]


class Sights(NamedTuple):
    """What a batch holds of its C clips, named as the fields of `Batch`."""

    features: tuple[Tensor, ...] | None
    """Per tower float32 (C, T, H, W, E)."""
    pixels: tuple[Tensor, ...] | None
    """Per tower uint8 (C, F, 3, S, S)."""


class Viewer:
    """How one design looks at media."""

    def __init__(
        self,
        sampling: Sampling,
        towers: Sequence[TowerInput],
        cache: ArrayCache,
        *,
        frozen: bool,
    ) -> None:
        """Sets up the look.

        Args:
            sampling: of the design, or of the evaluation protocol.
            towers: in the order of the encoder.
            cache: keeps frames and features.
            frozen: give features of towers that do not learn; else pixels for the model's own.
        """
        self.sampling, self.towers, self.cache, self.frozen = sampling, towers, cache, frozen
        self._reader, self._store = FrameReader(cache), FeatureStore(cache)

    def see(self, modality: str, media: tuple[Media, ...]) -> Seen:
        """Looks at one sample's media.

        Raises:
            MediaError: a file cannot be read.
        """
        footage = footage_of(modality, media, self.sampling)
        features = tuple(
            self._store.load(tower, footage) if self.frozen else None for tower in self.towers
        )
        missing = [
            tower.view for tower, known in zip(self.towers, features, strict=True) if known is None
        ]
        # Before the times: decoding for pixels leaves them in the cache.
        read = iter(self._reader.pixels(footage, missing) if missing else ())
        pixels = tuple(next(read) if known is None else None for known in features)
        return Seen(footage, self._reader.times(footage), pixels, features)

    def tensors(self, seen: Sequence[Seen], encoders: Sequence[Encode] = ()) -> Sights:
        """The clips of a batch of samples.

        Args:
            seen: the samples' media in order.
            encoders: the towers, needed where they are frozen.

        Raises:
            ValueError: a tower's output is not what was declared.
        """
        if not self.frozen:
            return Sights(
                None, tuple(_joined(parts) for parts in zip(*(s.pixels for s in seen), strict=True))
            )
        towers = zip(self.towers, encoders, strict=True)
        return Sights(
            tuple(
                _joined([self._features(one, at, tower, encode) for one in seen]).float()
                for at, (tower, encode) in enumerate(towers)
            ),
            None,
        )

    def _features(self, seen: Seen, at: int, tower: TowerInput, encode: Encode) -> np.ndarray:
        known, pixels = seen.features[at], seen.pixels[at]
        if known is None and pixels is not None:
            return self._store.make(tower, seen.footage, pixels, encode)
        assert known is not None
        return known


def _joined(parts: Sequence[np.ndarray | None]) -> Tensor:
    """Arrays one after the other along their first dimension."""
    return torch.from_numpy(np.concatenate([part for part in parts if part is not None]))
