"""The figures of a report: which of them a result has the data for, each with its caption."""

from collections.abc import Collection, Iterator

import pandas as pd

from analysis.conclusions.signal import Signal
from analysis.fit import FitResult
from analysis.pages.page import Drawing
from analysis.pages.plots.agreement import agreement_curve, samples_curve
from analysis.pages.plots.categories import category_strip
from analysis.pages.plots.effects import effect_slopes
from analysis.pages.plots.frontier import cost_frontier, priced
from analysis.pages.plots.scatter import Panel, proxy_scatter
from analysis.pages.verdict import rung_name, size_ladder
from analysis.tables.pairs import MACRO, TARGET_MEASURE, Rung, Scores
from analysis.tables.table import check_table
from analysis.words import size_name


def draw_all(
    frame: pd.DataFrame,
    result: FitResult,
    lower_is_better: Collection[str] = (),
    proxy_measure: str = TARGET_MEASURE,
    signal: Signal | None = None,
) -> list[Drawing]:
    """Draw whatever the result has the data for.

    Args:
        frame: the table that was fitted.
        result: of the fit.
        lower_is_better: as given to the fit.
        proxy_measure: as given to the fit.
        signal: the signal check, where it was made.
    """
    return [
        *_agreement(result),
        *_scatters(frame, result, lower_is_better, proxy_measure),
        *_decisions(result),
        *_signal(signal),
    ]


def _agreement(result: FitResult) -> Iterator[Drawing]:
    ladder = size_ladder(result)
    target = size_name(result.target.size)
    if any(point.r is not None for point in ladder):
        caption = f"Agreement with {target} by proxy size. Bars: 95% intervals."
        if any(point.ceiling_r2 is not None for point in ladder):
            caption += " Green: the R² that seed noise alone would allow."
        yield Drawing("agreement", "agreement", agreement_curve(result), caption)
    if len(priced(result)) > 1:
        caption = (
            "Share of pairs of designs ordered as at the target, with 95% intervals, against the "
            "cost of one design. The line joins the proxies that no cheaper one matches."
        )
        yield Drawing("agreement", "cost", cost_frontier(result), caption)
    if len({point.samples for point in result.headline}) > 1:
        caption = f"Agreement with {target} by training samples, one line per proxy size."
        yield Drawing("agreement", "samples", samples_curve(result), caption)


def _scatters(
    frame: pd.DataFrame, result: FitResult, lower_is_better: Collection[str], proxy_measure: str
) -> Iterator[Drawing]:
    panels = scatter_panels(frame, result, lower_is_better, proxy_measure)
    for panel in reversed(panels):
        caption = f"Each dot is a design: its {panel.unit} at {panel.proxy} and at {panel.target}."
        name = f"scatter-{size_name(panel.point.size)}"
        yield Drawing("scatter", name, proxy_scatter([panel]), caption)


def scatter_panels(
    frame: pd.DataFrame,
    result: FitResult,
    lower_is_better: Collection[str] = (),
    proxy_measure: str = TARGET_MEASURE,
) -> list[Panel]:
    """The paired scores behind every point of the size ladder that has a correlation."""
    table = check_table(frame)
    turned = table.benchmarks if lower_is_better == "all" else lower_is_better
    scores = Scores(table, turned)
    measures = (None, None) if table.measures == (None,) else (proxy_measure, TARGET_MEASURE)
    panels = []
    for point in size_ladder(result):
        if point.r is None:
            continue
        pair = scores.pair(
            Rung(point.size, point.samples), result.target, result.benchmark, measures
        )
        dropped = (entry.dropped for entry in result.influence if entry.size == point.size)
        variants = [entry.removeprefix("variant=") for entry in dropped if "variant=" in entry]
        panels.append(
            Panel(
                point=point,
                proxy=rung_name(result, point.size, point.samples),
                target=rung_name(result, result.target.size, result.target.samples),
                unit=_unit(result),
                variants=[table.variants[code] for code in pair.variants],
                proxy_scores=list(pair.x),
                target_scores=list(pair.y),
                influential=variants[0] if variants else None,
            )
        )
    return panels


def _decisions(result: FitResult) -> Iterator[Drawing]:
    for factor in dict.fromkeys(decision.factor for decision in result.decisions):
        rows = [decision for decision in result.decisions if decision.factor == factor]
        if any(row.target_effect is not None for row in rows):
            caption = f"Effect of swapping two levels of {factor}, from the smallest proxy up."
            yield Drawing(
                "decisions", f"effects-{factor}", effect_slopes(rows, _unit(result)), caption
            )


def _unit(result: FitResult) -> str:
    return "standardised score" if result.benchmark == MACRO else "score"


def _signal(signal: Signal | None) -> Iterator[Drawing]:
    if signal is not None and signal.categories:
        caption = f"Every design at {size_name(signal.size)}, sorted within its category."
        yield Drawing("signal", "categories", category_strip(signal.categories), caption)
