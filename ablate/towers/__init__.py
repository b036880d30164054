"""Architecture facts of the vision towers, public and tiny, and what is counted from them.

Standard library only, so that the plan counts parameters, tokens and FLOPs without loading torch.
"""

import hashlib

from ablate.axes import Tower
from ablate.towers.public import PUBLIC
from ablate.towers.shape import DividedVitShape, Grid, TowerShape, VitShape, fused_grid
from ablate.towers.tiny import TINY

__all__ = [
    "PUBLIC", "TINY", "DividedVitShape", "Grid", "TowerShape", "VitShape", "fused_grid",
    "tower_shape", "weights_hash",
]  # fmt: skip


def tower_shape(tower: Tower, tiny: bool) -> TowerShape:
    """Facts of `tower`: its tiny sibling where the size row asks for those, else the public one.

    Raises:
        ValueError: the tower has no tiny sibling.
    """
    shapes = TINY if tiny else PUBLIC
    if tower not in shapes:
        raise ValueError(
            f"{tower}: no sibling for the rows that are trained from scratch; "
            f"choose from {', '.join(shapes)}"
        )
    return shapes[tower]


def weights_hash(tower: Tower) -> str:
    """First sixteen digits of the SHA-256 of the tiny tower's shipped weights, for ids and keys.

    Raises:
        ValueError: the tower has no tiny sibling, or the file is missing.
    """
    path = tower_shape(tower, tiny=True).weights_path
    if not path.is_file():
        raise ValueError(f"{tower}: no weights at {path}; make them with `make encoders`")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
