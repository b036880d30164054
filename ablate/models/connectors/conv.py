"""Two 2D convolutions on every time step, then adaptive average pooling (paper Sec. 4.3)."""

import torch
from torch import nn

from ablate.axes import ConnectorKind
from ablate.connectors import CONV_KERNEL, conv_stride, pooled_grid
from ablate.models.connectors.base import CONNECTORS, ConnectorFacts, pool


@CONNECTORS.register(ConnectorKind.CONV)
class ConvPool(nn.Module):
    """Convolution, SiLU, convolution, average; no biases.

    The paper leaves the kernel open. Here it is 3, and the first convolution halves the grid
    wherever the pooled tokens still fit, so that every token count that the MLP can pool is
    possible here too.
    """

    def __init__(self, facts: ConnectorFacts) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.pooled = pooled_grid(facts.tokens_per_clip, facts.grid)
        width, pad = facts.llm_hidden, CONV_KERNEL // 2
        stride = conv_stride(self.pooled, facts.grid)
        self.down = nn.Conv2d(
            facts.width_in, width, CONV_KERNEL, stride=stride, padding=pad, bias=False
        )
        self.out = nn.Conv2d(width, width, CONV_KERNEL, padding=pad, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(C, T, H, W, E) to (C, Q, D)."""
        x = features.flatten(0, 1).movedim(-1, 1)  # (C*T, E, H, W)
        x = self.out(nn.functional.silu(self.down(x)))  # (C*T, D, H', W')
        x = x.movedim(1, -1).unflatten(0, features.shape[:2])  # (C, T, H', W', D)
        return pool(x, self.pooled)  # (C, Q, D)
