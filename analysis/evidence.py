"""What a report rests on: a fitted table of scores and, where known, how its runs came about."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ablate.grid import Study
from ablate.plan import Plan
from ablate.sizes import size_row
from ablate.store import RunStore
from analysis.conclusions.signal import Signal, check_signal
from analysis.fit import FitResult, fit
from analysis.tables.load import load, load_questions, scales_of
from analysis.tables.pairs import TARGET_MEASURE
from analysis.tables.table import read_questions, read_table
from analysis.words import size_name


@dataclass(frozen=True)
class Runs:
    """The cells behind a table: those of a study in a store."""

    study: Study
    plan: Plan
    store: RunStore

    @property
    def score_ids(self) -> list[str]:
        """The finished cells, but for those at other learning rates than the size row's."""
        return [cell.score_id for cell in self.plan.done if cell.lr_scale == 1]

    def check_signal(self) -> Signal:
        """Whether the scores tell the designs apart, with the shortcut controls beside them."""
        root, ids = self.store.root, self.score_ids
        controls = {part: load(root, ids, part) for part in ("question_only", "single_frame")}
        return check_signal(load(root, ids), controls)


@dataclass(frozen=True)
class Evidence:
    """A table of scores, what it says, and what is known about where it came from."""

    question: str
    hypothesis: str
    """Empty for a table that comes without a study."""
    frame: pd.DataFrame
    result: FitResult
    factors: tuple[str, ...] = ()
    lower_is_better: Literal["all"] | Collection[str] = ()
    proxy_measure: str = TARGET_MEASURE
    signal: Signal | None = None
    """Whether the scores tell designs apart; None where that was not checked."""
    runs: Runs | None = None
    """None for a table from elsewhere."""


def of_table(
    table: str | Path,
    columns: Mapping[str, str] | None = None,
    questions: str | Path | None = None,
    **options: Any,
) -> Evidence:
    """The evidence of a file of scores.

    Args:
        table: CSV or Parquet, see `analysis.tables.table`.
        columns: our column name -> the name in the file.
        questions: file of single answers.
        options: of `analysis.fit`.

    Raises:
        ValueError: one line that names what cannot be used.
    """
    answers = read_questions(questions) if questions else None
    return of_frame(read_table(table, columns), questions=answers, **options)


def of_frame(
    frame: pd.DataFrame,
    *,
    factors: Collection[str] = (),
    lower_is_better: Literal["all"] | Collection[str] = (),
    proxy_measure: str = TARGET_MEASURE,
    **options: Any,
) -> Evidence:
    """The evidence of a table of scores.

    Args:
        frame: the table, see `analysis.fit`.
        factors: as in `analysis.fit`.
        lower_is_better: as in `analysis.fit`.
        proxy_measure: as in `analysis.fit`.
        options: the others of `analysis.fit`.

    Raises:
        ValueError: one line that names what cannot be used.
    """
    factors = tuple(factors)
    turned = lower_is_better if lower_is_better == "all" else tuple(lower_is_better)
    result = fit(
        frame,
        factors=factors,
        lower_is_better=turned,
        proxy_measure=proxy_measure,
        **options,
    )
    question = f"Which proxies decide like {size_name(result.target.size)}?"
    return Evidence(question, "", frame, result, factors, turned, proxy_measure)


def of_runs(runs: Runs) -> Evidence:
    """The evidence of a study's finished cells.

    Raises:
        ValueError: no finished cell, or a damaged record.
    """
    study, (frame, result) = runs.study, fit_runs(runs)
    return Evidence(
        study.question,
        study.hypothesis,
        frame,
        result,
        study.axes,
        signal=runs.check_signal(),
        runs=runs,
    )


def fit_runs(runs: Runs) -> tuple[pd.DataFrame, FitResult]:
    """The finished cells as a table, and its fit; what differs makes factors and names.

    Raises:
        ValueError: no finished cell, or a damaged record.
    """
    ids, factors, root = runs.score_ids, list(runs.study.axes), runs.store.root
    frame, questions = load(root, ids), load_questions(root, ids)
    for table in (frame, questions):
        table["variant"] = table[factors].agg(" ".join, axis=1)
    scales = scales_of(frame)
    return frame, fit(
        frame, target=_target(runs), factors=factors, questions=questions, scales=scales
    )


def _target(runs: Runs) -> float | None:
    """The declared target once it has scores, else the largest size that is complete."""
    done = {cell.size.name for cell in runs.plan.done}
    if runs.study.target_size in done:
        return size_row(runs.study.target_size).parameters
    complete = done - {cell.size.name for cell in runs.plan.unfinished}
    return max((size_row(name).parameters for name in complete), default=None)
