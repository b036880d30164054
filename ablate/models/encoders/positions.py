"""Position embeddings of patches on a grid (T, H, W): fixed sinusoids, and other grids."""

import torch
from torch.nn import functional

from ablate.towers import Grid


def sinusoids(positions: torch.Tensor, width: int) -> torch.Tensor:
    """Sines, then cosines, of `width` / 2 wavelengths between 2 pi and 20,000 pi.

    Args:
        positions: (N,).
        width: of the result; even.

    Returns:
        (N, width), float64.
    """
    rates = 10_000 ** -(torch.arange(width // 2, dtype=torch.float64, device="cpu") / (width / 2))
    angles = positions.to(torch.float64)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def resample_positions(
    positions: torch.Tensor, trained: Grid, grid: Grid, prefix: int
) -> torch.Tensor:
    """Learned positions for another grid: linear in time, then bicubic in space.

    The order and the kernels are those of the published code of InternVideo2.

    Args:
        positions: (1, prefix + P, E), for the grid `trained`.
        trained: (T, H, W) of `positions`.
        grid: (T, H, W) that is wanted.
        prefix: positions of tokens that lie on no grid, kept as they are.

    Returns:
        (1, prefix + P', E); `positions` itself where the grids are equal.
    """
    if trained == grid:
        return positions
    steps, height, width = trained
    x = positions[:, prefix:].float().unflatten(1, (steps, height * width)).squeeze(0)
    if grid[0] != steps:  # (T, P, E) -> (P, E, T)
        x = functional.interpolate(x.permute(1, 2, 0), size=grid[0], mode="linear").permute(2, 0, 1)
    if grid[1:] != (height, width):  # (T, P, E) -> (T, E, H, W)
        x = x.unflatten(1, (height, width)).permute(0, 3, 1, 2)
        x = functional.interpolate(x, size=grid[1:], mode="bicubic").flatten(2).transpose(1, 2)
    patches = x.flatten(0, 1).unsqueeze(0).to(positions.dtype)
    return torch.cat([positions[:, :prefix], patches], dim=1)
