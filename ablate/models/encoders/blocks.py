"""The pre-norm transformer layer of the towers that are written here, in its published key names.

One projection gives query, key and value; MLPs use the exact GELU.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

Norm = Callable[[int], nn.Module]
"""Makes a norm over the last dimension of a width."""


class Block(nn.Module):
    """Attention, then a two-layer MLP, each behind a norm and added to the residual stream."""

    def __init__(
        self,
        width: int,
        heads: int,
        intermediate: int,
        norm: Norm,
        *,
        qkv_bias: bool = True,
        qk_norm: bool = False,
        scale: float | None = None,
    ) -> None:
        """Build with fresh weights.

        Args:
            width: of the residual stream.
            heads: of the attention.
            intermediate: width inside the MLP.
            norm: makes the norms.
            qkv_bias: whether query, key and value have biases; the output always has one.
            qk_norm: whether queries and keys are normalised, over all heads together.
            scale: first value of a weight per channel on each branch; None for no such weights.
        """
        super().__init__()
        self.norm1 = norm(width)
        self.attn = Attention(width, heads, norm if qk_norm else None, qkv_bias=qkv_bias)
        self.ls1 = nn.Identity() if scale is None else LayerScale(width, scale)
        self.norm2 = norm(width)
        self.mlp = Mlp(width, intermediate)
        self.ls2 = nn.Identity() if scale is None else LayerScale(width, scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, E) to tokens (B, N, E)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Attention(nn.Module):
    """Attention of all tokens to all tokens."""

    def __init__(self, width: int, heads: int, norm: Norm | None, *, qkv_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.q_norm = nn.Identity() if norm is None else norm(width)
        self.k_norm = nn.Identity() if norm is None else norm(width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, E) to tokens (B, N, E)."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (self._by_head(part) for part in (self.q_norm(q), self.k_norm(k), v))
        x = functional.scaled_dot_product_attention(q, k, v)  # (B, heads, N, E / heads)
        return self.proj(x.transpose(1, 2).flatten(2))

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Mlp(nn.Module):
    """Two layers with a GELU between them."""

    def __init__(self, width: int, intermediate: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, intermediate)
        self.fc2 = nn.Linear(intermediate, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (B, N, E) to tokens (B, N, E)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """A learned weight per channel of a residual branch (arXiv 2103.17239)."""

    def __init__(self, width: int, first: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), first))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any (..., E) to the same shape."""
        return x * self.gamma
