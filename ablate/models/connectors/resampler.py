"""The modules of the Perceiver resampler (`ablate.connectors.perceiver`)."""

import torch
from torch import nn
from torch.nn import functional

LATENT_MEAN, LATENT_STD, SCALE_STD = 0.5, 0.1, 0.02


class Resampler(nn.Module):
    """Linear, cross-attention from Q latents and gated feed-forward, with residuals and norms."""

    def __init__(
        self, width_in: int, width: int, tokens: int, heads: tuple[int, int, int], ffn: int
    ) -> None:
        """Build with fresh weights.

        Args:
            width_in: E.
            width: D.
            tokens: Q, the number of latents.
            heads: query heads, key-value heads, and the width of each.
            ffn: inner width of the feed-forward part.
        """
        super().__init__()
        self.up = nn.Linear(width_in, width)
        self.latents = nn.Parameter(torch.empty(tokens, width))
        nn.init.trunc_normal_(self.latents, LATENT_MEAN, LATENT_STD)
        self.norm_latents, self.norm_context = ScaledNorm(width), ScaledNorm(width)
        self.attention = CrossAttention(width, *heads)
        self.norm_ffn = ScaledNorm(width)
        self.ffn = GatedFfn(width, ffn)
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

    def __init__(self, width: int, heads: int, kv_heads: int, head_width: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.heads, self.kv_heads, self.head_width = heads, kv_heads, head_width
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

    def __init__(self, width: int, inner: int) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

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
