"""Each warning: a table that must raise it, and one beside it that must not."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis import fit
from analysis.conclusions.warnings import MESSAGES
from analysis.tables.table import Scale
from tests.analysis.planted import Floats, table

N = 21


def codes(x: Floats, y: Floats, scale: Scale | None = None, **columns: object) -> set[str]:
    """Warnings of a proxy (size 1) against the target (size 2)."""
    factors = [name for name in columns if name != "drop"]
    result = fit(
        table({1.0: x, 2.0: y}, **columns), factors=factors, scales={None: scale} if scale else {}
    )
    (point,) = result.headline
    assert {w.code for w in result.warnings} == set(point.warnings)
    return set(point.warnings)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def good(rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two seeds a side, equal small noise, high agreement."""
    y = rng.standard_normal((N, 1))
    return y + 0.1 * rng.standard_normal((N, 2)), y + 0.1 * rng.standard_normal((N, 2))


def test_a_good_table_raises_nothing(good: tuple[Floats, Floats]) -> None:
    assert codes(*good) == set()


def test_negative_transfer(good: tuple[Floats, Floats]) -> None:
    assert "negative_transfer" in codes(-good[0], good[1])


def test_shared_levels(good: tuple[Floats, Floats]) -> None:
    assert "shared_levels" in codes(*good, mix=[str(i % 3) for i in range(N)])
    assert "shared_levels" not in codes(*good, own=[str(i) for i in range(N)])


@pytest.mark.parametrize(("levels", "few"), [(2, True), (3, False), (1, False)])
def test_two_levels(good: tuple[Floats, Floats], levels: int, few: bool) -> None:
    mix = [str(i % levels) for i in range(N)]
    assert ("two_levels" in codes(*good, mix=mix)) == few


def answered(
    rng: np.random.Generator, questions: int, transfer: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A table of accuracies and the answers behind it, one video a question."""
    p = {size: rng.uniform(0.4, 0.7, N) for size in (1.0, 2.0)}
    if transfer:
        p[1.0] = p[2.0]
    rows = []
    for size, chance in p.items():
        correct = rng.random((N, questions)) < chance[:, None]
        index = pd.MultiIndex.from_product([[f"v{i:03}" for i in range(N)], range(questions)])
        told = pd.DataFrame({"correct": correct.reshape(-1).astype(int)}, index=index)
        rows.append(told.rename_axis(["variant", "video_id"]).reset_index().assign(size=size))
    answers = pd.concat(rows, ignore_index=True)
    scores = answers.groupby(["variant", "size"], as_index=False).correct.mean()
    return scores.rename(columns={"correct": "score"}), answers


@pytest.mark.parametrize("benchmarks", [1, 2])
def test_question_limited(rng: np.random.Generator, benchmarks: int) -> None:
    def told(questions: int, transfer: bool = True) -> set[str]:
        parts = [answered(rng, questions, transfer) for _ in range(benchmarks)]
        named = [[part.assign(benchmark=f"b{i}") for part in p] for i, p in enumerate(parts)]
        scores, answers = (pd.concat(side) for side in zip(*named, strict=True))
        (point,) = fit(scores, questions=answers).headline
        return set(point.warnings)

    assert "question_limited" in told(60)
    assert "question_limited" not in told(60, transfer=False) or benchmarks > 1
    assert "question_limited" not in told(1500)
    assert "question_limited" not in told(1500, transfer=False)


def test_answers_say_nothing_of_another_measure(rng: np.random.Generator) -> None:
    scores, answers = answered(rng, 60)
    measured = pd.concat([scores.assign(measure=name) for name in ("accuracy", "p_correct")])
    for name, limited in (("accuracy", True), ("p_correct", False)):
        (point,) = fit(measured, proxy_measure=name, questions=answers).headline
        assert ("question_limited" in point.warnings) == limited


def test_influential_variant(good: tuple[Floats, Floats], rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((2, N))
    x[0] = y[0] = 12.0
    assert "influential_variant" in codes(x, y)


def test_influential_level(good: tuple[Floats, Floats]) -> None:
    mix = np.arange(N) // 3
    broken = [side - 30 * (mix == 6)[:, None] for side in good]
    broken[0][:18] *= -1
    assert "influential_level" in codes(*broken, mix=mix.astype(float))
    assert "influential_level" not in codes(*good, mix=mix.astype(float))


@pytest.mark.parametrize("side", [0, 1])
def test_one_seed(good: tuple[Floats, Floats], side: int) -> None:
    single = [s[:, :1] if i == side else s for i, s in enumerate(good)]
    assert "one_seed" in codes(*single)


def test_noise_limited(rng: np.random.Generator) -> None:
    y = rng.standard_normal((N, 1))
    noisy = y + 1.0 * rng.standard_normal((N, 2))
    clean = y + 0.05 * rng.standard_normal((N, 2))
    assert "noise_limited" in codes(noisy, clean)
    assert "noise_limited" not in codes(noisy[:, :1], clean)
    other = rng.standard_normal((N, 1)) + 0.05 * rng.standard_normal((N, 2))
    assert "noise_limited" not in codes(other, clean)


def test_heteroscedastic_seeds(rng: np.random.Generator) -> None:
    y = rng.standard_normal((N, 1))
    even = y + 0.3 * rng.standard_normal((N, 6))
    uneven = y + np.where(np.arange(N) < 5, 5.0, 0.1)[:, None] * rng.standard_normal((N, 6))
    assert "heteroscedastic_seeds" in codes(uneven, even)
    assert "heteroscedastic_seeds" in codes(even, uneven)
    assert "heteroscedastic_seeds" not in codes(even, even)


def test_duplicate_variants(good: tuple[Floats, Floats]) -> None:
    twice = good[0].copy()
    twice[3] = twice[7]
    assert "duplicate_variants" in codes(twice, good[1])
    assert "duplicate_variants" not in codes(good[0], np.vstack([good[1][:-1], good[1][:1]]))


@pytest.mark.parametrize("side", [0, 1])
def test_ties(good: tuple[Floats, Floats], side: int) -> None:
    tied = [s.copy() for s in good]
    tied[side][3] = tied[side][7][::-1]
    assert "ties" in codes(*tied)


@pytest.mark.parametrize("n", [9, 10])
def test_few_variants(good: tuple[Floats, Floats], n: int) -> None:
    assert ("few_variants" in codes(good[0][:n], good[1][:n])) == (n < 10)


@pytest.mark.parametrize("side", [0, 1])
def test_constant_scores(good: tuple[Floats, Floats], side: int) -> None:
    flat = [np.full_like(s, 0.1) if i == side else s for i, s in enumerate(good)]
    assert "constant_scores" in codes(*flat)


def test_missing_cells(good: tuple[Floats, Floats]) -> None:
    frame = table({1.0: good[0], 2.0: good[1]})
    gone = (frame.variant == "v004") & (frame["size"] == 2)
    for holed in (frame[~gone], frame.assign(score=frame.score.mask(gone))):
        (point,) = fit(holed).headline
        assert point.n == N - 1 and "missing_cells" in point.warnings


def test_missing_benchmarks(good: tuple[Floats, Floats]) -> None:
    frame = table({1.0: good[0], 2.0: good[1]})
    two = pd.concat([frame.assign(benchmark=name) for name in ("a", "b")])
    (whole,) = fit(two).headline
    (part,) = fit(two[(two.benchmark == "a") | (two["size"] == 2)]).headline
    assert "missing_benchmarks" not in whole.warnings
    assert "missing_benchmarks" in part.warnings


@pytest.mark.parametrize(
    ("code", "place"),
    [("chance_level", lambda s: 0.25 + 0.01 * s), ("ceiling_score", lambda s: 0.99 + 0.002 * s)],
)
def test_the_ends_of_a_known_scale(
    good: tuple[Floats, Floats], code: str, place: Callable[[Floats], Floats]
) -> None:
    middle = [0.6 + 0.05 * side for side in good]
    scale = Scale(chance=0.25, top=1.0)
    assert code in codes(place(good[0]), middle[1], scale)
    assert code in codes(middle[0], place(good[1]), scale)
    assert not {"chance_level", "ceiling_score"} & codes(*middle, scale)
    assert code not in codes(place(good[0]), middle[1])


def test_every_code_has_one_sentence_that_names_its_proxies(good: tuple[Floats, Floats]) -> None:
    frame = table({5e8: good[0], 1e9: good[0][:, :1], 2e9: good[0][:, :1], 4e9: good[1]})
    told = {w.code: w.message for w in fit(frame).warnings}
    assert told["one_seed"].startswith("1B and 2B: ")
    assert set(told) <= set(MESSAGES)
    alike = {w.code: w.message for w in fit(frame[frame["size"] != 5e8]).warnings}
    assert alike["one_seed"].startswith("every proxy: ")
