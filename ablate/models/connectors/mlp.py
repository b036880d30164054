"""Two-layer MLP on every patch, then adaptive average pooling (paper Sec. 4.3)."""

import torch
from torch import nn

from ablate.axes import ConnectorKind
from ablate.connectors import pooled_grid
from ablate.models.connectors.base import CONNECTORS, ConnectorFacts, pool


@CONNECTORS.register(ConnectorKind.MLP)
class MlpPool(nn.Module):
    """Linear, GELU, Linear, average.

    The average is taken before the second Linear: the two commute, and far fewer tokens remain.
    """

    def __init__(self, facts: ConnectorFacts) -> None:
        """Build with fresh weights."""
        super().__init__()
        self.up = nn.Linear(facts.width_in, facts.llm_hidden)
        self.out = nn.Linear(facts.llm_hidden, facts.llm_hidden)
        self.pooled = pooled_grid(facts.tokens_per_clip, facts.grid)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(C, T, H, W, E) to (C, Q, D)."""
        x = nn.functional.gelu(self.up(features))  # (C, T, H, W, D)
        return self.out(pool(x, self.pooled))  # (C, Q, D)
