"""What all vision towers share: normalisation, transformer layers, the hidden state they give."""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import nn

from ablate.models.checkpoint import State, read
from ablate.models.encoders.published import Published
from ablate.registry import Registry
from ablate.spec import Format
from ablate.towers import TowerShape, VitShape


class VisionTower(nn.Module):
    """Patch features of clips; subclasses embed pixels and arrange tokens on the grid.

    Of the published model only the embeddings and the layers up to the hidden state that is the
    feature are kept.
    """

    def __init__(self, shape: TowerShape, embeddings: nn.Module, layers: nn.ModuleList) -> None:
        """Keep the used parts of a tower of this shape."""
        super().__init__()
        self.shape = shape
        self.format = Format.FP32
        self.embeddings = embeddings
        self.layers = layers
        mean, std = (torch.tensor(facts, dtype=torch.float32) for facts in (shape.mean, shape.std))
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
        kept = next(self.parameters()).dtype
        x = torch.addcmul(self.shift, pixels.to(self.scale), self.scale).to(kept)
        x = self.embed(x).to(kept)
        for layer in self.layers:
            x = self.run(layer, x)
        x = self.finish(x)[..., self.shape.prefix_tokens :, :]
        return x.reshape(clips, *grid, self.shape.hidden)  # (C, T, H, W, E)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens with positions, (..., tokens, E), of normalised pixels (C, F, 3, S, S)."""
        raise NotImplementedError

    def run(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """One transformer layer on tokens (..., tokens, E), without a mask."""
        return layer(x)

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """What the last layer's tokens (..., tokens, E) still go through; by default nothing."""
        return x

    def load_shipped(self) -> None:
        """Load the weights that come with the package, stored in half precision.

        Raises:
            ValueError: the file is missing.
        """
        stored = read(self.shape.shipped())
        self.load_state_dict({name: value.float() for name, value in stored.items()})

    def fingerprint(self) -> str:
        """Sixteen digits that change with class, shape, format and any of the weights."""
        digest = hashlib.sha256(f"{type(self).__name__}|{self.shape}|{self.format}".encode())
        for name, value in self.state_dict().items():
            digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return digest.hexdigest()[:16]


class PublishedTower(VisionTower):
    """A vision transformer with a public checkpoint."""

    shape: VitShape
    published: ClassVar[Published]

    def load_published(self, state: State) -> None:
        """Load the weights of a public checkpoint.

        Raises:
            ValueError: a key that is not known, a weight that is missing or of another shape.
        """
        used = self.published.select(state, self.shape)
        for name, ours in self.state_dict().items():
            if name not in used:
                raise ValueError(f"{self.shape.name}: the checkpoint lacks {name!r}")
            if used[name].shape != ours.shape:
                raise ValueError(
                    f"{self.shape.name}: {name!r} has shape {tuple(used[name].shape)} in the "
                    f"checkpoint, not {tuple(ours.shape)}"
                )
        self.load_state_dict(used)


class ImageTower(PublishedTower):
    """Sees every frame alone."""

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C*F, tokens, E) of normalised pixels (C, F, 3, S, S)."""
        return self.embeddings(pixels.flatten(0, 1))


ENCODERS: Registry[Callable[[Any], VisionTower]] = Registry("encoder")
