"""Clips with known motion, made of still frames: what moves, and how far, needs no label.

A background drifts, patches of other frames stay where they are pasted, and one disc moves on
its own.
"""

from dataclasses import dataclass

import torch

FARTHEST = 5
"""Pixels between frames, along either axis."""
STILL_PATCHES = 3
PATCH_SIDES, DISC_WIDTHS = (6, 11), (5, 9)
"""Smallest and largest, in pixels."""
PLAIN_SHARE = 0.5
"""Share of the discs that have one colour instead of a texture."""


@dataclass(frozen=True)
class Moving:
    """B clips and how things move in them."""

    clips: torch.Tensor
    """uint8 (B, F, 3, S, S)."""
    drift: torch.Tensor
    """Pixels between frames, column and row, by which the background moves, (B, 2)."""
    disc: torch.Tensor
    """The same of the disc, (B, 2)."""
    shown: torch.Tensor
    """Where the disc is, bool (B, F, S, S)."""


def moving_clips(pool: torch.Tensor, count: int, frames: int) -> Moving:
    """Draw `count` clips of `frames` frames from a pool of single frames (N, 3, S, S)."""
    side = pool.shape[-1]

    def some() -> torch.Tensor:
        return pool[torch.randint(len(pool), (count,))]  # (B, 3, S, S)

    drift, step = (torch.randint(-FARTHEST, FARTHEST + 1, (count, 2)) for _ in range(2))
    clips = displaced(some(), drift, frames)
    for _ in range(STILL_PATCHES):
        here = _squares(count, side)[:, None, None]  # (B, 1, 1, S, S)
        clips = torch.where(here, some()[:, None], clips)
    shown = _discs(step, frames, side)  # (B, F, S, S)
    plain = torch.rand(count, 1, 1, 1, 1) < PLAIN_SHARE
    colour = torch.randint(150, 256, (count, 1, 3, 1, 1), dtype=torch.uint8)
    disc = torch.where(plain, colour, displaced(some(), step, frames))
    clips = torch.where(shown[:, :, None], disc, clips)
    return Moving(clips, drift.float(), step.float(), shown)


def displaced(stills: torch.Tensor, step: torch.Tensor, frames: int) -> torch.Tensor:
    """Clips (B, F, 3, S, S) of stills (B, 3, S, S) that move by `step` (B, 2) and wrap around."""
    count, _, _, side = stills.shape
    past = step[:, :, None, None] * torch.arange(frames)[:, None]  # (B, 2, F, 1)
    columns, rows = ((torch.arange(side) - past) % side).unbind(1)  # (B, F, S) each
    batch = torch.arange(count)[:, None, None, None]
    moved = stills.movedim(1, -1)[batch, rows[..., :, None], columns[..., None, :]]
    return moved.movedim(-1, 2)


def _squares(count: int, side: int) -> torch.Tensor:
    """Random squares, bool (B, S, S)."""
    low, high = PATCH_SIDES
    width = torch.randint(low, high + 1, (count, 1))
    axis = torch.arange(side)
    rows, columns = (
        (axis >= start) & (axis < start + width)
        for start in torch.randint(0, side - low + 1, (2, count, 1))
    )
    return rows[:, :, None] & columns[:, None, :]


def _discs(step: torch.Tensor, frames: int, side: int) -> torch.Tensor:
    """Discs that move by `step` (B, 2) and are inside half-way through, bool (B, F, S, S)."""
    count, margin = len(step), DISC_WIDTHS[1] / 2
    low, high = DISC_WIDTHS
    radius = torch.randint(low, high + 1, (count, 1, 1, 1)) / 2
    half_way = margin + (side - 2 * margin) * torch.rand(count, 2, 1)
    centre = half_way + step[:, :, None] * (torch.arange(frames) - (frames - 1) / 2)  # (B, 2, F)
    off = torch.arange(side) + 0.5 - centre[..., None]  # (B, 2, F, S)
    columns, rows = off.square().unbind(1)
    return rows[..., :, None] + columns[..., None, :] < radius**2
