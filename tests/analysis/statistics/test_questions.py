"""Noise of the questions against planted clusters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.questions import EvaluationNoise, evaluation_noise, question_ceiling
from analysis.tables.pairs import Rung
from analysis.tables.table import check_table, read_questions
from tests.analysis.planted import paired, table


def answers(
    rng: np.random.Generator, variants: int, videos: int, per_video: int, ease: float
) -> pd.DataFrame:
    """Answers of equally good variants; `ease` is the share a video has in all its answers."""
    shared = rng.random((1, videos, 1)) < 0.5
    own = rng.random((variants, videos, per_video)) < 0.5
    correct = np.where(rng.random(own.shape) < ease, shared, own)
    index = pd.MultiIndex.from_product(
        [[f"v{i:03}" for i in range(variants)], range(videos), range(per_video)],
        names=["variant", "video_id", "question"],
    )
    frame = pd.DataFrame({"correct": correct.reshape(-1).astype(int)}, index=index)
    return frame.reset_index().assign(size=1.0)


def noise(frame: pd.DataFrame, variants: int = 8) -> EvaluationNoise:
    (found,) = evaluation_noise(frame, check_table(table({1.0: np.arange(float(variants))})))
    return found


def test_independent_questions_have_binomial_noise() -> None:
    found = noise(answers(np.random.default_rng(0), 8, 400, 1, 0.0))
    assert found.sd == pytest.approx((0.25 / 400) ** 0.5, rel=0.05)
    assert found.sd_compared == pytest.approx(found.sd, rel=0.1)
    assert found.design_effect == pytest.approx(1, abs=0.05)
    assert (found.variants, found.questions, found.videos) == (8, 400, 400)


def test_questions_of_one_video_count_once() -> None:
    found = noise(answers(np.random.default_rng(1), 8, 300, 4, 1.0))
    assert found.design_effect == pytest.approx(4, rel=0.1)
    assert found.sd == pytest.approx((0.25 / 300) ** 0.5, rel=0.1)
    assert found.sd_compared == pytest.approx(0, abs=1e-12)


def test_shared_questions_move_variants_together() -> None:
    found = noise(answers(np.random.default_rng(2), 8, 500, 2, 0.7))
    assert found.sd is not None and found.sd_compared is not None
    assert found.sd_compared < 0.7 * found.sd


def test_other_questions_would_move_means_by_the_estimated_noise() -> None:
    rng = np.random.default_rng(3)
    draws = [answers(rng, 6, 60, 3, 0.5) for _ in range(150)]
    found = [noise(draw, 6) for draw in draws]
    means = np.array([draw.groupby("variant").correct.mean() for draw in draws])
    assert np.mean([n.sd**2 for n in found if n.sd]) == pytest.approx(
        means.var(axis=0, ddof=1).mean(), rel=0.15
    )
    apart = means.var(axis=1, ddof=1).mean()
    assert np.mean([n.sd_compared**2 for n in found if n.sd_compared]) == pytest.approx(
        apart, rel=0.15
    )


def test_few_videos_are_not_taken_for_less_noise() -> None:
    rng = np.random.default_rng(8)
    draws = [answers(rng, 2, 3, 6, 0.8) for _ in range(300)]
    means = np.array([draw.groupby("variant").correct.mean() for draw in draws])
    estimates = [noise(draw, 2).sd or 0.0 for draw in draws]
    assert np.mean(np.square(estimates)) == pytest.approx(means.var(axis=0).mean(), rel=0.15)


def test_reliability_is_what_other_questions_would_repeat() -> None:
    rng = np.random.default_rng(4)
    frame = answers(rng, 8, 800, 1, 0.0)
    skill = frame.variant.str[1:].astype(int) / 10
    better = frame.assign(correct=(rng.random(len(frame)) < 0.1 + skill).astype(int))
    assert (noise(better).reliability or 0) > 0.98
    assert (noise(frame).reliability or 0) < 0.7


def test_rungs_are_told_apart_and_unknown_variants_left_out() -> None:
    frame = answers(np.random.default_rng(5), 9, 20, 1, 0.0)
    both = pd.concat([frame, frame.assign(size=2.0)])
    found = evaluation_noise(both, check_table(table({1.0: np.arange(8.0), 2.0: np.arange(8.0)})))
    assert [(n.size, n.variants) for n in found] == [(1.0, 8), (2.0, 8)]
    with pytest.raises(ValueError, match="no variant"):
        noise(frame.assign(variant="other"))
    with pytest.raises(ValueError, match="no size of the questions is in the table, as 9"):
        noise(frame.assign(size=9.0))
    with pytest.raises(ValueError, match="no rows"):
        noise(frame.iloc[:0])


@pytest.mark.parametrize("correct", ["yes", "", "0.5", None])
def test_an_answer_is_right_or_wrong(tmp_path: Path, correct: str | None) -> None:
    frame = pd.DataFrame(
        {"variant": ["v000"], "size": [1], "video_id": ["a"], "correct": [correct]}
    )
    with pytest.raises(ValueError, match="'correct', row 0"):
        noise(frame)
    frame.to_csv(tmp_path / "q.csv", index=False)
    with pytest.raises(ValueError, match=r"q\.csv: column 'correct', row 2"):
        noise(read_questions(tmp_path / "q.csv"))


def test_spellings_of_right_and_wrong(tmp_path: Path) -> None:
    frame = answers(np.random.default_rng(6), 8, 30, 1, 0.0)
    expected = noise(frame)
    for spelling in (frame.correct.astype(bool), frame.correct.astype(float), frame.correct):
        frame.assign(correct=spelling).to_csv(tmp_path / "q.csv", index=False)
        assert noise(read_questions(tmp_path / "q.csv")) == expected


def test_one_video_tells_nothing() -> None:
    found = noise(answers(np.random.default_rng(7), 8, 1, 9, 0.0))
    assert found.sd is None and found.sd_compared is None and found.reliability is None


def test_the_ceiling_of_a_macro_is_the_loss_of_its_mean() -> None:
    x, y = np.random.default_rng(9).standard_normal((2, 6))
    pair = replace(paired(x, y), averaged=("a", "b"))

    def of(rung: Rung, benchmark: str, reliability: float) -> EvaluationNoise:
        return EvaluationNoise(
            rung.size, rung.samples, benchmark, 6, 300, 300, None, None, None, reliability
        )

    told = {"a": (0.9, 0.8), "b": (0.7, 0.6)}
    noises = [
        of(rung, name, told[name][side])
        for side, rung in enumerate((pair.proxy, pair.target))
        for name in told
    ]
    expected = (1 - 0.4 / 4 / x.var(ddof=1)) * (1 - 0.6 / 4 / y.var(ddof=1))
    assert question_ceiling(noises, pair) == pytest.approx(expected)
    assert question_ceiling(noises[1:], pair) is None
    alone = replace(pair, averaged=("a",))
    assert question_ceiling(noises, alone) == pytest.approx(0.9 * 0.8)
