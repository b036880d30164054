"""The figures of a report: which of them the evidence has the data for, each with its caption."""

import re
from pathlib import Path

import pandas as pd

from ablate.axes import Fps
from analysis.evidence import Evidence
from analysis.fit import FitResult
from analysis.pages.blocks import Drawing
from analysis.pages.plots.agreement import agreement_curve, samples_curve
from analysis.pages.plots.categories import category_strip
from analysis.pages.plots.effects import level_slopes
from analysis.pages.plots.frontier import cost_frontier, priced
from analysis.pages.plots.heat import score_map
from analysis.pages.plots.losses import loss_curves
from analysis.pages.plots.scatter import Panel, proxy_scatter
from analysis.pages.plots.style import save
from analysis.pages.verdict import rung_name, size_ladder
from analysis.tables.load import load_losses
from analysis.tables.pairs import MACRO, TARGET_MEASURE, Rung, Scores
from analysis.tables.table import check_table
from analysis.words import size_name


def draw_all(evidence: Evidence) -> list[Drawing]:
    """Draw whatever the evidence has the data for."""
    return [
        *agreement_drawings(evidence),
        *scatter_drawings(evidence),
        *decision_drawings(evidence),
        *budget_drawings(evidence),
        *signal_drawings(evidence),
        *loss_drawings(evidence),
    ]


def save_all(evidence: Evidence, folder: Path) -> None:
    """Every figure as SVG and PNG."""
    for drawing in draw_all(evidence):
        save(drawing.figure, folder / drawing.name)


def agreement_drawings(evidence: Evidence) -> list[Drawing]:
    """Agreement against size, cost and data."""
    result, drawings = evidence.result, []
    ladder = size_ladder(result)
    target = size_name(result.target.size)
    if any(point.r is not None for point in ladder):
        caption = f"Agreement with {target} by proxy size. Bars: 95% intervals."
        if any(point.ceiling_r2 is not None for point in ladder):
            caption += " Green: the R² that seed noise alone would allow."
        drawings.append(Drawing("agreement", agreement_curve(result), caption))
    if len(priced(result)) > 1:
        caption = (
            "Share of pairs of designs ordered as at the target, with 95% intervals, against the "
            "cost of one design. The line joins the proxies that no cheaper one matches."
        )
        drawings.append(Drawing("cost", cost_frontier(result), caption))
    if len({point.samples for point in result.headline}) > 1:
        caption = f"Agreement with {target} by training samples, one line per proxy size."
        drawings.append(Drawing("samples", samples_curve(result), caption))
    return drawings


def scatter_drawings(evidence: Evidence) -> list[Drawing]:
    """Every proxy's scores against the target's, the largest proxy first."""
    return [
        Drawing(
            f"scatter-{size_name(panel.point.size)}",
            proxy_scatter([panel]),
            f"Each dot is a design: its {panel.unit} at {panel.proxy} and at {panel.target}.",
        )
        for panel in reversed(scatter_panels(evidence))
    ]


def scatter_panels(evidence: Evidence) -> list[Panel]:
    """The paired scores behind every point of the size ladder that has a correlation."""
    result, table = evidence.result, check_table(evidence.frame)
    turned = table.benchmarks if evidence.lower_is_better == "all" else evidence.lower_is_better
    scores = Scores(table, turned)
    measures = (evidence.proxy_measure, TARGET_MEASURE)
    panels = []
    for point in size_ladder(result):
        if point.r is None:
            continue
        pair = scores.pair(
            Rung(point.size, point.samples),
            result.target,
            result.benchmark,
            (None, None) if table.measures == (None,) else measures,
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


def decision_drawings(evidence: Evidence, axis: str | None = None) -> list[Drawing]:
    """Effects of the levels of one factor, or of all, across sizes."""
    result, drawings = evidence.result, []
    for factor in dict.fromkeys(decision.factor for decision in result.decisions):
        rows = [decision for decision in result.decisions if decision.factor == factor]
        if axis in (None, factor) and any(row.target_effect is not None for row in rows):
            caption = f"Effect of every level of {factor}, from the smallest proxy to the target."
            name = "effects-" + re.sub(r"\W+", "-", factor)
            drawings.append(Drawing(name, level_slopes(rows, _unit(result)), caption))
    return drawings


def budget_drawings(evidence: Evidence) -> list[Drawing]:
    """Scores at the target over frame rate and tokens a frame, where the study varies both."""
    if evidence.runs is None:
        return []
    spent = {
        cell.design_id: (cell.design.sampling.fps, cell.design.connector.tokens_per_frame)
        for cell in evidence.runs.plan.done
        if isinstance(cell.design.sampling, Fps)
    }
    rows = evidence.frame
    rows = rows[(rows["size"] == evidence.result.target.size) & (rows.measure == TARGET_MEASURE)]
    rows = rows[rows.design_id.isin(spent)]
    found = pd.DataFrame(
        [spent[design] for design in rows.design_id], columns=["fps", "tokens_per_frame"]
    ).assign(score=rows.score.to_numpy())
    if min(found.fps.nunique(), found.tokens_per_frame.nunique()) < 2:
        return []
    caption = (
        f"Mean accuracy at {size_name(evidence.result.target.size)} over all other axes, seeds and "
        "categories, by frame rate and tokens a frame. Framed: the best."
    )
    return [Drawing("budget", score_map(found, "accuracy"), caption)]


def signal_drawings(evidence: Evidence) -> list[Drawing]:
    """Every design by question category at the largest size."""
    signal = evidence.signal
    if signal is None or not signal.categories:
        return []
    caption = f"Every design at {size_name(signal.size)}, sorted within its category."
    return [Drawing("categories", category_strip(signal.categories), caption)]


def loss_drawings(evidence: Evidence) -> list[Drawing]:
    """The loss curves of every size; none for a table that comes without runs."""
    if evidence.runs is None:
        return []
    losses = load_losses(evidence.runs.store.root, evidence.runs.score_ids)
    return [
        Drawing(f"loss-{name}", loss_curves(rows), f"{name}: {rows.score_id.nunique()} runs.")
        for name, rows in losses.groupby("size_name", sort=False)
    ]


def _unit(result: FitResult) -> str:
    return "standardised score" if result.benchmark == MACRO else "score"
