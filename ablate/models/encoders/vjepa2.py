"""V-JEPA 2: video tower, self-supervised (arXiv 2506.09985)."""

import torch
from torch import nn
from transformers import VJEPA2Config, VJEPA2Model

from ablate.axes import Tower
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, PublishedTower
from ablate.towers import VitShape


@ENCODERS.register(Tower.VJEPA2)
class VJepa2(PublishedTower):
    """V-JEPA 2's encoder, its last norm included; positions rotate queries and keys."""

    published = Published(
        layers="layer",
        stem={"embeddings": "embeddings", "layernorm": "norm"},
        unused=("predictor",),
        prefix="encoder.",
    )

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        model = VJEPA2Model(vision_config(shape)).encoder
        super().__init__(shape, model.embeddings, model.layer)
        self.norm = model.layernorm

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, P, E) of normalised pixels (C, F, 3, S, S)."""
        return self.embeddings(pixels)

    def run(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """One transformer layer; it gives its attention beside the tokens."""
        return layer(x)[0]

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """The last norm."""
        return self.norm(x)


def vision_config(shape: VitShape) -> VJEPA2Config:
    """Configuration of the transformers class for this shape."""
    assert shape.frames is not None
    return VJEPA2Config(
        hidden_size=shape.hidden, mlp_ratio=shape.intermediate / shape.hidden,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        crop_size=shape.image_size, patch_size=shape.patch, tubelet_size=shape.tubelet,
        frames_per_clip=shape.frames, pred_num_hidden_layers=0,
    )  # fmt: skip
