"""Perceiver resampler: learned latents read a clip's patches jointly over time and space.

The design of the released models (paper Sec. 4.3): one Linear to the language model's width, then
one layer of cross-attention with grouped key-value heads, where keys and values are the patches and
the latents themselves, and a gated feed-forward part. Its parameter counts are those of Table 7.
"""

from typing import TYPE_CHECKING

from ablate.axes import ConnectorKind
from ablate.connectors.base import CONNECTORS, Component

if TYPE_CHECKING:
    from torch import nn

FFN_MULTIPLE = 4
"""Width of the feed-forward part, as a multiple of the language model's."""
_MAX_HEADS, _MAX_HEAD_WIDTH, _GROUP = 16, 96, 4


@CONNECTORS.register(ConnectorKind.PERCEIVER)
class Perceiver(Component):
    """Linear, cross-attention from Q latents and gated feed-forward, with residuals and norms."""

    @property
    def heads(self) -> tuple[int, int, int]:
        """Query heads, key-value heads, head width: 16, 4 and 96 as released, fewer if narrow."""
        width = min(_MAX_HEAD_WIDTH, self.llm_hidden // _GROUP)
        heads = min(_MAX_HEADS, self.llm_hidden // width)
        kv_heads = max(d for d in range(1, max(1, heads // _GROUP) + 1) if heads % d == 0)
        return heads, kv_heads, width

    @property
    def parameters(self) -> int:
        """Exact count."""
        d = self.llm_hidden
        heads, kv_heads, width = self.heads
        attention = 2 * d * width * (heads + kv_heads)
        norms = 4 * 3 * d
        latents = self.tokens * d
        return self.width_in * d + d + latents + attention + self._ffn_weights + norms

    @property
    def flops(self) -> float:
        """FLOPs of one clip's forward pass."""
        d, q = self.llm_hidden, self.tokens
        heads, kv_heads, width = self.heads
        keys = self.patches + q
        projections = 2 * d * width * (q * heads + keys * kv_heads)
        attention = 2 * q * keys * heads * width
        up = self.patches * self.width_in * d
        return 2.0 * (up + projections + attention + q * self._ffn_weights)

    @property
    def kept(self) -> int:
        """Inputs of all products and norms; fused attention keeps no scores."""
        d, q = self.llm_hidden, self.tokens
        heads, kv_heads, width = self.heads
        keys = self.patches + q
        attention = keys * (d + 2 * kv_heads * width) + q * 2 * heads * width
        norms = 2 * self.patches * d + 6 * q * d
        ffn = q * d * (1 + 4 * FFN_MULTIPLE)
        return self.patches * self.width_in + norms + attention + ffn

    def build(self) -> "nn.Module":
        """The module with fresh weights."""
        from ablate.models.connectors.resampler import Resampler

        ffn = FFN_MULTIPLE * self.llm_hidden
        return Resampler(self.width_in, self.llm_hidden, self.tokens, self.heads, ffn)

    @property
    def _ffn_weights(self) -> int:
        return 3 * FFN_MULTIPLE * self.llm_hidden**2
