"""Vision towers by name, one file a family, built from their architecture facts."""

import importlib
import pkgutil

from ablate.models.encoders.tower import ENCODERS, PublishedTower, VisionTower
from ablate.towers import TowerShape

__all__ = ["ENCODERS", "PublishedTower", "VisionTower", "build_tower"]

for _file in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_file.name}")


def build_tower(shape: TowerShape) -> VisionTower:
    """A tower of this shape with fresh weights, on torch's current default device."""
    return ENCODERS[shape.name](shape)
