"""Vision towers by name, one file a family, built from their architecture facts."""

from ablate.models.encoders import dinov2, internvideo2, siglip, videomae
from ablate.models.encoders.tower import ENCODERS, VisionTower
from ablate.towers import TowerShape

__all__ = [
    "ENCODERS", "VisionTower", "build_tower", "dinov2", "internvideo2", "siglip", "videomae",
]  # fmt: skip


def build_tower(shape: TowerShape) -> VisionTower:
    """A tower of this shape with fresh weights, on torch's current default device."""
    return ENCODERS[shape.name](shape)
