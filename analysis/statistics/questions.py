"""Noise of the evaluation itself: the same designs on other questions, drawn by whole videos."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.tables.columns import column, empty_cells, fail, fail_at, labels, numbers
from analysis.tables.pairs import Codes, Floats, PairedScores, Rung
from analysis.tables.table import Table

TRUE, FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})


@dataclass(frozen=True)
class EvaluationNoise:
    """What one rung's accuracies owe to the draw of questions, all as fractions of 1.

    Questions about one video stand or fall together, so videos are the unit.
    """

    size: float
    samples: float | None
    benchmark: str | None
    variants: int
    questions: int
    """Largest number of questions that a variant answered, per seed."""
    videos: int
    sd: float | None
    """Standard error of an accuracy, root mean square over variants; None with one video."""
    sd_compared: float | None
    """The part that moves variants against each other: all answer the same questions."""
    design_effect: float | None
    """Variance with videos as the unit over the variance of as many independent questions."""
    reliability: float | None
    """Share of the variance between variants' accuracies that other questions would repeat."""


def evaluation_noise(questions: pd.DataFrame, table: Table) -> tuple[EvaluationNoise, ...]:
    """Estimate the noise of the questions for every rung and benchmark.

    Args:
        questions: one row per variant, size, seed and question: columns `variant, size, video_id,
            correct` and `samples, benchmark, seed` where the table of scores has them.
        table: the checked table of scores; questions of other variants are left out.

    Raises:
        ValueError: one line, when a column is missing, a cell cannot be used or no variant of
            the table has questions.
    """
    if not len(questions):
        fail(questions, "the questions have no rows")
    variant, names = labels(questions, "variant")
    video, _ = labels(questions, "video_id")
    size = numbers(questions, "size", positive=True)
    samples = numbers(questions, "samples", positive=True) if table.samples is not None else None
    benchmark = np.zeros_like(variant)
    benchmarks: tuple[str | None, ...] = (None,)
    if table.benchmarks != (None,) and "benchmark" in questions.columns:
        benchmark, benchmarks = labels(questions, "benchmark")
    seed = np.zeros_like(variant)
    if "seed" in questions.columns:
        seed, _ = labels(questions, "seed", empty_label="")
    correct = _correct(questions)
    known = np.isin(variant, [i for i, name in enumerate(names) if name in table.variants])
    if not known.any():
        fail(questions, f"no variant of the questions is in the table, as {names[0]!r}")
    known &= np.isin(size, table.size)
    if not known.any():
        fail(questions, f"no size of the questions is in the table, as {size[0]:g}")
    found = []
    keys = [size, np.zeros_like(size) if samples is None else samples, benchmark.astype(float)]
    cells, cell = np.unique(np.stack(keys, axis=1)[known], axis=0, return_inverse=True)
    where = np.flatnonzero(known)
    for i, (cell_size, cell_samples, cell_benchmark) in enumerate(cells.tolist()):
        rows = where[cell.reshape(-1) == i]
        rung = Rung(cell_size, None if samples is None else cell_samples)
        name = benchmarks[int(cell_benchmark)]
        found.append(_of_rung(rung, name, variant[rows], video[rows], correct[rows], seed[rows]))
    return tuple(found)


def question_ceiling(noise: Sequence[EvaluationNoise], pair: PairedScores) -> float | None:
    """The r2 that perfect transfer would show if each side had questions of its own.

    The product of both sides' reliabilities. In a macro of B benchmarks, whose scores have unit
    variance, their noise adds up to sum (1 - reliability) / B^2 of the variance of the mean.

    Args:
        noise: of all rungs and benchmarks.
        pair: the proxy and the target.

    Returns:
        0 when noise explains all of the spread; None where a side's noise is not known.
    """
    known = {(n.size, n.samples, n.benchmark): n.reliability for n in noise}
    shares = []
    for rung, scores in ((pair.proxy, pair.x), (pair.target, pair.y)):
        found = [known.get((rung.size, rung.samples, name)) for name in pair.averaged]
        told = [share for share in found if share is not None]
        spread = float(scores.var(ddof=1)) if len(scores) > 1 else 0.0
        if not told or len(told) < len(found) or not spread:
            return None
        alone = len(told) == 1
        lost = 1 - told[0] if alone else sum(1 - share for share in told) / len(told) ** 2 / spread
        shares.append(max(1 - lost, 0.0))
    return shares[0] * shares[1]


def _correct(questions: pd.DataFrame) -> Floats:
    cells = column(questions, "correct")
    texts, values = pd.factorize(cells.astype(str).str.strip().str.lower().to_numpy(object))
    meaning = [1.0 if v in TRUE | {"1.0"} else 0.0 if v in FALSE | {"0.0"} else -1 for v in values]
    correct = np.where(empty_cells(cells), -1.0, np.array([*meaning, -1.0])[texts])
    if (correct < 0).any():
        fail_at(questions, "correct", int((correct < 0).argmax()), "is neither 0 nor 1")
    return correct


def _of_rung(
    rung: Rung, benchmark: str | None, variant: Codes, video: Codes, correct: Floats, seed: Codes
) -> EvaluationNoise:
    _, variant = np.unique(variant, return_inverse=True)
    _, video = np.unique(video, return_inverse=True)
    n, videos = int(variant.max()) + 1, int(video.max()) + 1
    asked = np.bincount(variant, minlength=n)
    accuracy = np.bincount(variant, correct, minlength=n) / asked
    seeds = np.array([len(np.unique(seed[variant == v])) for v in range(n)])
    # each video's share in the error of a variant's accuracy
    share = np.zeros((n, videos))
    np.add.at(share, (variant, video), (correct - accuracy[variant]) / asked[variant])
    sd = compared = design_effect = repeated = None
    if videos > 1:
        few = videos / (videos - 1)
        clustered = few * float((share**2).sum()) / n
        sd = clustered**0.5
        independent = float((accuracy * (1 - accuracy) * seeds / asked).mean())
        design_effect = clustered / independent if independent > 0 else None
        if n > 1:
            apart = few * float(((share - share.mean(axis=0)) ** 2).sum()) / (n - 1)
            compared = apart**0.5
            spread = float(accuracy.var(ddof=1))
            repeated = 1 - apart / spread if spread > 0 else None
    return EvaluationNoise(
        size=rung.size,
        samples=rung.samples,
        benchmark=benchmark,
        variants=n,
        questions=int((asked / seeds).max()),
        videos=videos,
        sd=sd,
        sd_compared=compared,
        design_effect=design_effect,
        reliability=repeated,
    )
