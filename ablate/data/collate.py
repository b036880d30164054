"""Samples side by side: micro-batches, and the global batch that they are parts of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from ablate.data.prompt import Prompt
from ablate.tokens import IGNORED


@dataclass(frozen=True)
class Row:
    """Facts of one sample, kept outside the tensors so that reading them needs no device."""

    id: str
    length: int
    """Positions without padding."""
    clips: int
    answer_tokens: int
    """Positions that carry loss."""
    pictures: int = 0
    """Pictures with a path of their own."""


@dataclass(frozen=True)
class Batch:
    """B samples padded on the right to S positions, and the clips of all of them in order."""

    input_ids: Tensor
    """int64 (B, S)."""
    attention_mask: Tensor
    """int64 (B, S), 1 where there is a token."""
    labels: Tensor
    """int64 (B, S), `IGNORED` where there is no loss."""
    features: tuple[Tensor, ...] | None
    """Per tower float32 (C, T, H, W, E); None when the towers run in the model."""
    pixels: tuple[Tensor, ...] | None
    """Per tower uint8 (C, F, 3, S, S); None when the features are given."""
    rows: tuple[Row, ...]
    """Facts of the B samples."""
    picture_features: tuple[Tensor, ...] | None = None
    """Per image tower float32 (C, 1, H, W, E) of pictures with a path of their own."""
    picture_pixels: tuple[Tensor, ...] | None = None
    """Per image tower uint8 (C, 1, 3, S, S) of the same."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Sample ids."""
        return tuple(row.id for row in self.rows)

    @property
    def answer_tokens(self) -> int:
        """Positions that carry loss."""
        return sum(row.answer_tokens for row in self.rows)

    def to(self, device: torch.device | str) -> Self:
        """The same batch on `device`."""
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            labels=self.labels.to(device),
            features=_moved(self.features, device),
            pixels=_moved(self.pixels, device),
            picture_features=_moved(self.picture_features, device),
            picture_pixels=_moved(self.picture_pixels, device),
        )


@dataclass(frozen=True)
class GlobalBatch:
    """What one optimiser step learns from, or a process's share of it.

    At real sizes the media of a whole global batch fit no memory, so its parts are made and moved
    one at a time, as they are asked for.
    """

    micros: Iterable[Batch]
    """The parts, in order; to be gone through once."""
    count: int
    """How many parts there are."""
    answer_tokens: int
    """Positions that carry loss, in all parts together."""

    def to(self, device: torch.device | str) -> Self:
        """The same global batch with its parts on `device`; Lightning calls it."""
        return replace(self, micros=(micro.to(device) for micro in self.micros))


def _moved(
    tensors: tuple[Tensor, ...] | None, device: torch.device | str
) -> tuple[Tensor, ...] | None:
    return None if tensors is None else tuple(tensor.to(device) for tensor in tensors)


def collate(
    ids: Sequence[str],
    prompts: Sequence[Prompt],
    clips: Sequence[int],
    pad: int,
    *,
    features: tuple[Tensor, ...] | None = None,
    pixels: tuple[Tensor, ...] | None = None,
    pictures: Sequence[int] | None = None,
    picture_features: tuple[Tensor, ...] | None = None,
    picture_pixels: tuple[Tensor, ...] | None = None,
) -> Batch:
    """A batch of B samples.

    Args:
        ids: B sample ids.
        prompts: B sequences.
        clips: how many clips each of them has on the path of the videos.
        pad: id that fills the rectangle.
        features: per tower (C, T, H, W, E) of all clips in order; or
        pixels: per tower (C, F, 3, S, S).
        pictures: how many pictures each of them has on a path of their own; None for none at all.
        picture_features: per image tower (C, 1, H, W, E) of all those pictures in order; or
        picture_pixels: per image tower (C, 1, 3, S, S).

    Raises:
        ValueError: a tower's clips are not as many as the samples'.
    """
    apart = [0] * len(ids) if pictures is None else pictures
    rows = tuple(
        Row(name, len(prompt.input_ids), count, prompt.answer_tokens, shown)
        for name, prompt, count, shown in zip(ids, prompts, clips, apart, strict=True)
    )
    _check_clips((*(features or ()), *(pixels or ())), sum(clips), "clips")
    _check_clips((*(picture_features or ()), *(picture_pixels or ())), sum(apart), "pictures")
    width = max(row.length for row in rows)

    def padded(sequences: Iterable[Sequence[int]], value: int) -> Tensor:
        return torch.tensor([[*ids, *[value] * (width - len(ids))] for ids in sequences])

    return Batch(
        padded((prompt.input_ids for prompt in prompts), pad),
        padded(([1] * row.length for row in rows), 0),
        padded((prompt.labels for prompt in prompts), IGNORED),
        features,
        pixels,
        rows,
        picture_features,
        picture_pixels,
    )


def _check_clips(tensors: Iterable[Tensor], count: int, what: str) -> None:
    for tensor in tensors:
        if len(tensor) != count:
            raise ValueError(f"batch: {len(tensor)} {what} given, {count} belong to samples")
