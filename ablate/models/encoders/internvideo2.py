"""InternVideo2: video tower, language-supervised (arXiv 2403.15377); the stage-2 model.

The architecture of the public code's plain path in full precision. The published weights were
trained with fused kernels that approximate the GELU by a tanh.
"""

from functools import partial

import torch
from torch import nn

from ablate.axes import Tower
from ablate.models.encoders.blocks import Block
from ablate.models.encoders.positions import resample_positions, sinusoids
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, PublishedTower
from ablate.towers import Grid, VitShape

FRESH_SCALE = 0.1
"""First layer-scale weights. The published model began at 1e-5, which suits long training of 40
layers only."""


@ENCODERS.register(Tower.INTERNVIDEO2)
class InternVideo2(PublishedTower):
    """Joint attention over all patches of a clip; the CLS token is run and dropped."""

    published = Published(
        layers="blocks",
        stem={
            "cls_token": "embeddings.cls_token",
            "pos_embed": "embeddings.pos_embed",
            "patch_embed.proj": "embeddings.proj",
        },
        unused=(
            "img_pos_embed", "clip_pos_embed", "clip_img_pos_embed", "clip_projector",
            "clip_decoder", "final_clip_decoder",
            "text_encoder", "vision_proj", "text_proj", "itm_head", "temp", "clip_teacher",
        ),
        prefix="vision_encoder.",
        inside=("model", "module"),
        positions="embeddings.pos_embed",
    )  # fmt: skip

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        layers = nn.ModuleList(
            Block(
                shape.hidden, shape.heads, shape.intermediate, partial(nn.RMSNorm, eps=1e-6),
                qkv_bias=False, qk_norm=True, scale=FRESH_SCALE,
            )
            for _ in range(shape.layers)
        )  # fmt: skip
        super().__init__(shape, Embeddings(shape), layers)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, 1 + P, E) of normalised pixels (C, F, 3, S, S)."""
        return self.embeddings(pixels)


class Embeddings(nn.Module):
    """Tubelets, a CLS token, and learned positions that start as sinusoids.

    Clips of another length than the trained one get positions interpolated in time. The published
    model has positions for single pictures too; here a picture is a clip of equal frames.
    """

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.shape = shape
        kernel = (shape.tubelet, shape.patch, shape.patch)
        self.proj = nn.Conv3d(3, shape.hidden, kernel, stride=kernel)
        self.cls_token = nn.Parameter(torch.randn(1, 1, shape.hidden) * 0.02)
        self.pos_embed = nn.Parameter(
            clip_sinusoids(shape.trained_grid, shape.hidden).to(self.cls_token.device)
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, 1 + P, E) of normalised pixels (C, F, 3, S, S)."""
        grid = self.shape.grid(pixels.shape[1])
        patches = self.proj(pixels.transpose(1, 2)).flatten(2).transpose(1, 2)  # (C, P, E)
        x = torch.cat([self.cls_token.expand(len(pixels), -1, -1), patches], dim=1)
        return x + resample_positions(self.pos_embed, self.shape.trained_grid, grid, prefix=1)


def clip_sinusoids(grid: Grid, width: int) -> torch.Tensor:
    """First positions (1, 1 + P, E): zero for CLS; a quarter of the channels tells the time.

    Of the others the first half tells the column and the second the row.
    """
    steps, rows, columns = (torch.arange(n, device="cpu") for n in grid)
    t, y, x = torch.meshgrid(steps, rows, columns, indexing="ij")
    time, space = width // 4, (width - width // 4) // 2
    patches = torch.cat(
        [sinusoids(t.flatten(), time), *(sinusoids(s.flatten(), space) for s in (x, y))], dim=1
    )
    return torch.cat([torch.zeros(1, width, device="cpu"), patches]).float().unsqueeze(0)
