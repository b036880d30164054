"""Two-dimensional layers on every time step of a clip."""

import torch
from torch import nn


class EveryStep(nn.Sequential):
    """2D layers that see each time step of a clip alone; what they leave is a clip's tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(C, T, H, W, E) to (C, T*h*w, D)."""
        clips = x.shape[0]
        x = super().forward(x.flatten(0, 1).movedim(-1, 1))  # (C*T, D, h, w), channels last
        return x.movedim(1, -1).reshape(clips, -1, x.shape[1])  # (C, T*h*w, D)
