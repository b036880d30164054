"""How a published checkpoint names what a tower uses, and what it holds besides."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from ablate.models.checkpoint import State
from ablate.models.encoders.positions import resample_positions
from ablate.towers import VitShape


@dataclass(frozen=True)
class Published:
    """Key names of a published checkpoint: whole names, or beginnings that end at a dot."""

    layers: str
    """Their name of the list of layers."""
    stem: Mapping[str, str]
    """What else is used, by their name: ours."""
    unused: tuple[str, ...]
    """What is left behind on purpose, beside the layers after the feature."""
    prefix: str = ""
    """May stand before the names of the vision tower."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Parts of names within a layer, by theirs: ours."""
    inside: tuple[str, ...] = ()
    """Entries of the file that may hold the weights."""
    positions: str | None = None
    """Our name of learned positions (1, prefix + P, E) that may come for another grid."""

    def select(self, state: State, shape: VitShape) -> State:
        """What a tower of this shape uses, under our names.

        Raises:
            ValueError: a key that is neither used nor left behind on purpose, or positions that
                fit no grid.
        """
        used = {}
        for key, value in state.items():
            if (ours := self._ours(key, shape)) is not None:
                used[ours] = value
        if self.positions in used:
            used[self.positions] = _on_grid(used[self.positions], shape)
        return used

    def _ours(self, key: str, shape: VitShape) -> str | None:
        """Our name of a key; None if it is left behind."""
        name = key.removeprefix(self.prefix)
        if found := re.fullmatch(re.escape(self.layers) + r"\.(\d+)\.(.+)", name):
            number, rest = int(found[1]), found[2]
            if number < shape.layers:
                for theirs, ours in self.renamed.items():
                    rest = rest.replace(theirs, ours)
                return f"layers.{number}.{rest}"
            if number == shape.layers:  # the last one, behind the penultimate hidden state
                return None
        for theirs, ours in self.stem.items():
            if _within(name, theirs):
                return ours + name.removeprefix(theirs)
        if any(_within(name, left) for left in self.unused):
            return None
        raise ValueError(
            f"{shape.name}: the checkpoint holds {key!r}, which this tower neither uses nor knows "
            "to leave behind"
        )


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(part + ".")


def _on_grid(positions: torch.Tensor, shape: VitShape) -> torch.Tensor:
    """Positions (1, prefix + P, E) of a square grid on the grid of the shape."""
    steps = shape.trained_grid[0]
    patches = positions.shape[1] - shape.prefix_tokens
    side = math.isqrt(patches // steps)
    if steps * side * side != patches:
        raise ValueError(
            f"{shape.name}: the checkpoint has positions of {patches} patches, which are not "
            f"{steps} square grids"
        )
    trained = steps, side, side
    return resample_positions(positions, trained, shape.trained_grid, shape.prefix_tokens)
