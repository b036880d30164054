"""First weights of the layer in which a connector without a norm meets the features."""

from typing import TypeVar

from torch import nn

FIRST_SPREAD = 0.02
"""As in transformers' models. PyTorch's own are three to four times as wide at the tiny towers'
widths: visual tokens then begin as large as words but nearly all alike, and a small language model
learns what differs hundreds of steps later."""

L = TypeVar("L", nn.Linear, nn.Conv2d)


def entrance(layer: L) -> L:
    """The layer itself, with small first weights."""
    nn.init.normal_(layer.weight, std=FIRST_SPREAD)
    return layer
