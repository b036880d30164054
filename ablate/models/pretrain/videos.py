"""VideoMAE's sibling: self-supervised on clips, by predicting masked tubes and what follows.

As VideoMAE (arXiv 2203.12602) it hides the same patches in all frames of a clip. A second target,
the next tubelet, which can only be told from motion, takes the place of VideoMAE's very high
masking ratio: with 16 patches a frame there is little left to hide.
"""

import torch
from torch import nn
from transformers import VideoMAEConfig
from transformers.models.videomae.modeling_videomae import VideoMAELayer

from ablate.models.encoders.tower import VisionTower
from ablate.models.encoders.videomae import vision_config
from ablate.models.pretrain import footage
from ablate.models.pretrain.loop import fit, noisy, spread_penalty

SCENES, BATCH, STEPS, RATE = 12000, 64, 2500, 3e-3
MASKED = 0.2
"""Share of the tubes that are hidden."""


def pretrain(tower: VisionTower) -> list[float]:
    """Train a tower in place, under one more layer that is left behind; returns the loss curve."""
    shape = tower.shape
    data = footage.clips(range(SCENES), shape.frames + shape.tubelet).frames
    mask_token = nn.Parameter(torch.zeros(shape.hidden))
    tubelet_pixels = 3 * shape.tubelet * shape.patch**2
    predictor = Predictor(vision_config(shape), tubelet_pixels)

    def loss_of_batch() -> torch.Tensor:
        x = noisy(data[torch.randint(len(data), (BATCH,))])
        x = torch.addcmul(tower.shift, x, tower.scale)
        target = tubelets(x, shape.tubelet, shape.patch)  # (B, T+1, patches, pixels)
        masked = torch.rand(BATCH, 1, shape.side**2, 1) < MASKED
        grid = target[:, 1:].shape[1:3]
        patches = tower.embeddings(x[:, : shape.frames]).unflatten(1, grid)
        hidden = torch.where(masked, mask_token, patches).flatten(1, 2) + tower.positions
        for layer in tower.layers:
            hidden = tower.run(layer, hidden)
        same, following = predictor(hidden).unflatten(1, grid).chunk(2, dim=-1)
        error = (same - target[:, :-1]).square().mean(dim=-1, keepdim=True)
        ahead = (following - target[:, 1:]).square().mean()
        return (error * masked).mean() + ahead + spread_penalty(hidden)

    parameters = [*tower.parameters(), *predictor.parameters(), mask_token]
    return fit(parameters, loss_of_batch, steps=STEPS, rate=RATE)


class Predictor(nn.Module):
    """One more layer and a Linear to the pixels of a token's own tubelet and of the next."""

    def __init__(self, config: VideoMAEConfig, tubelet_pixels: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.layer = VideoMAELayer(config)
        self.norm = nn.LayerNorm(config.hidden_size)
        self.pixels = nn.Linear(config.hidden_size, 2 * tubelet_pixels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, P, E) to (B, P, 2 * pixels)."""
        return self.pixels(self.norm(self.layer(x)))


def tubelets(clips: torch.Tensor, frames: int, patch: int) -> torch.Tensor:
    """Pixels (B, T, patches, frames * 3 * patch * patch) of clips (B, F, 3, S, S)."""
    side = clips.shape[-1] // patch
    x = clips.unflatten(1, (-1, frames)).unflatten(-1, (side, patch)).unflatten(-3, (side, patch))
    x = x.permute(0, 1, 4, 6, 2, 3, 5, 7)  # (B, T, rows, columns, frames, 3, patch, patch)
    return x.flatten(4).flatten(2, 3)
