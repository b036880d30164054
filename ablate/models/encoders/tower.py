"""What all vision towers share: normalisation, transformer layers, the penultimate hidden state."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ablate.registry import Registry
from ablate.towers import TowerShape


class VisionTower(nn.Module):
    """Patch features of clips; subclasses embed pixels and arrange tokens on the grid.

    Of the published model only the embeddings and the layers up to the penultimate hidden state
    are kept.
    """

    def __init__(self, shape: TowerShape, embeddings: nn.Module, layers: nn.ModuleList) -> None:
        """Keep the used parts of a tower of this shape."""
        super().__init__()
        self.shape = shape
        self.embeddings = embeddings
        self.layers = layers
        mean, std = torch.tensor(shape.mean), torch.tensor(shape.std)
        self.scale = nn.Buffer((1 / (255 * std)).view(3, 1, 1), persistent=False)
        self.shift = nn.Buffer((-mean / std).view(3, 1, 1), persistent=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features of clips.

        Args:
            pixels: (C, F, 3, S, S), values from 0 to 255, uint8 or float.

        Returns:
            (C, T, H, W, E).

        Raises:
            ValueError: clips that the tower cannot take.
        """
        clips, frames = pixels.shape[:2]
        grid = self.shape.grid(frames)
        x = self.embed(torch.addcmul(self.shift, pixels.to(self.scale.dtype), self.scale))
        for layer in self.layers:
            x = self.run(layer, x)
        x = x[:, self.shape.prefix_tokens :]
        return x.reshape(clips, *grid, self.shape.hidden)  # (C, T, H, W, E)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens with positions, (sequences, tokens, E), of normalised pixels (C, F, 3, S, S)."""
        raise NotImplementedError

    def run(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """One transformer layer on tokens (sequences, tokens, E), without a mask."""
        return layer(x)


class ImageTower(VisionTower):
    """Sees every frame alone."""

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C*F, tokens, E) of normalised pixels (C, F, 3, S, S)."""
        return self.embeddings(pixels.flatten(0, 1))


ENCODERS: Registry[Callable[[Any], VisionTower]] = Registry("encoder")
