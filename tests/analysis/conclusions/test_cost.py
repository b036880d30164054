"""Costs and the cheapest proxy that may be trusted."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.conclusions.cost import cheapest, frontier, relative_cost
from analysis.statistics.curve import Comparison, compare
from analysis.tables.pairs import Rung, Scores
from analysis.tables.table import check_table
from tests.analysis.planted import paired, table


def proxy(
    size: float, lower: float, cost: float, *, seeds: int = 1, noise: float = 0.0
) -> Comparison:
    rng = np.random.default_rng(0)
    y = rng.standard_normal(30)
    x = y[:, None] + noise * rng.standard_normal((30, seeds))
    made = compare(paired(x, y, size=size), seeds, cost, 0.95)
    point = replace(made.point, decision_accuracy_lower_one_sided=lower)
    return replace(made, point=point)


def test_cost_is_the_tables_or_parameters_times_samples() -> None:
    frame = table({1.0: np.arange(3.0), 4.0: np.arange(3.0)}, samples=100)
    small, large = Rung(1.0, 100.0), Rung(4.0, 100.0)
    assert relative_cost(Scores(check_table(frame), ()), small, large) == 0.25
    fewer = frame.assign(samples=np.where(frame["size"] == 1, 50, 100))
    assert relative_cost(Scores(check_table(fewer), ()), Rung(1.0, 50.0), large) == 0.125
    priced = frame.assign(cost=np.where(frame["size"] == 1, 3.0, 30.0))
    assert relative_cost(Scores(check_table(priced), ()), small, large) == 0.1
    unknown = priced.assign(cost=np.where(frame["size"] == 1, 3.0, np.nan))
    assert relative_cost(Scores(check_table(unknown), ()), small, large) is None


def test_the_cheapest_that_passes_wins() -> None:
    proxies = [proxy(4, 0.93, 0.5), proxy(2, 0.90, 0.2), proxy(1, 0.86, 0.1), proxy(0.5, 0.7, 0.01)]
    found = cheapest(proxies, 0.85)
    assert found is not None
    assert (found.size, found.seeds, found.relative_cost) == (1, 1, 0.1)
    assert [offer.size for offer in frontier(proxies)] == [0.5, 1, 2, 4]


def test_no_size_below_one_that_fails_is_offered() -> None:
    found = cheapest([proxy(4, 0.9, 0.5), proxy(2, 0.8, 0.2), proxy(1, 0.9, 0.1)], 0.85)
    assert found is not None and found.size == 4
    assert cheapest([proxy(4, 0.8, 0.5), proxy(2, 0.9, 0.2)], 0.85) is None


def test_a_proxy_as_dear_as_the_target_is_no_offer() -> None:
    assert cheapest([proxy(4, 0.9, 1.0)], 0.85) is None
    assert cheapest([proxy(4, 0.9, 0.4, seeds=3)], 0.95) is None


def test_fewer_seeds_are_offered_at_what_their_noise_leaves() -> None:
    noisy = proxy(1, 0.9, 0.1, seeds=4, noise=1.0)
    offers = frontier([noisy])
    assert [offer.seeds for offer in offers] == [1, 2, 3, 4]
    assert [offer.relative_cost for offer in offers] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    r = noisy.noise_proxy
    assert r is not None
    ratio = (r.of_seeds(1) or 0) / (r.of_seeds(4) or 1)
    expected = 0.5 + np.arcsin(np.sin(np.pi * 0.4) * ratio**0.5) / np.pi
    assert offers[0].decision_accuracy_lower == pytest.approx(expected)
    silent = frontier([proxy(1, 0.9, 0.1, seeds=4, noise=1e-9)])
    assert silent[0].seeds == 1
    assert silent[0].decision_accuracy_lower == pytest.approx(0.9)


def test_fewer_seeds_may_lose_more() -> None:
    noisy = proxy(1, 0.9, 0.1, seeds=4, noise=1.0)
    lost = [offer.regret_upper for offer in frontier([noisy])]
    assert lost == sorted(lost, reverse=True) and lost[0] > lost[-1]
    assert lost[-1] == noisy.point.regret_upper_one_sided


def test_an_offer_stays_if_it_is_better_in_either_promise() -> None:
    cheap, dear = proxy(1, 0.9, 0.1), proxy(2, 0.8, 0.2)
    less = replace(dear, point=replace(dear.point, regret_upper_one_sided=0.0))
    cheap = replace(cheap, point=replace(cheap.point, regret_upper_one_sided=0.5))
    assert [offer.size for offer in frontier([cheap, less])] == [1, 2]
    more = replace(dear, point=replace(dear.point, regret_upper_one_sided=0.6))
    assert [offer.size for offer in frontier([cheap, more])] == [1]


def test_what_cannot_be_judged_is_no_offer() -> None:
    y = np.arange(5.0)
    assert frontier([compare(paired(y, y), 1, 0.1, 0.95)]) == []
    y = np.random.default_rng(1).standard_normal(20)
    assert frontier([compare(paired(-y, y), 1, 0.1, 0.95)]) == []
    assert frontier([compare(paired(y, y), 1, None, 0.95)]) == []
