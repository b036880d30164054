"""Influence and centring against leaving out and removing by hand."""

import numpy as np
import pytest

from analysis.statistics.curve import Comparison, compare
from analysis.statistics.influence import centred, changed_by_a_level, influences
from analysis.tables.table import Table, check_table
from tests.analysis.planted import Codes, Floats, paired, table


def both(x: Floats, y: Floats, levels: dict[str, Codes]) -> tuple[Comparison, Table]:
    names = check_table(
        table({1: x}, **{f: c.astype(float) for f, c in levels.items()}), (*levels,)
    )
    return compare(paired(x, y, levels), 1, None, 0.95), names


def test_the_variant_and_level_that_carry_it_are_named() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 12))
    levels = {"mix": np.arange(12) % 3, "kind": np.arange(12) // 6}
    x[4] = y[4] = 30.0
    found = influences(list(both(x, y, levels)[:1]), both(x, y, levels)[1])
    dropped = {i.dropped: i for i in found}
    assert set(dropped) == {"variant=v004", "mix=1", "kind=0"}
    kept = np.arange(12) != 4
    assert dropped["variant=v004"].r == pytest.approx(np.corrcoef(x[kept], y[kept])[0, 1])
    kept = levels["mix"] != 1
    assert dropped["mix=1"].r2 == pytest.approx(np.corrcoef(x[kept], y[kept])[0, 1] ** 2)


def test_a_catastrophic_level_is_noticed_and_an_even_one_is_not() -> None:
    rng = np.random.default_rng(1)
    setting = np.arange(21) // 3
    y = rng.standard_normal(21) - 20 * (setting == 6)
    x = -y * (setting != 6) - 20 * (setting == 6)
    assert changed_by_a_level(both(x, y, {"setting": setting})[0].correlation)
    even, noise = rng.standard_normal((2, 21))
    assert not changed_by_a_level(both(even, even + 0.1 * noise, {"f": setting})[0].correlation)
    assert not changed_by_a_level(None)


def test_centring_removes_level_means() -> None:
    rng = np.random.default_rng(2)
    levels = np.arange(12) % 3
    x, y = rng.standard_normal((2, 12)) + 10 * levels
    inner = [
        side - np.array([side[levels == c].mean() for c in range(3)])[levels] for side in (x, y)
    ]
    (found,) = centred([both(x, y, {"f": levels})[0]])
    assert found.by == ("f",)
    assert found.r == pytest.approx(np.corrcoef(*inner)[0, 1])


def test_scores_that_a_factor_explains_leave_nothing() -> None:
    levels = np.arange(9) % 3
    (found,) = centred([both(0.1 * levels, np.arange(9.0), {"f": levels})[0]])
    assert found.r is None and found.r2 is None
