"""VideoMAE's sibling: self-supervised on clips, by predicting masked tubes and known motion.

As VideoMAE (arXiv 2203.12602) it hides the same patches in all frames of a clip and predicts their
pixels. With 16 patches a frame little can be hidden, and what is left teaches no motion: next to
fresh weights a probe told directions no better. Half of every batch are therefore clips in which
still frames are moved by known steps, and every token tells how far what it sees moves (as in
arXiv 2105.06777).
"""

import dataclasses

import torch
from torch import nn

from ablate.models.encoders import build_tower
from ablate.models.encoders.videomae import VideoMae
from ablate.models.pretrain import footage
from ablate.models.pretrain.loop import fit, noisy, spread_penalty
from ablate.models.pretrain.motion import moving_clips

SCENES, BATCH, STEPS, RATE = 6000, 32, 3500, 3e-3
"""A batch is so many real clips and as many of moved stills."""
MASKED = 0.3
"""Share of the tubes that are hidden."""
MOTION_WEIGHT = 1.0
"""Of the mean error in pixels between frames."""


def pretrain(tower: VideoMae) -> list[float]:
    """Train a tower in place, under heads that are left behind; returns the loss curve."""
    assert tower.shape.frames is not None
    data = footage.clips(range(SCENES), tower.shape.frames).frames
    masking, motion = MaskedTubes(tower), Motion(tower)

    def loss_of_batch() -> torch.Tensor:
        real = data[torch.randint(len(data), (BATCH,))]
        return masking(real) + MOTION_WEIGHT * motion(data.flatten(0, 1), *real.shape[:2])

    parameters = nn.ModuleList([masking, motion]).parameters()  # each once, the tower's too
    return fit(parameters, loss_of_batch, steps=STEPS, rate=RATE)


class MaskedTubes(nn.Module):
    """Predicts the pixels of hidden tubes through one more layer and a Linear."""

    def __init__(self, tower: VideoMae) -> None:
        """Build heads for a tower."""
        super().__init__()
        shape = tower.shape
        self.tower = tower
        self.mask_token = nn.Parameter(torch.zeros(shape.hidden))
        self.layer = build_tower(dataclasses.replace(shape, layers=1)).layers[0]
        self.norm = nn.LayerNorm(shape.hidden)
        self.pixels = nn.Linear(shape.hidden, 3 * shape.tubelet * shape.patch**2)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Loss on real clips, uint8 (B, F, 3, S, S)."""
        shape = self.tower.shape
        x = _normal(self.tower, clips)
        target = tubelets(x, shape.tubelet, shape.patch)  # (B, P, pixels)
        hidden = torch.rand(len(clips), shape.side**2, 1) < MASKED
        hidden = hidden.repeat(1, clips.shape[1] // shape.tubelet, 1)  # (B, P, 1)
        patches = torch.where(hidden, self.mask_token, self.tower.embeddings(x))
        features = _layers(self.tower, patches)
        predicted = self.pixels(self.norm(self.layer(features)))
        error = (predicted - target).square().mean(dim=-1)
        return error[hidden.squeeze(-1)].mean() + spread_penalty(features)


class Motion(nn.Module):
    """Reads off every token how far the background moves, and the disc where the token sees it."""

    def __init__(self, tower: VideoMae) -> None:
        """Build heads for a tower."""
        super().__init__()
        self.tower = tower
        self.steps = nn.Linear(tower.shape.hidden, 4)

    def forward(self, pool: torch.Tensor, count: int, frames: int) -> torch.Tensor:
        """Loss on `count` clips of `frames` frames made of single ones, uint8 (N, 3, S, S)."""
        shape = self.tower.shape
        made = moving_clips(pool, count, frames)
        features = _layers(self.tower, self.tower.embeddings(_normal(self.tower, made.clips)))
        drift, disc = self.steps(features).split(2, dim=-1)  # (B, P, 2) each
        drift_error = (drift - made.drift.unsqueeze(1)).abs().mean()
        disc_error = (disc - made.disc.unsqueeze(1)).abs().mean(dim=-1)  # (B, P)
        shown = made.shown.float().unsqueeze(2)  # (B, F, 1, S, S)
        weight = tubelets(shown, shape.tubelet, shape.patch).mean(dim=-1)
        weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-6)
        error = drift_error + (disc_error * weight).sum(dim=1).mean()
        return error / 2 + spread_penalty(features)


def _normal(tower: VideoMae, clips: torch.Tensor) -> torch.Tensor:
    return torch.addcmul(tower.shift, noisy(clips), tower.scale)


def _layers(tower: VideoMae, patches: torch.Tensor) -> torch.Tensor:
    """Features (B, P, E) of embedded patches, some of which may be hidden."""
    x = patches + tower.positions
    for layer in tower.layers:
        x = tower.run(layer, x)
    return x


def tubelets(clips: torch.Tensor, frames: int, patch: int) -> torch.Tensor:
    """Pixels (B, P, frames * channels * patch * patch) of clips (B, F, channels, S, S)."""
    side = clips.shape[-1] // patch
    x = clips.unflatten(1, (-1, frames)).unflatten(-1, (side, patch)).unflatten(-3, (side, patch))
    x = x.permute(0, 1, 4, 6, 2, 3, 5, 7)  # (B, T, rows, columns, frames, channels, patch, patch)
    return x.flatten(4).flatten(1, 3)
