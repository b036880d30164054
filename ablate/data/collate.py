"""Samples side by side: the global batch, and its cut into micro-batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
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


@dataclass(frozen=True)
class Batch:
    """B samples padded on the right to S positions, and the C clips of all of them in order."""

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

    @property
    def ids(self) -> tuple[str, ...]:
        """Sample ids."""
        return tuple(row.id for row in self.rows)

    @property
    def answer_tokens(self) -> int:
        """Positions that carry loss."""
        return sum(row.answer_tokens for row in self.rows)

    def split(self, micro: int) -> list["Batch"]:
        """Micro-batches of at most `micro` samples in order, each with its own clips and padding.

        Raises:
            ValueError: `micro` is not positive.
        """
        if micro < 1:
            raise ValueError(f"micro-batch: must hold at least one sample, not {micro}")
        ends = [0, *accumulate(row.clips for row in self.rows)]
        cuts = [(at, min(at + micro, len(self.rows))) for at in range(0, len(self.rows), micro)]
        return [self._part(a, b, ends[a], ends[b]) for a, b in cuts]

    def _part(self, start: int, stop: int, first_clip: int, last_clip: int) -> "Batch":
        rows = self.rows[start:stop]
        here = slice(start, stop), slice(max(row.length for row in rows))
        clips = slice(first_clip, last_clip)
        return Batch(
            self.input_ids[here],
            self.attention_mask[here],
            self.labels[here],
            None if self.features is None else tuple(x[clips] for x in self.features),
            None if self.pixels is None else tuple(x[clips] for x in self.pixels),
            rows,
        )

    def to(self, device: torch.device | str) -> Self:
        """The same batch on `device`; Lightning calls it."""

        def moved(tensors: tuple[Tensor, ...] | None) -> tuple[Tensor, ...] | None:
            return None if tensors is None else tuple(tensor.to(device) for tensor in tensors)

        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            labels=self.labels.to(device),
            features=moved(self.features),
            pixels=moved(self.pixels),
        )


def collate(
    ids: Sequence[str],
    prompts: Sequence[Prompt],
    clips: Sequence[int],
    pad: int,
    *,
    features: tuple[Tensor, ...] | None = None,
    pixels: tuple[Tensor, ...] | None = None,
) -> Batch:
    """A batch of B samples.

    Args:
        ids: B sample ids.
        prompts: B sequences.
        clips: how many clips each of them has.
        pad: id that fills the rectangle.
        features: per tower (C, T, H, W, E) of all clips in order; or
        pixels: per tower (C, F, 3, S, S).

    Raises:
        ValueError: a tower's clips are not as many as the samples'.
    """
    rows = tuple(
        Row(name, len(prompt.input_ids), count, prompt.answer_tokens)
        for name, prompt, count in zip(ids, prompts, clips, strict=True)
    )
    for tensor in (*(features or ()), *(pixels or ())):
        if len(tensor) != sum(clips):
            raise ValueError(f"batch: {len(tensor)} clips given, {sum(clips)} belong to samples")
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
    )
