"""What every connector says of itself, and the grid that the pooling ones share."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.registry import Registry
from ablate.towers import Grid

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Component:
    """A connector between features and a language model of given widths.

    Raises:
        ValueError: it cannot make so many tokens of such a grid.
    """

    width_in: int
    """Channels of the fused features (E)."""
    llm_hidden: int
    """Width of the language model (D)."""
    tokens: int
    """Tokens it makes of a clip (Q)."""
    grid: Grid
    """Patch tokens (T, H, W) of a clip."""

    @property
    def patches(self) -> int:
        """Patch tokens of a clip (P)."""
        return math.prod(self.grid)

    @property
    def parameters(self) -> int:
        """Exact count."""
        raise NotImplementedError

    @property
    def flops(self) -> float:
        """FLOPs of one clip's forward pass, 2 per weight and position."""
        raise NotImplementedError

    @property
    def kept(self) -> int:
        """Numbers that one clip keeps for the backward pass."""
        raise NotImplementedError

    def build(self) -> "nn.Module":
        """The module with fresh weights: (C, T, H, W, E) to (C, Q, D). Loads torch."""
        raise NotImplementedError


@dataclass(frozen=True)
class PoolingComponent(Component):
    """A connector that averages patches: it makes no more tokens than there are patches."""

    def __post_init__(self) -> None:
        _ = self.pooled

    @property
    def pooled(self) -> Grid:
        """Grid (T, h, w) of its tokens; time keeps its steps: frames of a tubelet share tokens."""
        return pooled_grid(self.tokens, self.grid)


def pooled_grid(tokens_per_clip: int, grid: Grid) -> Grid:
    """Grid (T, h, w) of `tokens_per_clip` tokens pooled from a clip's patch tokens (T, H, W).

    Each time step gets h x w tokens, as square as the count allows, with h <= w.

    Raises:
        ValueError: the patches are fewer along an axis than the tokens asked for.
    """
    steps, height, width = grid
    per_step, rest = divmod(tokens_per_clip, steps)
    if rest:
        raise ValueError(f"{tokens_per_clip} tokens a clip do not divide into {steps} time steps")
    h = max(d for d in range(1, math.isqrt(per_step) + 1) if per_step % d == 0)
    w = per_step // h
    if h > height or w > width:
        raise ValueError(
            f"{tokens_per_clip} tokens a clip make {h} x {w} a time step, "
            f"but the encoder gives only {height} x {width} patches"
        )
    return steps, h, w


CONNECTORS: Registry[type[Component]] = Registry("connector")
