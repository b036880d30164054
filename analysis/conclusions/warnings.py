"""What a reader must know before trusting a figure: a code for programs, a sentence for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analysis.statistics.curve import Comparison
from analysis.statistics.influence import changed_by_a_level
from analysis.statistics.reliability import duplicates, unequal_noise
from analysis.tables.table import Scale
from analysis.words import listed, proxy_name

FEW = 10  # variants
INFLATED = 1.3  # jackknife standard error of atanh r over Fisher's
NEAR = 0.05  # of the way from chance to the top, or from the top to chance

MESSAGES = {
    "negative_transfer": "the proxy orders variants the other way round than the target",
    "shared_levels": (
        "variants share levels of the declared factors, so they are not independent; the intervals "
        "count levels too"
    ),
    "two_levels": (
        "a declared factor has only two levels, too few to tell how much levels vary: the 95% "
        "intervals cover about 85%; read them as being about these designs alone"
    ),
    "influential_variant": (
        "single variants carry the correlation: its jackknife error is over 1.3 times the one "
        "expected of normal scores"
    ),
    "influential_level": "leaving out one level moves R2 by over 0.1 or turns the sign of r",
    "one_seed": (
        "no variant has two seeds at the proxy, or none at the target: noise cannot be told from "
        "failed transfer"
    ),
    "noise_limited": (
        "at least half of what is missing from R2 = 1 is seed noise: train more seeds before a "
        "larger proxy"
    ),
    "question_limited": (
        "at least half of what is missing from R2 = 1 may be noise of the questions: ask more of "
        "them, about more videos, before training a larger proxy"
    ),
    "heteroscedastic_seeds": "seed noise differs between variants (Brown-Forsythe p < 0.05)",
    "duplicate_variants": (
        "two variants have the same scores on all of several seeds: probably one variant twice, "
        "which counts as evidence only once"
    ),
    "ties": "equal seed means: a tied pair counts one half in the decision accuracy",
    "few_variants": "fewer than 10 variants: intervals are wide and rest on strong assumptions",
    "constant_scores": "no spread at the proxy or the target: r and what follows is undefined",
    "missing_cells": "variants lack a score at the proxy or the target and are left out",
    "missing_benchmarks": "the macro leaves out benchmarks not scored at both proxy and target",
    "chance_level": "most scores are at chance level: their order is noise",
    "ceiling_score": "most scores are at the top of the scale: good variants cannot be told apart",
}


@dataclass(frozen=True)
class FitWarning:
    """A code and its sentence."""

    code: str
    message: str


def warnings_of(
    comparison: Comparison,
    *,
    variants_in_table: int,
    metric: str,
    threshold: float,
    scale: Scale | None,
    question_ceiling: float | None = None,
) -> tuple[str, ...]:
    """All codes that hold for one point of the curve, in the order of `MESSAGES`.

    Args:
        comparison: the point.
        variants_in_table: number of all variants.
        metric: of the verdict.
        threshold: of the metric.
        scale: of the benchmark, where it is known.
        question_ceiling: r2 that the noise of the questions leaves, where it is known.
    """
    pair, point = comparison.pair, comparison.point
    levels = [len(np.unique(codes)) for codes in pair.levels.values()]
    seeds_known = comparison.noise_proxy is not None and comparison.noise_target is not None
    # no positive ceiling: the seeds explain all of the spread
    seed_ceiling = (point.ceiling_r2 or 0.0) if seeds_known else None
    failed = _failed(comparison, metric, threshold)
    found = {
        "negative_transfer": point.r_ci95 is not None and point.r_ci95[1] < 0,
        "shared_levels": any(count < pair.n for count in levels),
        "two_levels": any(count == 2 < pair.n for count in levels),
        "influential_variant": _inflated(comparison),
        "influential_level": changed_by_a_level(comparison.correlation),
        "one_seed": not seeds_known,
        "noise_limited": failed and _explained(seed_ceiling, point.r2),
        "question_limited": failed and _explained(question_ceiling, point.r2),
        "heteroscedastic_seeds": any(
            p is not None and p < 0.05
            for p in (unequal_noise(pair.proxy_runs), unequal_noise(pair.target_runs))
        ),
        "duplicate_variants": bool(duplicates(pair.proxy_runs, pair.n)),
        "ties": any(len(np.unique(side)) < pair.n for side in (pair.x, pair.y)),
        "few_variants": pair.n < FEW,
        "constant_scores": any(len(s) > 0 and np.ptp(s) == 0 for s in (pair.x, pair.y)),
        "missing_cells": pair.n < variants_in_table,
        "missing_benchmarks": pair.benchmarks_left_out > 0,
        "chance_level": scale is not None and _most_near(comparison, scale.chance, scale.top),
        "ceiling_score": scale is not None and _most_near(comparison, scale.top, scale.chance),
    }
    return tuple(code for code in MESSAGES if found[code])


def in_words(comparisons: Sequence[Comparison]) -> tuple[FitWarning, ...]:
    """Every code of some points, once, naming the proxies it holds for."""
    sentences = []
    for code, message in MESSAGES.items():
        where = [
            proxy_name(c.rung.size, c.rung.samples) for c in comparisons if code in c.point.warnings
        ]
        if where:
            every = len(where) == len(comparisons) > 1
            subject = "every proxy" if every else listed(where)
            sentences.append(FitWarning(code, f"{subject}: {message}."))
    return tuple(sentences)


def _inflated(comparison: Comparison) -> bool:
    r = comparison.correlation
    if r is None or r.n < 4 or abs(r.r) == 1:
        return False
    return sqrt(float((r.deviations**2).sum())) > INFLATED / sqrt(r.n - 3)


def _failed(comparison: Comparison, metric: str, threshold: float) -> bool:
    """Whether the threshold is not passed with confidence."""
    figures = comparison.point.judged_by(metric)
    return figures is None or figures[1] < threshold


def _explained(ceiling: float | None, r2: float | None) -> bool:
    """Whether noise that leaves a ceiling is at least half of what r2 lacks."""
    return ceiling is not None and r2 is not None and 1 - ceiling >= (1 - r2) / 2


def _most_near(comparison: Comparison, end: float, other: float) -> bool:
    reach = NEAR * abs(other - end)
    for side in (comparison.pair.x, comparison.pair.y):
        # on the far side of chance is chance too
        beyond = np.abs(side - end) <= reach if end > other else side <= end + reach
        if len(side) and float(np.mean(beyond)) > 0.5:
            return True
    return False
