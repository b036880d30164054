"""Brings the features of several towers onto one grid and joins their channels (paper Sec. 4.2)."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from ablate.towers import fused_grid


def fuse(features: Sequence[torch.Tensor]) -> torch.Tensor:
    """Interpolate trilinearly to the per-axis maximum grid, then concatenate channels.

    Args:
        features: one (C, T, H, W, E_i) per tower, with the same C.

    Returns:
        (C, T, H, W, sum of E_i).
    """
    grid = fused_grid([(f.shape[1], f.shape[2], f.shape[3]) for f in features])
    return torch.cat([resample(f, grid) for f in features], dim=-1)


def resample(features: torch.Tensor, grid: tuple[int, int, int]) -> torch.Tensor:
    """Trilinear interpolation of (C, T, H, W, E) to another grid, in float32."""
    if tuple(features.shape[1:4]) == grid:
        return features
    x = features.movedim(-1, 1).float()  # (C, E, T, H, W)
    x = functional.interpolate(x, size=grid, mode="trilinear", align_corners=False)
    return x.movedim(1, -1).to(features.dtype)  # (C, T, H, W, E)
