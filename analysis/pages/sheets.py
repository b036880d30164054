"""The tables of a report, as rows of words ready to print."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.conclusions.against_paper import AxisComparison
from analysis.conclusions.axes import Tally
from analysis.conclusions.decisions import Decision
from analysis.fit import FitResult
from analysis.pages.sentences import tau_told
from analysis.pages.summary import zone_of
from analysis.pages.verdict import interval_of, rung_name, share, size_ladder, within
from analysis.statistics.curve import CurvePoint
from analysis.words import count_name, figure, size_name

VERDICTS = {
    "transfers": "transfers",
    "reversed": "reversed",
    "shrinks": "shrinks",
    "undecided_at_proxy": "undecided",
    "undecided_at_target": "no effect to transfer",
}
"""Verdict of a decision -> words of a cell."""


@dataclass(frozen=True)
class Sheet:
    """A plain table: a header and rows, the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """How it is to be read."""


@dataclass(frozen=True)
class ProxyRow:
    """One proxy of the main table."""

    name: str
    point: CurvePoint
    r2_interval: str
    zone: str


def proxy_rows(result: FitResult) -> list[ProxyRow]:
    """Every proxy of the verdict, largest first."""
    return [
        ProxyRow(
            rung_name(result, point.size, point.samples),
            point,
            _interval(interval_of(point, "r2")),
            zone_of(point, result),
        )
        for point in result.headline
    ]


def benchmark_sheet(result: FitResult) -> Sheet | None:
    """R² with its interval for every benchmark and size; None with one benchmark."""
    names = list(dict.fromkeys(point.benchmark for point in result.curve))
    ladder = size_ladder(result)
    if len(names) < 2 or not ladder:
        return None
    at = {(point.benchmark, point.size, point.samples): point for point in result.curve}
    rows = []
    for name in names:
        points = [at.get((name, step.size, step.samples)) for step in ladder]
        rows.append((str(name), *(_agreement(point) for point in points)))
    return Sheet("R² by benchmark, with 95% intervals", ("", *_sizes(ladder)), tuple(rows))


def carried_sheet(result: FitResult) -> Sheet | None:
    """R² as observed, without what moves it most, and within the levels of each factor."""
    ladder = [point for point in size_ladder(result) if point.r is not None]
    if not ladder or not result.influence:
        return None
    rows = [("all designs", *(figure(point.r2) for point in ladder))]
    kinds = dict.fromkeys(entry.dropped.split("=")[0] for entry in result.influence)
    for kind in kinds:
        cells = []
        for point in ladder:
            found = next(
                (
                    entry
                    for entry in result.influence
                    if entry.size == point.size and entry.dropped.split("=")[0] == kind
                ),
                None,
            )
            left = found.dropped.split("=", 1)[1] if found else ""
            cells.append(_signed(found.r, found.r2) + f"\nwithout {left}" if found else "-")
        rows.append((f"one {kind} left out", *cells))
    for by in dict.fromkeys(entry.by for entry in result.centred):
        at = {entry.size: entry for entry in result.centred if entry.by == by}
        cells = [_signed(at[p.size].r, at[p.size].r2) if p.size in at else "-" for p in ladder]
        rows.append((f"within each {' and '.join(by)}", *cells))
    return Sheet("R²", ("", *_sizes(ladder)), tuple(rows))


def axes_sheet(result: FitResult) -> Sheet | None:
    """Which size to trust for which axis, and what becomes of its pairs at every proxy."""
    if not result.axes:
        return None
    sizes = sorted({tally.size for one in result.axes for tally in one.tallies}, reverse=True)
    rows = []
    for one in result.axes:
        at = {tally.size: tally for tally in one.tallies}
        cells = [_tally(at[size], one.pairs) if size in at else "-" for size in sizes]
        trusted = "-" if one.trusted_from is None else size_name(one.trusted_from)
        rows.append((one.axis, trusted, share(one.relative_cost), *cells))
    columns = ("axis", "trust from", "cost", *map(size_name, sizes))
    note = (
        "Of the pairs of levels that the target tells apart, those decided alike at each proxy. An "
        "axis is trusted from the smallest size at which, as at every larger one, all of them are."
    )
    return Sheet("Which size for which axis", columns, tuple(rows), note)


@dataclass(frozen=True)
class DecisionSheet:
    """What one factor decides: a row per pair of levels."""

    factor: str
    summary: str
    sizes: tuple[str, ...]
    pairs: tuple[tuple[str, tuple[tuple[str, str, str], ...], str], ...]
    """Name, per size (style, verdict, effect), effect at the target."""


def decision_sheets(result: FitResult) -> list[DecisionSheet]:
    """One sheet per factor, in the order of the result."""
    sheets = []
    for factor in dict.fromkeys(decision.factor for decision in result.decisions):
        rows = [decision for decision in result.decisions if decision.factor == factor]
        sizes = sorted({row.size for row in rows})
        pairs = []
        for levels in dict.fromkeys((row.level_a, row.level_b) for row in rows):
            at = {row.size: row for row in rows if (row.level_a, row.level_b) == levels}
            cells = tuple(_decision_cell(at.get(size)) for size in sizes)
            last = at[max(at)]
            target = _effect(last.target_effect, last.target_ci95)
            pairs.append((f"{levels[0]} → {levels[1]}", cells, target))
        summary = _decision_summary(rows, max(sizes))
        names = tuple(size_name(size) for size in sizes)
        sheets.append(DecisionSheet(factor, summary, names, tuple(pairs)))
    return sheets


def comparison_sheet(result: FitResult) -> Sheet | None:
    """How much R² the next smaller size loses, on the same designs; None with one size."""
    rows = tuple(
        (
            f"from {size_name(one.size_a)} to {size_name(one.size_b)}",
            figure(one.delta_r2),
            _interval(one.ci95),
        )
        for one in result.comparisons
    )
    columns = ("", "R² falls by", "95% interval")
    return Sheet("What the next smaller size loses", columns, rows) if rows else None


def frontier_sheet(result: FitResult) -> Sheet | None:
    """What the proxies that no cheaper one matches promise; None without a cost."""
    rows = tuple(
        (
            rung_name(result, offer.size, offer.samples),
            str(offer.seeds),
            share(offer.relative_cost),
            figure(offer.decision_accuracy_lower),
            f"{offer.regret_upper:.3g}",
        )
        for offer in result.frontier
    )
    columns = ("proxy", "seeds", "cost of a design", "pairs decided alike", "regret")
    sure = f"with {100 * result.critical_size.confidence:g}% confidence"
    note = (
        "Proxies that no cheaper one matches, with the seeds they have and with fewer. Pairs: at "
        "least; regret: what the pick is expected to lose at the target, at most."
    )
    return Sheet(f"What a design's cost buys, {sure}", columns, rows, note) if rows else None


def measure_sheet(result: FitResult) -> Sheet | None:
    """How each measure of a proxy predicts the target's accuracy; None with one measure."""
    rows = tuple(
        (
            rung_name(result, one.size, one.samples),
            one.measure,
            _signed(one.r, one.r2),
            figure(one.decision_accuracy),
            figure(one.delta_r2) + ("\n" + _interval(one.ci95) if one.ci95 else ""),
        )
        for one in result.measures
    )
    columns = ("proxy", "measure", "R²", "pairs decided alike", "R² more than accuracy's")
    return Sheet("Which measure predicts the target's accuracy", columns, rows) if rows else None


def question_sheet(result: FitResult) -> Sheet | None:
    """What accuracies owe to the draw of questions; None without answers to questions."""
    if not result.evaluation:
        return None
    rows = [
        (
            rung_name(result, noise.size, noise.samples),
            noise.benchmark or "all",
            str(noise.questions),
            str(noise.videos),
            _points(noise.sd),
            _points(noise.sd_compared),
            figure(noise.reliability),
        )
        for noise in result.evaluation
    ]
    columns = ("size", "benchmark", "questions", "videos", "points", "compared", "reliability")
    return Sheet("Noise of the questions", columns, tuple(rows))


def paper_sheet(axes: Sequence[AxisComparison]) -> Sheet | None:
    """Our order of levels beside the paper's, a row per axis; None without a level in common."""
    rows = []
    for one in axes:
        if one.levels:
            ours = sorted(one.levels, key=lambda common: -common.score)
            theirs = sorted(one.levels, key=lambda common: -common.paper_score)
            orders = [" > ".join(common.level for common in levels) for levels in (ours, theirs)]
            rows.append((one.axis, tau_told(one), *orders))
    columns = ("axis", "tau", "here", "in the paper")
    return Sheet("Against the paper", columns, tuple(rows)) if rows else None


def cost_sheets(costs: pd.DataFrame | None) -> list[Sheet]:
    """Mean cost of one run and its split by phase, per size; one sheet per unit that is known."""
    if costs is None or costs.empty:
        return []
    titles = {"seconds": "Seconds of one run", "flops": "FLOPs of one run"}
    sheets = []
    for unit, rows in costs.groupby("unit", sort=False):
        cells = rows["score_id"].groupby(rows["size"]).nunique()
        sums = rows.pivot_table(
            index="size", columns="phase", values="amount", aggfunc="sum", sort=False
        ).sort_index()
        phases = list(dict.fromkeys(rows.phase))
        lines = []
        for size in sums.index:
            amounts = sums.loc[size]
            total = float(amounts.sum())
            parts = [_part(amounts[phase], total) for phase in phases]
            lines.append((size_name(float(size)), _amount(total / cells[size]), *parts))
        sheets.append(Sheet(titles[str(unit)], ("size", "total", *phases), tuple(lines)))
    return sheets


def _sizes(points: Sequence[CurvePoint]) -> tuple[str, ...]:
    return tuple(size_name(point.size) for point in points)


def _interval(limits: tuple[float, float] | None) -> str:
    return within(limits).removeprefix("95% ") if limits else ""


def _agreement(point: CurvePoint | None) -> str:
    if point is None:
        return "-"
    return f"{_signed(point.r, point.r2)}\n{_interval(interval_of(point, 'r2'))}".strip()


def _signed(r: float | None, r2: float | None) -> str:
    return figure(r2) + (" (r < 0)" if r is not None and r < 0 else "")


def _decision_cell(decision: Decision | None) -> tuple[str, str, str]:
    if decision is None:
        return "", "", ""
    style = decision.verdict.split("_")[0]
    effect = _effect(decision.proxy_effect, decision.proxy_ci95)
    return style, VERDICTS[decision.verdict], effect


def _decision_summary(rows: Sequence[Decision], size: float) -> str:
    verdicts = [row.verdict for row in rows if row.size == size]
    counts = {word: sum(VERDICTS[v] == word for v in verdicts) for word in VERDICTS.values()}
    told = ", ".join(f"{word} {count}" for word, count in counts.items() if count)
    return f"of {len(verdicts)} pairs of levels at {size_name(size)}: {told}"


def _tally(tally: Tally, pairs: int) -> str:
    if not pairs:
        return "-"
    told = f"{tally.alike}\u00a0of\u00a0{pairs}"
    return told + (f"\n{tally.reversed} reversed" if tally.reversed else "")


def _effect(effect: float | None, limits: tuple[float, float] | None) -> str:
    if effect is None:
        return "-"
    return f"{effect:+.3g}" + (f" [{limits[0]:+.2g}, {limits[1]:+.2g}]" if limits else "")


def _points(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100 * fraction:.2g}"


def _amount(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else count_name(value)


def _part(value: float, total: float) -> str:
    if pd.isna(value) or not total:
        return "-"
    return "<1%" if 0 < value / total < 0.005 else f"{value / total:.0%}"
