"""What every connector is built from, and the pooling that two of them share."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ablate.registry import Registry
from ablate.towers import Grid


@dataclass(frozen=True)
class ConnectorFacts:
    """What a connector is built from."""

    width_in: int
    """Channels of the fused features (E)."""
    llm_hidden: int
    """Width of the language model (D)."""
    tokens_per_clip: int
    """Q."""
    grid: Grid
    """Patch tokens (T, H, W) of a clip."""


CONNECTORS: Registry[type[nn.Module]] = Registry("connector")


def pool(x: torch.Tensor, pooled: Grid) -> torch.Tensor:
    """Adaptive average pooling of every time step.

    Args:
        x: (C, T, H, W, D).
        pooled: (T, h, w).

    Returns:
        (C, T*h*w, D).
    """
    clips, width = x.shape[0], x.shape[-1]
    x = x.flatten(0, 1).movedim(-1, 1)  # (C*T, D, H, W), channels last in memory
    x = functional.adaptive_avg_pool2d(x, pooled[1:])  # (C*T, D, h, w)
    return x.movedim(1, -1).reshape(clips, -1, width)  # (C, T*h*w, D)
