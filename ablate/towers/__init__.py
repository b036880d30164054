"""Architecture facts of the vision towers, public and tiny, and what is counted from them.

Standard library only, so that the plan counts parameters, tokens and FLOPs without loading torch.
"""

import hashlib

from ablate.axes import Tower
from ablate.towers.packaged import PACKAGED
from ablate.towers.public import PUBLIC
from ablate.towers.shape import DividedVitShape, Grid, TowerShape, VitShape, fused_grid
from ablate.towers.tiny import TINY

__all__ = [
    "PACKAGED", "PUBLIC", "TINY", "DividedVitShape", "Grid", "TowerShape", "VitShape",
    "fused_grid", "tower_shape", "weights_hash",
]  # fmt: skip


def tower_shape(tower: Tower, tiny: bool) -> TowerShape:
    """Facts of `tower`: its tiny sibling where the size row asks for those, else the public one.

    A tower that comes inside another package is the same at every row.

    Raises:
        ValueError: the tower has no tiny sibling.
    """
    shapes = (TINY if tiny else PUBLIC) | PACKAGED
    if tower not in shapes:  # every tower is public or packaged
        raise ValueError(
            f"{tower}: no sibling for the rows that are trained from scratch; "
            f"choose from {', '.join(shapes)}"
        )
    return shapes[tower]


def weights_hash(tower: Tower) -> str:
    """First sixteen digits of the SHA-256 of a shipped tower's weights, for ids.

    Raises:
        ValueError: no weights of the tower are shipped, or the file is missing.
    """
    file = tower_shape(tower, tiny=True).shipped()
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
