"""Two-layer MLP on every patch, then adaptive average pooling (paper Sec. 4.3)."""

from collections import OrderedDict
from typing import TYPE_CHECKING

from ablate.axes import ConnectorKind
from ablate.connectors.base import CONNECTORS, PoolingComponent

if TYPE_CHECKING:
    from torch import nn


@CONNECTORS.register(ConnectorKind.MLP)
class MlpPool(PoolingComponent):
    """Linear, GELU, Linear, average.

    The average is taken before the second Linear: the two commute, and far fewer tokens remain.
    """

    @property
    def parameters(self) -> int:
        """Exact count."""
        e, d = self.width_in, self.llm_hidden
        return e * d + d + d * d + d

    @property
    def flops(self) -> float:
        """FLOPs of one clip's forward pass."""
        d = self.llm_hidden
        return 2.0 * (self.patches * self.width_in * d + self.tokens * d * d)

    @property
    def kept(self) -> int:
        """Inputs of the two Linears and of the GELU."""
        d = self.llm_hidden
        return self.patches * (self.width_in + d) + self.tokens * d

    def build(self) -> "nn.Module":
        """The module with fresh weights."""
        from torch import nn

        from ablate.models.connectors.entrance import entrance
        from ablate.models.connectors.steps import EveryStep

        d = self.llm_hidden
        return nn.Sequential(
            OrderedDict(
                up=entrance(nn.Linear(self.width_in, d)),
                gelu=nn.GELU(),
                pool=EveryStep(nn.AdaptiveAvgPool2d(self.pooled[1:])),
                out=nn.Linear(d, d),
            )
        )
