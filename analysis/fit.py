"""From a table of scores to a result: joins all parts of the analysis."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.conclusions.advice import Step, next_steps
from analysis.conclusions.against_paper import AxisComparison, compare_with_paper
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
from analysis.conclusions.staircase import Corner, staircase
from analysis.conclusions.warnings import FitWarning, in_words, warnings_of
from analysis.statistics.curve import Comparison, CurvePoint, compare
from analysis.statistics.influence import Centred, Influence, centred, influences
from analysis.statistics.questions import EvaluationNoise, evaluation_noise
from analysis.tables.pairs import MACRO, TARGET_MEASURE, Rung, Scores
from analysis.tables.table import Scale, Table, check_table

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
    influence: tuple[Influence, ...]
    centred: tuple[Centred, ...]
    cheapest_proxy: Offer | None
    frontier: tuple[Offer, ...]
    next: tuple[Step, ...]
    cost_is_measured: bool
    """Whether costs come from the table, and not from parameters times samples."""
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
    names = [*table.benchmarks, MACRO] if len(table.benchmarks) > 1 else [*table.benchmarks]
    headline = _headline(table, names, benchmark)
    scores = Scores(table, _turned(table, lower_is_better))
    measures = _measures(table, proxy_measure)
    rung = _target(scores.rungs, target)

    compared = {}
    for name in names:
        scale = (scales or {}).get(name)
        compared[name] = [
            _with_warnings(comparison, table, metric, threshold, scale)
            for comparison in _comparisons(scores, rung, name, measures, confidence)
        ]
    everywhere = compared[headline]
    judged = largest_samples(everywhere, rung.size)
    verdict = critical_size(judged, metric, threshold, confidence)
    accuracy = threshold if metric == "decision_accuracy" else THRESHOLDS["decision_accuracy"]
    return FitResult(
        target=rung,
        benchmark=headline,
        curve=tuple(c.point for group in compared.values() for c in group),
        critical_size=verdict,
        critical_samples=critical_samples(everywhere, rung.size, confidence),
        staircase=staircase(everywhere, rung.size, metric, threshold, confidence),
        comparisons=tuple(compare_sizes(judged)),
        decisions=tuple(decisions(judged, table)),
        influence=tuple(influences(judged, table)),
        centred=tuple(centred(judged)),
        cheapest_proxy=cheapest(everywhere, accuracy),
        frontier=tuple(frontier(everywhere)),
        next=tuple(next_steps(judged, verdict, rung.size)),
        cost_is_measured=table.cost is not None,
        evaluation=None if questions is None else evaluation_noise(questions, table),
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


def _with_warnings(
    comparison: Comparison, table: Table, metric: str, threshold: float, scale: Scale | None
) -> Comparison:
    codes = warnings_of(
        comparison,
        variants_in_table=len(table.variants),
        metric=metric,
        threshold=threshold,
        scale=scale,
    )
    return dataclasses.replace(
        comparison, point=dataclasses.replace(comparison.point, warnings=codes)
    )


def _headline(table: Table, names: list[str | None], benchmark: str | None) -> str | None:
    if len(table.benchmarks) > 1 and MACRO in table.benchmarks:
        raise ValueError(
            f"column 'benchmark': {MACRO!r} is the mean of all, not a benchmark's name"
        )
    if benchmark is None:
        return names[-1]
    if benchmark not in names:
        choices = ", ".join(name for name in names if name) or "none: there is no benchmark column"
        raise ValueError(f"unknown benchmark {benchmark!r}; the benchmarks are {choices}")
    return benchmark


def _turned(
    table: Table, lower_is_better: Literal["all"] | Collection[str]
) -> Collection[str | None]:
    if lower_is_better == "all":
        return table.benchmarks
    chosen = [lower_is_better] if isinstance(lower_is_better, str) else list(lower_is_better)
    for name in chosen:
        if name not in table.benchmarks:
            choices = ", ".join(b for b in table.benchmarks if b) or "all: there is no such column"
            raise ValueError(
                f"unknown benchmark {name!r} in lower_is_better; choose from {choices}"
            )
    return chosen


def _measures(table: Table, proxy_measure: str) -> tuple[str | None, str | None]:
    if table.measures == (None,):
        if proxy_measure != TARGET_MEASURE:
            raise ValueError(f"no column 'measure' to find proxy measure {proxy_measure!r} in")
        return None, None
    for name in (proxy_measure, TARGET_MEASURE):
        if name not in table.measures:
            choices = ", ".join(m for m in table.measures if m)
            raise ValueError(f"column 'measure' holds no {name!r}; the measures are {choices}")
    return proxy_measure, TARGET_MEASURE


def _target(rungs: Sequence[Rung], size: float | None) -> Rung:
    if size is None:
        return rungs[-1]
    if not np.isfinite(size):
        raise ValueError(f"target {size} is not a finite number")
    return next((r for r in reversed(rungs) if r.size == size), Rung(float(size), None))


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and numpy numbers as JSON values; what is not finite as None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
