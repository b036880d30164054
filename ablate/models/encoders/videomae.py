"""VideoMAE: video tower, self-supervised (arXiv 2203.12602)."""

import torch
from torch import nn
from transformers import VideoMAEConfig, VideoMAEModel

from ablate.axes import Tower
from ablate.models.encoders.published import Published
from ablate.models.encoders.tower import ENCODERS, PublishedTower
from ablate.towers import VitShape


@ENCODERS.register(Tower.VIDEOMAE)
class VideoMae(PublishedTower):
    """VideoMAE's transformer over the tubelets of a whole clip."""

    published = Published(
        layers="encoder.layer",
        stem={"embeddings.patch_embeddings": "embeddings"},
        unused=("mask_token", "encoder_to_decoder", "decoder"),
        prefix="videomae.",
        renamed={
            "attention.attention.q_bias": "attention.attention.query.bias",
            "attention.attention.v_bias": "attention.attention.value.bias",
        },
    )

    def __init__(self, shape: VitShape) -> None:
        """Build with fresh weights."""
        model = VideoMAEModel(vision_config(shape))
        super().__init__(shape, model.embeddings.patch_embeddings, model.encoder.layer)
        self.positions = nn.Buffer(model.embeddings.position_embeddings, persistent=False)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, P, E) of normalised pixels (C, F, 3, S, S).

        Shorter clips take the first positions: the sinusoids run over time first.
        """
        x = self.embeddings(pixels)
        return x + self.positions[:, : x.shape[1]]


def vision_config(shape: VitShape) -> VideoMAEConfig:
    """Configuration of the transformers class for this shape."""
    assert shape.frames is not None
    return VideoMAEConfig(
        hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        image_size=shape.image_size, patch_size=shape.patch, num_frames=shape.frames,
        tubelet_size=shape.tubelet,
    )  # fmt: skip
