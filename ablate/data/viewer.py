"""Sees the media of samples and questions: when its frames are, and what each tower gets of it.

Split in two, so that decoding may run in workers while towers stay in the main process: `see` opens
files, `tensors` calls towers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ablate.axes import Sampling
from ablate.data.cache import ArrayCache
from ablate.data.features import Encode, FeatureStore, TowerInput
from ablate.data.frames import Footage, FrameReader, footage_of
from ablate.data.prompt import Clips
from ablate.data.sources import Media


@dataclass(frozen=True)
class Seen:
    """The media of one sample."""

    footage: Footage
    times: np.ndarray | None
    """Realised seconds (C, F) of the videos' frames; None for pictures and text."""
    apart: bool
    """Whether these are pictures that do not take the clips' path."""
    pixels: tuple[np.ndarray | None, ...]
    """Per tower of the path uint8 (C, F, 3, S, S); None where the features are known."""
    features: tuple[np.ndarray | None, ...]
    """Per tower of the path float16 (C, T, H, W, E); None where they are made of the pixels."""

    @property
    def clips(self) -> Clips:
        """What a prompt tells of it."""
        if self.times is None:
            return Clips([None] * self.footage.clips)
        spans = [(float(clip[0]), float(clip[-1])) for clip in self.times]
        return Clips(spans, self.footage.duration)


class Sights(NamedTuple):
    """What a batch holds of its clips, named as the fields of `Batch`."""

    features: tuple[Tensor, ...] | None
    """Per tower float32 (C, T, H, W, E)."""
    pixels: tuple[Tensor, ...] | None
    """Per tower uint8 (C, F, 3, S, S)."""
    picture_features: tuple[Tensor, ...] | None = None
    """Per image tower float32 (C, 1, H, W, E) of the pictures with a path of their own."""
    picture_pixels: tuple[Tensor, ...] | None = None
    """Per image tower uint8 (C, 1, 3, S, S) of the same."""


class Viewer:
    """How one design looks at media."""

    def __init__(
        self,
        sampling: Sampling,
        towers: Sequence[TowerInput],
        cache: ArrayCache,
        *,
        frozen: bool,
        apart: Mapping[int, TowerInput] | None = None,
    ) -> None:
        """Sets up the look.

        Args:
            sampling: of the design, or of the evaluation protocol.
            towers: in the order of the encoder.
            cache: keeps frames and features.
            frozen: give features of towers that do not learn; else pixels for the model's own.
            apart: the towers that see pictures, by their position in the encoder, and what each
                takes; None where pictures are repeated to clips and seen by all.
        """
        self.sampling, self.towers, self.cache, self.frozen = sampling, towers, cache, frozen
        self.apart = apart
        self._reader, self._store = FrameReader(cache), FeatureStore(cache)

    def see(self, modality: str, media: tuple[Media, ...]) -> Seen:
        """Looks at one sample's media.

        Raises:
            MediaError: a file cannot be read.
        """
        footage = footage_of(modality, media, self.sampling)
        apart = self.apart is not None and modality in ("image", "multi_image")
        if apart:
            footage = replace(footage, frames=1)
        towers = self._towers(apart)
        features = tuple(
            self._store.load(tower, footage) if self.frozen else None for tower in towers
        )
        missing = [
            tower.view for tower, known in zip(towers, features, strict=True) if known is None
        ]
        # Before the times: decoding for pixels leaves them in the cache.
        read = iter(self._reader.pixels(footage, missing) if missing else ())
        pixels = tuple(next(read) if known is None else None for known in features)
        return Seen(footage, self._reader.times(footage), apart, pixels, features)

    def tensors(self, seen: Sequence[Seen], encoders: Sequence[Encode] = ()) -> Sights:
        """The clips of a batch of samples.

        Args:
            seen: the samples' media in order.
            encoders: the towers, needed where they are frozen.

        Raises:
            ValueError: a tower's output is not what was declared.
        """
        clips = self._path([one for one in seen if not one.apart], False, encoders)
        if self.apart is None:
            return Sights(*clips)
        chosen = [encoders[at] for at in self.apart] if self.frozen else ()
        return Sights(*clips, *self._path([one for one in seen if one.apart], True, chosen))

    def _towers(self, apart: bool) -> Sequence[TowerInput]:
        return list(self.apart.values()) if apart and self.apart is not None else self.towers

    def _path(
        self, seen: Sequence[Seen], apart: bool, encoders: Sequence[Encode]
    ) -> tuple[tuple[Tensor, ...] | None, tuple[Tensor, ...] | None]:
        """Features or pixels, per tower of the path, of the samples that take it."""
        towers = self._towers(apart)
        if not self.frozen:
            frames = 1 if apart else self.sampling.frames_per_clip
            return None, tuple(
                _joined(
                    [one.pixels[at] for one in seen],
                    np.zeros((0, frames, 3, *[tower.view.image_size] * 2), np.uint8),
                )
                for at, tower in enumerate(towers)
            )
        return tuple(
            _joined(
                [self._features(one, at, tower, encode) for one in seen],
                np.zeros((0, *tower.grid, tower.width), np.float16),
            ).float()
            for at, (tower, encode) in enumerate(zip(towers, encoders, strict=True))
        ), None

    def _features(self, seen: Seen, at: int, tower: TowerInput, encode: Encode) -> np.ndarray:
        known, pixels = seen.features[at], seen.pixels[at]
        if known is None and pixels is not None:
            return self._store.make(tower, seen.footage, pixels, encode)
        assert known is not None
        return known


def _joined(parts: Sequence[np.ndarray | None], none: np.ndarray) -> Tensor:
    """Arrays one after the other along their first dimension; `none` where there are none."""
    return torch.from_numpy(np.concatenate([none, *(part for part in parts if part is not None)]))
