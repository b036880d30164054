"""InternVideo2's sibling: sigmoid loss between the frames of a clip and phrases about its motion.

InternVideo2 compares whole clips with whole captions (arXiv 2403.15377). Here every frame, seen
with the others of its clip, is compared with short phrases: how the ball and the camera move, and
what flashes now. Things that stand still are left to the image towers.
"""

import torch
from torch import nn
from torch.nn import functional

from ablate.models.encoders.blocks import LayerScale
from ablate.models.encoders.tower import VisionTower
from ablate.models.pretrain import footage
from ablate.models.pretrain.language import Head
from ablate.models.pretrain.loop import fit, noisy, spread_penalty

SCENES, BATCH, STEPS, RATE = 12000, 32, 5000, 3e-3


def pretrain(tower: VisionTower) -> list[float]:
    """Train a tower in place; returns its loss curve."""
    assert tower.shape.frames is not None
    frames = tower.shape.frames
    steps, height, width = tower.shape.grid(frames)
    data = footage.clips(range(SCENES), tower.shape.frames)
    told = sorted({phrase for clip in data.phrases for frame in clip for phrase in frame})
    labels = truths(data.phrases, told).unflatten(1, (steps, -1)).amax(dim=2)
    regions = torch.eye(steps).repeat_interleave(height * width, dim=1) / (height * width)
    head = Head(tower.shape.hidden, told)
    for module in tower.modules():  # two layers can be trusted from the first step
        if isinstance(module, LayerScale):
            nn.init.ones_(module.gamma)

    def loss_of_batch() -> torch.Tensor:
        chosen = torch.randint(len(data.frames), (BATCH,))
        features = tower(noisy(data.frames[chosen])).flatten(1, 3)  # (B, P, E)
        logits = head(features, regions)  # (B, T, phrases)
        error = functional.binary_cross_entropy_with_logits(logits, labels[chosen], reduction="sum")
        return error / (BATCH * steps) + spread_penalty(features)

    return fit([*tower.parameters(), *head.parameters()], loss_of_batch, steps=STEPS, rate=RATE)


def truths(clips: list[list[tuple[str, ...]]], told: list[str]) -> torch.Tensor:
    """Which phrases are true of which frame of which clip: (N, T, phrases) of zeros and ones."""
    at = {phrase: k for k, phrase in enumerate(told)}
    true = torch.zeros(len(clips), len(clips[0]), len(told))
    for clip, frames in zip(true, clips, strict=True):
        for row, phrases in zip(clip, frames, strict=True):
            row[[at[phrase] for phrase in phrases]] = 1
    return true
