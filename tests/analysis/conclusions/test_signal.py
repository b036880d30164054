import numpy as np
import pytest

from analysis.conclusions.signal import check_signal
from analysis.statistics.interactions import interactions
from tests.analysis.studies import CATEGORIES, study_table

SPREAD, TOLD_APART, QUESTIONS = range(3)


def test_a_study_with_strong_axes_passes():
    signal = check_signal(study_table())
    assert signal.passed
    assert (signal.size, signal.designs, signal.seeds) == (124_000, 9, 2)
    assert signal.text.count("pass") == 3


def test_the_seed_sd_is_the_planted_one():
    noise = 0.02
    found = [
        check_signal(study_table(noise=noise, seeds=4, random_state=k)).seed_sd for k in range(20)
    ]
    # Scores are means over five categories.
    assert np.mean(found) == pytest.approx(noise / 5**0.5, rel=0.1)


def test_one_broken_level_alone_does_not_pass():
    signal = check_signal(study_table(connector=(-0.3, 0.0, 0.0), sampling=(0, 0, 0), noise=0.02))
    spread = signal.checks[SPREAD]
    assert spread.passed is False
    assert "connector mlp-1" in spread.told
    assert signal.full.sd > 5 * signal.seed_sd


def test_every_axis_is_left_out_in_turn_and_all_at_once():
    signal = check_signal(study_table())
    without = [dict(spread.without) for spread in signal.one_axis]
    assert without == [{"sampling": "uniform-8"}, {"connector": "mlp-1"}]
    assert [spread.designs for spread in signal.one_axis] == [6, 6]
    assert signal.every_axis.designs == 4


def test_noise_is_not_known_without_a_second_seed():
    signal = check_signal(study_table(seeds=1))
    assert signal.seed_sd is None
    assert signal.checks[SPREAD].passed is None
    assert "no design has two seeds" in signal.checks[SPREAD].told
    assert not signal.passed


def test_one_reseeded_design_is_enough_to_know_the_noise():
    frame = study_table()
    first = frame.variant.iloc[0]
    signal = check_signal(frame[(frame.seed == 0) | (frame.variant == first)])
    assert signal.seed_sd is not None


@pytest.mark.parametrize(
    ("changed", "passed"),
    [
        ({"centre": 0.2}, False),  # none 30 points above chance
        ({"centre": 0.8}, False),  # none near chance
        ({"chance": None}, None),
        ({}, True),
    ],
)
def test_a_category_needs_a_design_far_above_chance_and_one_near_it(changed, passed):
    assert check_signal(study_table(**changed)).checks[TOLD_APART].passed is passed


def test_one_category_that_nothing_learns_fails_the_check():
    frame = study_table()
    frame.loc[frame.benchmark == CATEGORIES[0], "score"] = 0.25
    check = check_signal(frame).checks[TOLD_APART]
    assert check.passed is False
    assert f"not by {CATEGORIES[0]}" in check.told


@pytest.mark.parametrize(("questions", "passed"), [(299, False), (300, True), (None, None)])
def test_questions_per_category(questions, passed):
    assert check_signal(study_table(questions=questions)).checks[QUESTIONS].passed is passed


def test_controls_are_reported_from_chance():
    control = study_table(centre=0.25, connector=(0, 0, 0), sampling=(0, 0, 0), noise=0)
    signal = check_signal(study_table(), {"question_only": control})
    assert "question only: egocentric +0, ocr +0" in signal.text
    assert "single frame: not measured" in signal.text


def test_an_axis_that_turns_with_size_is_found_and_a_steady_one_is_not():
    turned = study_table(small=(0.2, 0.05, -0.2), noise=0.02)
    p = {test.axis: test.p for test in check_signal(turned).interactions}
    assert p["connector"] < 1e-6
    assert p["sampling"] > 0.001


def test_interactions_hold_their_level_without_any():
    p = []
    for k in range(120):
        frame = study_table(noise=0.05, seeds=1, random_state=k)
        p += [test.p for test in interactions(frame, ["connector"])]
    rejected = np.mean(np.array(p) < 0.05)
    assert rejected < 0.05 + 3 * (0.05 * 0.95 / 120) ** 0.5


def test_one_size_has_no_interaction():
    signal = check_signal(study_table(sizes=(12_000,)))
    assert signal.interactions == ()
    assert "not tested" in signal.text


def test_a_table_without_accuracies_is_told():
    frame = study_table().assign(measure="margin")
    with pytest.raises(ValueError, match="needs a table with accuracies"):
        check_signal(frame)
