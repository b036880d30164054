"""The certified corner of a grid of sizes and data sizes."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from analysis.conclusions.staircase import staircase
from analysis.statistics.curve import Comparison, compare
from analysis.tables.pairs import Rung
from tests.analysis.planted import ladder, paired

Grid = Mapping[tuple[float, float], float]


def grid(rng: np.random.Generator, n: int, agreement: Grid) -> list[Comparison]:
    """Proxies with planted correlations by size and samples."""
    scores = ladder(rng, n, {i: r for i, r in enumerate([*agreement.values(), 1.0])})
    target = scores[len(agreement)]
    return [
        compare(replace(paired(scores[i], target), proxy=Rung(*key)), 1, None, 0.95)
        for i, key in enumerate(agreement)
    ]


def corners(cells: list[Comparison]) -> dict[float, float] | None:
    found = staircase(cells, 9.0, "r2", 0.8, 0.95)
    return None if found is None else {corner.size: corner.samples for corner in found}


CLEAR: Grid = {
    (4.0, 30.0): 0.995, (4.0, 20.0): 0.99, (4.0, 10.0): 0.5,
    (2.0, 30.0): 0.99, (2.0, 20.0): 0.6, (2.0, 10.0): 0.3,
    (1.0, 30.0): 0.4, (1.0, 20.0): 0.3, (1.0, 10.0): 0.2,
}  # fmt: skip


def test_each_size_has_its_fewest_certified_samples() -> None:
    assert corners(grid(np.random.default_rng(0), 60, CLEAR)) == {4.0: 20.0, 2.0: 30.0}


def test_a_cell_waits_for_all_larger_ones() -> None:
    hole = {**CLEAR, (4.0, 30.0): 0.3}
    assert corners(grid(np.random.default_rng(1), 60, hole)) == {}
    few = grid(np.random.default_rng(2), 5, CLEAR)
    assert corners(few) == {}


def test_one_data_size_is_no_grid() -> None:
    cells = grid(np.random.default_rng(3), 30, {(4.0, 30.0): 0.99, (2.0, 30.0): 0.9})
    assert corners(cells) is None
    assert corners([]) is None


def test_false_corners_are_rare_over_the_whole_grid() -> None:
    border = 0.8**0.5 - 1e-9
    edge: Grid = {(4.0, 30.0): 0.999, (4.0, 10.0): border, (2.0, 30.0): border, (2.0, 10.0): 0.5}
    rng = np.random.default_rng(4)
    wrong = sum(corners(grid(rng, 30, edge)) not in ({}, {4.0: 30.0}) for _ in range(300))
    assert wrong / 300 <= 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5
