"""Two 2D convolutions on every time step, then adaptive average pooling (paper Sec. 4.3)."""

import math
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from ablate.axes import ConnectorKind
from ablate.connectors.base import CONNECTORS, PoolingComponent

if TYPE_CHECKING:
    from torch import nn

KERNEL = 3


@CONNECTORS.register(ConnectorKind.CONV)
class ConvPool(PoolingComponent):
    """Convolution, SiLU, convolution, average; no biases.

    The paper leaves the kernel open. Here it is 3, and the first convolution halves the grid
    wherever the pooled tokens still fit, so that every token count that the MLP can pool is
    possible here too.
    """

    @property
    def stride(self) -> int:
        """Stride of the first convolution."""
        sides = zip(self.grid[1:], self.pooled[1:], strict=True)
        return 2 if all(-(-side // 2) >= tokens for side, tokens in sides) else 1

    @property
    def positions(self) -> int:
        """Positions of a clip after the first convolution."""
        return self.grid[0] * math.prod(-(-side // self.stride) for side in self.grid[1:])

    @property
    def parameters(self) -> int:
        """Exact count."""
        d = self.llm_hidden
        return KERNEL**2 * (self.width_in * d + d * d)

    @property
    def flops(self) -> float:
        """FLOPs of one clip's forward pass."""
        return 2.0 * self.positions * self.parameters

    @property
    def kept(self) -> int:
        """Inputs of the two convolutions and of the SiLU."""
        return self.patches * self.width_in + 2 * self.positions * self.llm_hidden

    def build(self) -> "nn.Module":
        """The module with fresh weights."""
        from torch import nn

        from ablate.models.connectors.entrance import entrance
        from ablate.models.connectors.steps import EveryStep

        d = self.llm_hidden
        conv = partial(nn.Conv2d, kernel_size=KERNEL, padding=KERNEL // 2, bias=False)
        return EveryStep(
            OrderedDict(
                down=entrance(conv(self.width_in, d, stride=self.stride)),
                silu=nn.SiLU(),
                out=conv(d, d),
                pool=nn.AdaptiveAvgPool2d(self.pooled[1:]),
            )
        )
