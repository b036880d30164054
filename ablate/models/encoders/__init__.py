"""Vision towers by name, one file a family, built from their architecture facts."""

from ablate.models.encoders import (
    clip,
    dinov2,
    efficientnet,
    internvideo2,
    languagebind_video,
    siglip,
    videomae,
    vjepa,
    vjepa2,
)
from ablate.models.encoders.tower import ENCODERS, PublishedTower, VisionTower
from ablate.towers import TowerShape

__all__ = [
    "ENCODERS", "PublishedTower", "VisionTower", "build_tower", "clip", "dinov2",
    "efficientnet", "internvideo2", "languagebind_video", "siglip", "videomae", "vjepa", "vjepa2",
]  # fmt: skip


def build_tower(shape: TowerShape) -> VisionTower:
    """A tower of this shape with fresh weights, on torch's current default device."""
    return ENCODERS[shape.name](shape)
