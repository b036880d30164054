"""Which size to trust for which axis: planted reversals, axes without effects, false claims."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import fit
from analysis.conclusions.axes import AxisTrust, Tally, trust_axes
from analysis.conclusions.decisions import Decision
from analysis.pages.sentences import axes_sentence
from analysis.pages.sheets import axes_sheet
from tests.analysis.pages.figures import reversal
from tests.analysis.studies import study_table

PAIR = Decision(
    "connector", "mlp", "perceiver", 1e4, 0.1, (0.05, 0.15), 0.1, (0.05, 0.15), "transfers", 3, 0.01
)
UNTOLD = replace(PAIR, target_ci95=(-0.1, 0.3), verdict="undecided_at_target")


def at(size: float, verdict: str, **changed) -> Decision:
    return replace(PAIR, size=size, verdict=verdict, **changed)


def trusted(*decisions: Decision) -> AxisTrust:
    (found,) = trust_axes(decisions, {1e4: 0.1, 3e4: 0.3, 1e5: None})
    return found


def test_the_smallest_size_from_which_on_all_transfers() -> None:
    found = trusted(at(1e5, "transfers"), at(3e4, "shrinks"), at(1e4, "undecided_at_proxy"))
    assert (found.trusted_from, found.relative_cost, found.pairs) == (3e4, 0.3, 1)
    assert found.tallies == (Tally(1e5, 1, 0, 0), Tally(3e4, 1, 0, 0), Tally(1e4, 0, 0, 1))


def test_a_larger_size_that_fails_is_not_jumped_over() -> None:
    found = trusted(at(1e5, "reversed"), at(3e4, "transfers"), at(1e4, "transfers"))
    assert found.trusted_from is None and found.relative_cost is None


def test_one_undecided_pair_keeps_an_axis_from_being_trusted() -> None:
    other = {"level_b": "conv"}
    found = trusted(at(1e4, "transfers"), at(1e4, "undecided_at_proxy", **other))
    assert found.trusted_from is None and found.tallies[0].undecided == 1


def test_pairs_that_the_target_does_not_tell_apart_do_not_count() -> None:
    found = trusted(at(1e4, "transfers"), replace(UNTOLD, level_b="conv"))
    assert (found.trusted_from, found.pairs, found.tried) == (1e4, 1, 2)
    nothing = trusted(UNTOLD)
    assert (nothing.trusted_from, nothing.pairs) == (None, 0)


def test_a_planted_reversal_moves_its_axis_alone() -> None:
    found = {one.axis: one for one in reversal().result.axes}
    assert found["sampling"].trusted_from == 5e8
    assert found["encoder"].trusted_from is not None and found["encoder"].trusted_from <= 1e8
    assert [tally.reversed for tally in found["sampling"].tallies][-1] == 3


def test_an_axis_is_a_part_of_the_sentence_and_a_row_of_the_table() -> None:
    result = fit(study_table(sampling=(0.0, 0.0, 0.0), seeds=3), factors=("connector", "sampling"))
    sentence = axes_sentence(result)
    assert sentence.startswith(
        "By axis (pairs that the target tells apart, share of its cost): "
        "connector from 12K (3 of 3, 9.7%)"
    )
    sheet = axes_sheet(result)
    assert sheet is not None and [row[0] for row in sheet.rows] == ["connector", "sampling"]
    assert axes_sentence(fit(study_table())) == "" and axes_sheet(fit(study_table())) is None


@pytest.mark.parametrize("effect", [0.0, -0.03])
def test_a_size_whose_effects_are_not_the_targets_is_rarely_trusted(effect: float) -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(60):
        seed = int(rng.integers(1 << 30))
        small = (-effect, 0.0, effect)
        frame = study_table(
            sizes=(12_000, 124_000), seeds=1, noise=0.05, small=small, random_state=seed
        )
        found = fit(frame[frame.benchmark == "ocr"], factors=("connector", "sampling")).axes
        wrong += found[0].axis == "connector" and found[0].trusted_from is not None
    assert wrong <= 6  # at most 5% on average: 3 of 60, with 95% confidence no more than 6
