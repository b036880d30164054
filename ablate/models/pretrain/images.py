"""DINOv2's sibling: self-supervised on single frames, by predicting the pixels of masked patches.

DINOv2 distils itself from masked images (arXiv 2304.07193); at this size the simpler target, the
pixels themselves (arXiv 2111.09886), is learned in minutes without a second network.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional
from transformers import Dinov2Model

from ablate.models.encoders.dinov2 import Dinov2, vision_config
from ablate.models.pretrain import footage
from ablate.models.pretrain.loop import fit, noisy, spread_penalty

SCENES, BATCH, STEPS, RATE = 5000, 96, 2500, 2e-3
MASKED = 0.4
"""Share of the patches that are hidden."""
VISIBLE_WEIGHT = 0.2
"""Weight of the error on the patches that are not."""


def pretrain(tower: Dinov2) -> list[float]:
    """Train a tower in place, under one more layer that is left behind; returns the loss curve."""
    data, shape = footage.stills(range(SCENES)).frames, tower.shape
    deeper = dataclasses.replace(shape, layers=shape.layers + 1)
    model = Dinov2Model(vision_config(deeper, mask_token=True))
    pixels = nn.Linear(shape.hidden, 3 * shape.patch**2)
    inner: list[torch.Tensor] = []
    model.encoder.layer[shape.layers - 1].register_forward_hook(
        lambda layer, args, out: inner.append(out)
    )

    def loss_of_batch() -> torch.Tensor:
        frames = noisy(data[torch.randint(len(data), (BATCH,))])
        x = torch.addcmul(tower.shift, frames, tower.scale)
        masked = torch.rand(BATCH, shape.side**2) < MASKED
        predicted = pixels(model(x, bool_masked_pos=masked).last_hidden_state[:, 1:])
        target = functional.unfold(x, shape.patch, stride=shape.patch).transpose(1, 2)
        error = (predicted - target).square().mean(dim=-1)
        visible = VISIBLE_WEIGHT * error[~masked].mean()
        return error[masked].mean() + visible + spread_penalty(inner.pop())

    parameters = [*model.parameters(), *pixels.parameters()]
    curve = fit(parameters, loss_of_batch, steps=STEPS, rate=RATE)
    kept = model.embeddings.state_dict()
    del kept["mask_token"]
    tower.embeddings.load_state_dict(kept)
    tower.layers.load_state_dict(model.encoder.layer[: shape.layers].state_dict())
    return curve
