"""From a table of scores to a result: joins all parts of the analysis."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.conclusions.advice import Step, next_steps
from analysis.conclusions.against_paper import AxisComparison, compare_with_paper
from analysis.conclusions.axes import AxisTrust, trust_axes
from analysis.conclusions.cost import Offer, cheapest, frontier, relative_cost
from analysis.conclusions.critical import (
    CriticalSamples,
    CriticalSize,
    SizeDifference,
    compare_sizes,
    critical_samples,
    critical_size,
    largest_samples,
)
from analysis.conclusions.decisions import Decision, decisions
from analysis.conclusions.measures import MeasureAgreement, compare_measures
from analysis.conclusions.seeds import SeedsNeeded, seeds_needed
from analysis.conclusions.staircase import Corner, staircase
from analysis.conclusions.warnings import FitWarning, in_words, warnings_of
from analysis.statistics.curve import Comparison, CurvePoint, compare
from analysis.statistics.influence import Centred, Influence, centred, influences
from analysis.statistics.questions import EvaluationNoise, evaluation_noise, question_ceiling
from analysis.tables.options import benchmarks_of, headline_of, measures_of, target_of, turned
from analysis.tables.pairs import TARGET_MEASURE, Rung, Scores
from analysis.tables.table import Scale, check_table

SCHEMA = 1
THRESHOLDS = {"r2": 0.8, "decision_accuracy": 0.85}


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What a table of scores says about its proxies."""

    target: Rung
    benchmark: str | None
    """The one that everything below the curve is about."""
    curve: tuple[CurvePoint, ...]
    critical_size: CriticalSize
    critical_samples: CriticalSamples | None
    staircase: tuple[Corner, ...] | None
    """Fewest certified samples per size; None where every size has one number of samples."""
    comparisons: tuple[SizeDifference, ...]
    decisions: tuple[Decision, ...]
    axes: tuple[AxisTrust, ...]
    """Which size to trust for which factor."""
    influence: tuple[Influence, ...]
    centred: tuple[Centred, ...]
    cheapest_proxy: Offer | None
    frontier: tuple[Offer, ...]
    seeds: tuple[SeedsNeeded, ...]
    """How many would do, per proxy size whose seed noise is known."""
    next: tuple[Step, ...]
    cost_is_measured: bool
    """Whether costs come from the table, and not from parameters times samples."""
    measures: tuple[MeasureAgreement, ...]
    """Every measure of the table at every proxy; empty where it has one."""
    evaluation: tuple[EvaluationNoise, ...] | None
    """Noise of the questions per rung and benchmark; None without a file of questions."""
    against_paper: tuple[AxisComparison, ...]
    """One per column named like an axis of the Apollo paper's ablations."""
    warnings: tuple[FitWarning, ...]

    @property
    def headline(self) -> list[CurvePoint]:
        """The points of the curve that the verdict is about, largest proxy first."""
        points = [point for point in self.curve if point.benchmark == self.benchmark]
        return sorted(points, key=lambda p: (-p.size, -(p.samples or 0)))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values: undefined is None, never NaN."""
        return {"schema": SCHEMA, **_plain(self)}


def fit(
    frame: pd.DataFrame,
    target: float | None = None,
    factors: Sequence[str] = (),
    lower_is_better: Literal["all"] | Collection[str] = (),
    benchmark: str | None = None,
    metric: str = "r2",
    threshold: float | None = None,
    confidence: float = 0.95,
    *,
    proxy_measure: str = TARGET_MEASURE,
    questions: pd.DataFrame | None = None,
    scales: Mapping[str | None, Scale] | None = None,
) -> FitResult:
    """Judge from which proxy on decisions transfer to the target.

    Args:
        frame: one row per variant and size, and per samples, benchmark, seed and measure where
            there are such columns; see `analysis.tables.table`.
        target: the size that decides; the largest one by default.
        factors: columns with each variant's level on a design factor.
        lower_is_better: benchmarks whose sign is turned, or `all`.
        benchmark: the one the verdict is about; the macro mean by default.
        metric: `r2` or `decision_accuracy`.
        threshold: what the metric has to reach: .8 or .85 by default.
        confidence: of the one-sided limits.
        proxy_measure: the measure that judges the proxy; the target is judged by accuracy.
        questions: single answers, see `analysis.statistics.questions`; adds the noise of the
            evaluation.
        scales: chance level and top per benchmark, where known.

    Raises:
        ValueError: one line that names what cannot be used.
    """
    threshold = _checked(metric, threshold, confidence)
    table = check_table(frame, factors)
    headline = headline_of(table, benchmark)
    scores = Scores(table, turned(table, lower_is_better))
    measures = measures_of(table, proxy_measure)
    rung = target_of(scores.rungs, target)

    evaluation = None if questions is None else evaluation_noise(questions, table)
    # only accuracies of both sides come from the answers
    answers = evaluation if proxy_measure == TARGET_MEASURE else None

    compared = {
        name: [
            _warned(
                comparison,
                warnings_of(
                    comparison,
                    variants_in_table=len(table.variants),
                    metric=metric,
                    threshold=threshold,
                    scale=(scales or {}).get(name),
                    question_ceiling=question_ceiling(answers or (), comparison.pair),
                ),
            )
            for comparison in _comparisons(scores, rung, name, measures, confidence)
        ]
        for name in benchmarks_of(table)
    }
    everywhere = compared[headline]
    judged = largest_samples(everywhere, rung.size)
    verdict = critical_size(judged, metric, threshold, confidence)
    by_measure = {
        measure: _comparisons(scores, rung, headline, (measure, TARGET_MEASURE), confidence)
        for measure in table.measures
        if measure and len(table.measures) > 1
    }
    decided = tuple(decisions(judged, table))
    accuracy = threshold if metric == "decision_accuracy" else THRESHOLDS["decision_accuracy"]
    return FitResult(
        target=rung,
        benchmark=headline,
        curve=tuple(c.point for group in compared.values() for c in group),
        critical_size=verdict,
        critical_samples=critical_samples(everywhere, rung.size, confidence),
        staircase=staircase(everywhere, rung.size, metric, threshold, confidence),
        comparisons=tuple(compare_sizes(judged)),
        decisions=decided,
        axes=trust_axes(decided, {c.rung.size: c.point.relative_cost for c in judged}),
        influence=tuple(influences(judged, table)),
        centred=tuple(centred(judged)),
        cheapest_proxy=cheapest(everywhere, accuracy),
        frontier=tuple(frontier(everywhere)),
        seeds=tuple(seeds_needed(judged, metric, threshold, confidence)),
        next=tuple(next_steps(judged, verdict, rung.size)),
        cost_is_measured=table.cost is not None,
        measures=tuple(compare_measures(by_measure)),
        evaluation=evaluation,
        against_paper=compare_with_paper(frame, table, scores.means(rung, headline, measures[1])),
        warnings=in_words(everywhere),
    )


def _checked(metric: str, threshold: float | None, confidence: float) -> float:
    """The threshold, if all three can be used."""
    if metric not in THRESHOLDS:
        raise ValueError(f"unknown metric {metric!r}; choose from {', '.join(THRESHOLDS)}")
    threshold = THRESHOLDS[metric] if threshold is None else threshold
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold:g} is not above 0 and at most 1")
    if not 0.5 <= confidence < 1:
        raise ValueError(f"confidence {confidence:g} is not at least 0.5 and below 1")
    return threshold


def _comparisons(
    scores: Scores,
    target: Rung,
    benchmark: str | None,
    measures: tuple[str | None, str | None],
    confidence: float,
) -> list[Comparison]:
    """Every proxy against the target on one benchmark, smallest size first."""
    return [
        compare(
            scores.pair(proxy, target, benchmark, measures),
            scores.seeds(proxy, benchmark, measures[0]),
            relative_cost(scores, proxy, target),
            confidence,
        )
        for proxy in scores.rungs
        if proxy.size <= target.size and proxy != target
    ]


def _warned(comparison: Comparison, codes: tuple[str, ...]) -> Comparison:
    point = dataclasses.replace(comparison.point, warnings=codes)
    return dataclasses.replace(comparison, point=point)


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and numpy numbers as JSON values; what is not finite as None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
