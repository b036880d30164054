"""Connectors by name, one file each: patch features of a clip become language-model tokens."""

from torch import nn

from ablate.axes import Connector
from ablate.connectors import check_connector
from ablate.models.connectors import conv, mlp, perceiver
from ablate.models.connectors.base import CONNECTORS, ConnectorFacts
from ablate.towers import Grid

__all__ = ["CONNECTORS", "ConnectorFacts", "build_connector", "conv", "mlp", "perceiver"]


def build_connector(
    connector: Connector, width_in: int, llm_hidden: int, frames_per_clip: int, grid: Grid
) -> nn.Module:
    """A connector with fresh weights that maps (C, T, H, W, E) to (C, Q, D).

    Args:
        connector: kind and tokens per frame.
        width_in: E, channels of the fused features.
        llm_hidden: D.
        frames_per_clip: F; a clip becomes Q = F * tokens per frame tokens.
        grid: (T, H, W) of the fused features.

    Raises:
        ValueError: a pooling connector is asked for more tokens than there are patches.
    """
    check_connector(connector, grid, frames_per_clip)
    tokens = frames_per_clip * connector.tokens_per_frame
    return CONNECTORS[connector.kind](ConnectorFacts(width_in, llm_hidden, tokens, grid))
