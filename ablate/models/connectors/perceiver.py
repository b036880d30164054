"""Perceiver resampler: learned latents read a clip's patches jointly over time and space.

The design of the released models (paper Sec. 4.3): one Linear to the language model's width, then
one layer of cross-attention with grouped key-value heads, where keys and values are the patches and
the latents themselves, and a gated feed-forward part. Its parameter counts are those of Table 7.
"""

import torch
from torch import nn
from torch.nn import functional

from ablate.axes import ConnectorKind
from ablate.connectors import FFN_MULTIPLE, perceiver_heads
from ablate.models.connectors.base import CONNECTORS, ConnectorFacts

LATENT_MEAN, LATENT_STD, SCALE_STD = 0.5, 0.1, 0.02


@CONNECTORS.register(ConnectorKind.PERCEIVER)
class Perceiver(nn.Module):
    """Linear, cross-attention from Q latents and gated feed-forward, with residuals and norms."""

    def __init__(self, facts: ConnectorFacts) -> None:
        """Build with fresh weights."""
        super().__init__()
        width = facts.llm_hidden
        self.up = nn.Linear(facts.width_in, width)
        self.latents = nn.Parameter(torch.empty(facts.tokens_per_clip, width))
        nn.init.trunc_normal_(self.latents, LATENT_MEAN, LATENT_STD)
        self.norm_latents, self.norm_context = ScaledNorm(width), ScaledNorm(width)
        self.attention = CrossAttention(width)
        self.norm_ffn = ScaledNorm(width)
        self.ffn = GatedFfn(width)
        self.norm_out = ScaledNorm(width)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(C, T, H, W, E) to (C, Q, D)."""
        context = self.norm_context(self.up(features.flatten(1, 3)))  # (C, P, D)
        latents = self.latents.expand(len(context), -1, -1)  # (C, Q, D)
        x = latents + self.attention(self.norm_latents(latents), context)
        x = x + self.ffn(self.norm_ffn(x))
        return self.norm_out(x)


class CrossAttention(nn.Module):
    """Latents attend to the context and to themselves; no biases, no positions."""

    def __init__(self, width: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.heads, self.kv_heads, self.head_width = perceiver_heads(width)
        self.query = nn.Linear(width, self.heads * self.head_width, bias=False)
        self.key_value = nn.Linear(width, 2 * self.kv_heads * self.head_width, bias=False)
        self.out = nn.Linear(self.heads * self.head_width, width, bias=False)

    def forward(self, latents: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(C, Q, D) latents and (C, P, D) context to (C, Q, D)."""
        read = torch.cat([context, latents], dim=1)  # (C, P+Q, D)
        q = self.query(latents).unflatten(-1, (self.heads, self.head_width))
        kv = self.key_value(read).unflatten(-1, (2, self.kv_heads, self.head_width))
        q, (k, v) = q.transpose(1, 2), kv.permute(2, 0, 3, 1, 4)  # (C, heads, Q or P+Q, head width)
        x = functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return self.out(x.transpose(1, 2).flatten(2))


class GatedFfn(nn.Module):
    """SiLU-gated feed-forward part without biases."""

    def __init__(self, width: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.gate = nn.Linear(width, FFN_MULTIPLE * width, bias=False)
        self.up = nn.Linear(width, FFN_MULTIPLE * width, bias=False)
        self.down = nn.Linear(FFN_MULTIPLE * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) to (..., D)."""
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class ScaledNorm(nn.Module):
    """LayerNorm followed by one more learned weight per channel, drawn around 1."""

    def __init__(self, width: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.scale = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.scale, 1.0, SCALE_STD)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., D) to (..., D)."""
        return self.norm(x) * self.scale
