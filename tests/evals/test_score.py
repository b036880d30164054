"""From likelihoods to answers to scores, against values worked out by hand."""

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.data.sources import Media, Question
from ablate.evals.score import question_result, summarise
from ablate.tasks import MEASURES, WORLD


def _question(answer: int = 0, options: int = 4, **changes) -> Question:
    facts = {
        "id": "q", "video": Media(Path("v.mp4"), "k", 5.0), "video_id": "v",
        "text": "which?", "options": tuple("abcdefgh"[:options]), "answer": answer,
        "category": "ocr", "kind": "read",
    }  # fmt: skip
    return Question(**(facts | changes))


def test_shares_and_margin_by_hand() -> None:
    # Options of one token with probabilities 0.1, 0.3, 0.2: shares of their sum are 1/6, 1/2, 1/3.
    logp = [math.log(p) for p in (0.1, 0.3, 0.2)]
    right = question_result(_question(1, 3), logp, [1, 1, 1])
    assert right["prediction"] == 1 and right["correct"] and right["correct_raw"]
    assert right["p_correct"] == pytest.approx(1 / 2)
    assert right["margin"] == pytest.approx(1 / 2 - 1 / 3)
    wrong = question_result(_question(0, 3), logp, [1, 1, 1])
    assert not wrong["correct"]
    assert wrong["p_correct"] == pytest.approx(1 / 6)
    assert wrong["margin"] == pytest.approx(1 / 6 - 1 / 2)


def test_length_is_normalised_away() -> None:
    # Three tokens of -1 each beat one token of -2, although their sum is lower.
    found = question_result(_question(0, 2), [-3.0, -2.0], [3, 1])
    assert found["prediction"] == 0 and found["correct"] and not found["correct_raw"]
    assert found["p_correct"] == pytest.approx(1 / (1 + math.exp(-1)))
    assert found["logp"] == [-3.0, -2.0] and found["tokens"] == [3, 1]


def test_a_tie_goes_to_the_first_option_and_has_no_margin() -> None:
    tied = [-1.0, -1.0, -5.0]
    assert question_result(_question(0, 3), tied, [1, 1, 1])["correct"]
    second = question_result(_question(1, 3), tied, [1, 1, 1])
    assert not second["correct"] and second["margin"] == pytest.approx(0)


@given(st.lists(st.floats(-1e4, 0), min_size=2, max_size=8), st.data())
def test_shares_are_probabilities_whatever_the_likelihoods(logp: list[float], data) -> None:
    answer = data.draw(st.integers(0, len(logp) - 1))
    found = question_result(_question(answer, len(logp)), logp, [1] * len(logp))
    assert 0 <= found["p_correct"] <= 1 and -1 <= found["margin"] <= 1
    everything = [
        question_result(_question(k, len(logp)), logp, [1] * len(logp)) for k in range(len(logp))
    ]
    assert sum(one["p_correct"] for one in everything) == pytest.approx(1)
    assert sum(one["correct"] for one in everything) == 1


def _answers(*rows: tuple[str, bool, float, str]) -> pd.DataFrame:
    """Rows of (video, right, seconds, category), of four options each."""
    return pd.DataFrame(
        question_result(
            _question(0, video=Media(Path("v"), "k", seconds), video_id=video, category=category),
            [-1.0 if right else -3.0, -2.0, -2.0, -2.0],
            [1] * 4,
        )
        for video, right, seconds, category in rows
    )


def test_the_error_takes_questions_of_one_video_together() -> None:
    # Accuracy 1/2; videos a and b leave residuals 2 * 1/2 and -2 * 1/2: sqrt(1 + 1) / 4.
    alike = _answers(*[("a", True, 5.0, "ocr")] * 2, *[("b", False, 5.0, "ocr")] * 2)
    assert summarise(alike, WORLD)["scores"]["ocr"]["se"] == pytest.approx(math.sqrt(2) / 4)
    # One question a video: the usual sqrt(p (1 - p) / n).
    apart = alike.assign(video_id=["a", "b", "c", "d"])
    assert summarise(apart, WORLD)["scores"]["ocr"]["se"] == pytest.approx(math.sqrt(0.25 / 4))
    # One right and one wrong in each video cancel.
    mixed = alike.assign(video_id=["a", "b", "a", "b"])
    assert summarise(mixed, WORLD)["scores"]["ocr"]["se"] == 0


def test_scores_by_category_kind_and_duration() -> None:
    answers = _answers(
        ("a", True, 9.9, "ocr"), ("b", False, 10.0, "ocr"),
        ("c", True, 59.0, "spatial"), ("d", True, 60.0, "spatial"),
    )  # fmt: skip
    found = summarise(answers, WORLD)
    assert {name: score["accuracy"] for name, score in found["scores"].items()} == {
        "ocr": 0.5,
        "spatial": 1.0,
    }
    assert {name: score["n"] for name, score in found["groups"].items()} == {
        "short": 1,
        "medium": 2,
        "long": 1,
    }
    assert found["kinds"].keys() == {"read"}
    assert found["kinds"]["read"].keys() == {*MEASURES, "n", "se", "chance"}


def test_chance_is_the_mean_over_questions_with_other_numbers_of_options() -> None:
    rows = [question_result(_question(0, n), [-1.0] * n, [1] * n) for n in (2, 4)]
    assert summarise(pd.DataFrame(rows), WORLD)["scores"]["ocr"]["chance"] == pytest.approx(3 / 8)
