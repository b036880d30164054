"""CLIP: image tower, language-supervised (arXiv 2103.00020), and LanguageBind's image tower.

LanguageBind (arXiv 2310.01852) binds other kinds of media to an OpenCLIP that it leaves as it is.
"""

from typing import ClassVar

import torch
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from ablate.axes import Tower
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, ImageTower
from ablate.towers import VitShape

PUBLISHED = Published(
    layers="encoder.layers",
    stem={
        "embeddings.class_embedding": "embeddings.class_embedding",
        "embeddings.patch_embedding": "embeddings.patch_embedding",
        "embeddings.position_embedding": "embeddings.position_embedding",
        "pre_layrnorm": "norm",
    },
    unused=(
        "embeddings.position_ids", "post_layernorm", "text_model", "visual_projection",
        "text_projection", "logit_scale",
    ),
    prefix="vision_model.",
)  # fmt: skip


@ENCODERS.register(Tower.CLIP)
class Clip(ImageTower):
    """CLIP's vision transformer, with a norm before the layers; CLS is run and dropped."""

    published = PUBLISHED
    activation: ClassVar[str] = "quick_gelu"

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        model = CLIPVisionModel(vision_config(shape, self.activation))
        super().__init__(shape, model.embeddings, model.encoder.layers)
        self.norm = model.pre_layrnorm

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C*F, 1 + P, E) of normalised pixels (C, F, 3, S, S)."""
        return self.norm(super().embed(pixels))

    def run(self, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """One transformer layer; CLIP's want the absent mask named."""
        return layer(x, attention_mask=None)


@ENCODERS.register(Tower.LANGUAGEBIND_IMAGE)
class LanguageBindImage(Clip):
    """The same network with OpenCLIP's activation."""

    activation = "gelu"


def vision_config(shape: VitShape, activation: str) -> CLIPVisionConfig:
    """Configuration of the transformers class for this shape."""
    return CLIPVisionConfig(
        hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        image_size=shape.image_size, patch_size=shape.patch, hidden_act=activation,
    )  # fmt: skip
