"""Arithmetic of the encoder: what its towers, taken together, hand to a connector.

Standard library only, so that the plan knows grids and widths without loading torch.
"""

from dataclasses import dataclass

from ablate.axes import ImagePath
from ablate.spec import Design, Size
from ablate.towers import Grid, TowerShape, fused_grid, tower_shape


@dataclass(frozen=True)
class Path:
    """Towers that see the same footage and meet in one connector."""

    towers: tuple[TowerShape, ...]
    frames: int
    """Frames each of them sees at once (F)."""

    @property
    def grid(self) -> Grid:
        """Patch tokens (T, H, W) after fusion.

        Raises:
            ValueError: clips that a tower cannot take.
        """
        return fused_grid([tower.grid(self.frames) for tower in self.towers])

    @property
    def width(self) -> int:
        """Channels after fusion (E)."""
        return sum(tower.hidden for tower in self.towers)

    @property
    def forward_flops(self) -> dict[str, float]:
        """FLOPs of one pass by tower.

        Raises:
            ValueError: clips that a tower cannot take.
        """
        return {tower.name: tower.forward_flops(self.frames) for tower in self.towers}


def clip_path(design: Design, size: Size) -> Path:
    """The path of video clips: every tower, a clip at a time."""
    towers = tuple(tower_shape(tower, size.tiny_towers) for tower in design.encoder.towers)
    return Path(towers, design.sampling.frames_per_clip)


def picture_path(design: Design, size: Size) -> Path | None:
    """The path that only pictures take; None where they take the clips' (paper App. C.2).

    Raises:
        ValueError: the path is split, but the encoder has no image tower.
    """
    if design.encoder.image_path is ImagePath.UNIFIED:
        return None
    towers = tuple(tower for tower in clip_path(design, size).towers if not tower.video)
    if not towers:
        raise ValueError(
            f"encoder {design.encoder.label}: a split image path needs an image tower beside "
            f"{', '.join(design.encoder.towers)}"
        )
    return Path(towers, 1)
