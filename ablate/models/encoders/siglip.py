"""SigLIP: image tower, language-supervised (arXiv 2303.15343)."""

import torch
from torch import nn
from transformers import SiglipVisionConfig, SiglipVisionModel

from ablate.axes import Tower
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, ImageTower
from ablate.towers import VitShape


@ENCODERS.register(Tower.SIGLIP)
class Siglip(ImageTower):
    """SigLIP's vision transformer; it has no CLS token."""

    published = Published(
        layers="encoder.layers",
        stem={"embeddings": "embeddings"},
        unused=("post_layernorm", "head", "text_model", "logit_scale", "logit_bias"),
        prefix="vision_model.",
    )

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        model = SiglipVisionModel(vision_config(shape))
        super().__init__(shape, model.embeddings, model.encoder.layers)

    def run(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """One transformer layer; SigLIP's want the absent mask named."""
        return layer(x, attention_mask=None)


def vision_config(shape: VitShape) -> SiglipVisionConfig:
    """Configuration of the transformers class for this shape."""
    return SiglipVisionConfig(
        hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        image_size=shape.image_size, patch_size=shape.patch,
        vision_use_head=False,
    )  # fmt: skip
