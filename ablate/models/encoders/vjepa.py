"""V-JEPA: video tower, self-supervised (arXiv 2404.08471)."""

import math
from functools import partial

import torch
from torch import nn

from ablate.axes import Tower
from ablate.models.encoders.blocks import Block
from ablate.models.encoders.fusion import resample
from ablate.models.encoders.positions import sinusoids
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, PublishedTower
from ablate.towers import Grid, VitShape


@ENCODERS.register(Tower.VJEPA)
class VJepa(PublishedTower):
    """V-JEPA's target encoder, its last norm included: the paper uses its final output.

    Clips of another length than the trained one get the sinusoids interpolated.
    """

    published = Published(
        layers="blocks",
        stem={"pos_embed": "positions", "patch_embed.proj": "embeddings", "norm": "norm"},
        unused=(),
        prefix="module.backbone.",
        inside=("target_encoder", "encoder"),
    )

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        norm = partial(nn.LayerNorm, eps=1e-6)
        kernel = (shape.tubelet, shape.patch, shape.patch)
        layers = nn.ModuleList(
            Block(shape.hidden, shape.heads, shape.intermediate, norm) for _ in range(shape.layers)
        )
        super().__init__(shape, nn.Conv3d(3, shape.hidden, kernel, stride=kernel), layers)
        self.norm = norm(shape.hidden)
        self.positions = nn.Buffer(
            clip_sinusoids(shape.trained_grid, shape.hidden).to(self.norm.weight.device)
        )

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, P, E) of normalised pixels (C, F, 3, S, S)."""
        x = self.embeddings(pixels.transpose(1, 2)).flatten(2).transpose(1, 2)
        positions = self.positions.unflatten(1, self.shape.trained_grid)
        return x + resample(positions, self.shape.grid(pixels.shape[1])).flatten(1, 3)

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """The last norm."""
        return self.norm(x)


def clip_sinusoids(grid: Grid, width: int) -> torch.Tensor:
    """Positions (1, P, E): a third of the channels each tells the time, the row and the column."""
    steps, rows, columns = (torch.arange(n, device="cpu") for n in grid)
    part = 2 * math.ceil(width / 6)  # the three together may be wider, and are cut
    axes = torch.meshgrid(steps, rows, columns, indexing="ij")
    told = torch.cat([sinusoids(axis.flatten(), part) for axis in axes], dim=1)
    return told[None, :, :width].float()
