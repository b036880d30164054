from dataclasses import replace

import pandas as pd
import pytest

from analysis import fit
from analysis.pages.verdict import (
    interval_of,
    rung_name,
    share,
    size_ladder,
    spoken_of,
    verdict,
)
from analysis.tables.published import consistency
from tests.analysis.studies import study_table


@pytest.fixture(scope="module")
def apollo():
    return fit(consistency(), factors=("setting", "mixture"))


def tiles(result) -> dict[str, str]:
    return {tile.label: tile.value for tile in verdict(result).tiles}


def test_a_certified_size_is_named_with_its_cost(apollo):
    told = verdict(apollo)
    assert told.status == "certified"
    assert told.headline == "Trust proxies from 4B up to design for 7B."
    assert tiles(apollo)["smallest size to trust"] == "4B"
    assert tiles(apollo)["cost of one run"] == "57%"
    assert "by parameters and samples" in told.tiles[1].detail


def test_without_a_certified_size_the_plausible_ones_are_named():
    result = fit(consistency(), factors=("setting", "mixture"), threshold=0.9)
    told = verdict(result)
    assert told.status == "none"
    assert told.headline == "No proxy is certified to decide for 7B yet. Plausible: 4B."
    assert tiles(result)["best candidate"] == "4B"
    assert "is not shown" in told.tiles[0].detail


def test_a_refusal_promises_nothing():
    frame = consistency()
    few = frame[frame.variant.isin(frame.variant.unique()[:4])]
    told = verdict(fit(few))
    assert told.status == "refused"
    assert told.headline == "No verdict for 7B: nothing here can be judged."


def test_no_proxy_at_all_has_no_tiles():
    frame = consistency()
    assert verdict(fit(frame[frame["size"] == 7e9])).tiles == ()


def test_costs_in_the_table_are_called_recorded():
    result = fit(study_table())
    assert "as recorded" in verdict(result).tiles[1].detail
    assert spoken_of(result).size == result.critical_size.certified


def test_the_interval_of_r2_holds_0_where_that_of_r_does(apollo):
    point = apollo.headline[0]
    assert interval_of(replace(point, r_ci95=(-0.2, 0.5)), "r2") == pytest.approx((0, 0.25))
    assert interval_of(replace(point, r_ci95=(-0.9, -0.5)), "r2") == pytest.approx((0.25, 0.81))
    assert interval_of(replace(point, r_ci95=None), "r2") is None
    assert interval_of(point, "decision_accuracy") == point.decision_accuracy_ci95


def test_the_ladder_has_each_size_below_the_target_once_with_most_samples():
    frame = pd.concat([study_table(), study_table(sizes=(41_000, 124_000)).assign(samples=2400)])
    result = fit(frame)
    assert [(p.size, p.samples) for p in size_ladder(result)] == [(12_000, 9600), (41_000, 9600)]
    assert rung_name(result, 41_000, 2400) == "41K on 2.4K samples"
    assert rung_name(fit(study_table()), 41_000, 9600) == "41K"


@pytest.mark.parametrize(
    ("part", "words"),
    [(None, "-"), (0.571, "57%"), (0.0714, "7.1%"), (0.0004, "0.04%"), (1, "100%")],
)
def test_shares_have_two_digits(part, words):
    assert share(part) == words
