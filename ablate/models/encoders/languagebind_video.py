"""LanguageBind-Video 1.5: video tower, language-supervised (arXiv 2310.01852).

A CLIP whose layers attend over time first. The fully tuned 1.5 checkpoint has a CLS token for each
of its eight frames, and its patches are embedded by a convolution over one frame.
"""

import torch
from torch import nn
from transformers import CLIPVisionConfig
from transformers.models.clip.modeling_clip import CLIPAttention, CLIPEncoderLayer

from ablate.axes import Tower
from ablate.models.checkpoint import State
from ablate.models.encoders.clip import PUBLISHED, vision_config
from ablate.models.encoders.tower import ENCODERS, PublishedTower
from ablate.towers import DividedVitShape


@ENCODERS.register(Tower.LANGUAGEBIND_VIDEO)
class LanguageBindVideo(PublishedTower):
    """Attention over time at every place, then within every frame."""

    shape: DividedVitShape
    published = PUBLISHED

    def __init__(self, shape: DividedVitShape) -> None:
        """Build with fresh weights."""
        assert shape.frames is not None
        config = vision_config(shape, "gelu")
        config._attn_implementation = "sdpa"
        layers = [DividedLayer(config, shape.frames) for _ in range(shape.layers)]
        super().__init__(shape, Embeddings(shape), nn.ModuleList(layers))
        self.norm = nn.LayerNorm(shape.hidden)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, F, 1 + P, E) of normalised pixels (C, F, 3, S, S)."""
        return self.norm(self.embeddings(pixels))

    def load_published(self, state: State) -> None:
        """Load the weights of a public checkpoint, also an older one.

        Those have one CLS token for all frames, and a convolution without the dimension of time.

        Raises:
            ValueError: a key that is not known, a weight that is missing or of another shape.
        """
        state, stem = dict(state), self.published.prefix + "embeddings."
        cls, patches = stem + "class_embedding", stem + "patch_embedding.weight"
        if cls in state and state[cls].ndim == 1:
            state[cls] = state[cls].expand(self.shape.trained_grid[0], -1)
        if patches in state and state[patches].ndim == 4:
            state[patches] = state[patches].unsqueeze(2)
        super().load_published(state)


class Embeddings(nn.Module):
    """Patches and a CLS token of every frame, with positions that are the same for all frames.

    A clip shorter than the trained one takes the first frames' CLS tokens.
    """

    def __init__(self, shape: DividedVitShape) -> None:
        super().__init__()
        kernel = (1, shape.patch, shape.patch)
        self.class_embedding = nn.Parameter(torch.randn(shape.trained_grid[0], shape.hidden))
        self.patch_embedding = nn.Conv3d(3, shape.hidden, kernel, stride=kernel, bias=False)
        self.position_embedding = nn.Embedding(1 + shape.side**2, shape.hidden)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Tokens (C, F, 1 + P, E) of normalised pixels (C, F, 3, S, S)."""
        clips, frames = pixels.shape[:2]
        patches = self.patch_embedding(pixels.transpose(1, 2)).flatten(3)  # (C, E, F, P)
        cls = self.class_embedding[:frames, None].expand(clips, -1, -1, -1)  # (C, F, 1, E)
        x = torch.cat([cls, patches.permute(0, 2, 3, 1)], dim=2)
        return x + self.position_embedding.weight


class DividedLayer(CLIPEncoderLayer):
    """CLIP's layer behind attention over time, which has embeddings of time of its own."""

    def __init__(self, config: CLIPVisionConfig, frames: int) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.temporal_embedding = nn.Parameter(torch.randn(1, frames, width) * width**-0.5)
        self.temporal_attn = CLIPAttention(config)
        self.temporal_layer_norm1 = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Tokens (C, F, N, E) to tokens (C, F, N, E)."""
        clips, frames = x.shape[:2]
        x = x.transpose(1, 2).flatten(0, 1)  # (C*N, F, E)
        if frames > 1:
            x = x + self.temporal_embedding[:, :frames]
        x = x + self.temporal_attn(self.temporal_layer_norm1(x), attention_mask=None)[0]
        x = x.unflatten(0, (clips, -1)).transpose(1, 2).flatten(0, 1)  # (C*F, N, E)
        x = super().forward(x, attention_mask=None)  # type: ignore[arg-type]
        return x.unflatten(0, (clips, frames))
