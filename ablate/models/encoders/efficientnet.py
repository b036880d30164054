"""EfficientNet-Lite0: image tower, supervised on ImageNet (arXiv 1905.11946).

A tower from outside: network and weights are those of two packages of the extra `pretrained`.
"""

from typing import Any

import torch
from torch import nn

from ablate.axes import Tower
from ablate.models.checkpoint import read
from ablate.models.encoders.tower import ENCODERS, VisionTower
from ablate.towers.packaged import EXTRA, EfficientNetShape


@ENCODERS.register(Tower.EFFICIENTNET)
class EfficientNet(VisionTower):
    """Its channels at a sixteenth of the picture's side are the features of the patches."""

    shape: EfficientNetShape

    def __init__(self, shape: EfficientNetShape) -> None:
        """Build with fresh weights.

        Raises:
            ValueError: the package is not installed.
        """
        super().__init__(shape, *_used(_network(shape), shape))

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """Channels (C*F, E', S/2, S/2) of normalised pixels (C, F, 3, S, S)."""
        return self.embeddings(pixels.flatten(0, 1))

    def finish(self, x: torch.Tensor) -> torch.Tensor:
        """Channels (C*F, E, H, W) as tokens (C*F, P, E)."""
        return x.flatten(2).transpose(1, 2)

    def load_shipped(self) -> None:
        """Load the weights inside the other package.

        Raises:
            ValueError: the package is not installed.
        """
        whole = _network(self.shape)
        whole.load_state_dict(read(self.shape.shipped()))
        stem, blocks = _used(whole, self.shape)
        self.embeddings.load_state_dict(stem.state_dict())
        self.layers.load_state_dict(blocks.state_dict())


def _network(shape: EfficientNetShape) -> Any:
    try:
        from efficientnet_lite_pytorch import EfficientNet as Network
    except ImportError:
        raise ValueError(f"{shape.name}: its network is not installed; {EXTRA}") from None
    return Network.from_name("efficientnet-lite0", image_size=shape.image_size)


def _used(network: Any, shape: EfficientNetShape) -> tuple[nn.Module, nn.ModuleList]:
    """The first convolution, and the bottlenecks up to the features."""
    stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
    return stem, network._blocks[: shape.blocks]
