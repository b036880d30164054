"""The answer in words: what to trust, at what cost, what to run next, what was not measured."""

from dataclasses import dataclass

from analysis.conclusions.against_paper import FEWEST, AxisComparison
from analysis.fit import FitResult
from analysis.statistics.curve import CurvePoint
from analysis.words import figure, listed, proxy_name, size_name

UNITS = {"r2": "R²", "decision_accuracy": "decision accuracy"}


@dataclass(frozen=True)
class Tile:
    """One figure of the first screen."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Verdict:
    """What the first screen of a report says."""

    status: str
    """`certified`, `none` or `refused`."""
    headline: str
    reason: str
    tiles: tuple[Tile, ...]


def verdict(result: FitResult) -> Verdict:
    """Say which proxy to trust, its share of the target's cost and with what confidence."""
    critical = result.critical_size
    target = size_name(result.target.size)
    if critical.certified is not None:
        headline = f"Trust proxies from {size_name(critical.certified)} up to design for {target}."
    elif critical.status == "refused":
        headline = f"No verdict for {target}: nothing here can be judged."
    else:
        headline = f"No proxy is certified to decide for {target} yet."
        if critical.plausible:
            names = listed([size_name(size) for size in sorted(critical.plausible)])
            headline += f" Plausible: {names}."
    point = spoken_of(result)
    tiles = _tiles(result, point) if point else ()
    return Verdict(critical.status, headline, critical.reason, tiles)


def spoken_of(result: FitResult) -> CurvePoint | None:
    """The proxy whose figures stand for the verdict: the smallest certified, else the best one."""
    points = [point for point in result.headline if point.size < result.target.size]
    points = points or list(result.headline)
    certified = result.critical_size.certified
    if certified is not None:
        return next(point for point in points if point.size == certified)
    metric = result.critical_size.metric
    known = [point for point in points if getattr(point, metric) is not None]
    return max(known, key=lambda point: (getattr(point, metric), -point.size), default=None)


def rung_name(result: FitResult, size: float, samples: float | None) -> str:
    """Name of a proxy or the target; the samples are told where the result has several."""
    several = {point.samples for point in result.headline} | {result.target.samples}
    return proxy_name(size, samples if len(several) > 1 else None)


def size_ladder(result: FitResult) -> list[CurvePoint]:
    """One point per proxy size below the target, at its largest samples; smallest first."""
    best: dict[float, CurvePoint] = {}
    for point in result.headline:
        if point.size < result.target.size:
            best.setdefault(point.size, point)
    return sorted(best.values(), key=lambda point: point.size)


def interval_of(point: CurvePoint, metric: str) -> tuple[float, float] | None:
    """95% limits of a point's metric; for R² the squared limits of r, 0 where they straddle it."""
    if metric != "r2" or point.r_ci95 is None:
        return point.decision_accuracy_ci95 if metric != "r2" else None
    low, high = point.r_ci95
    squares = low * low, high * high
    return (0.0 if low < 0 < high else min(squares)), max(squares)


def cheapest_sentence(result: FitResult) -> str:
    """The cheapest proxy that decides often enough as the target does; empty without one."""
    offer = result.cheapest_proxy
    if offer is None:
        return ""
    seeds = "one seed" if offer.seeds == 1 else f"{offer.seeds} seeds"
    return (
        f"Cheapest proxy that may decide: {rung_name(result, offer.size, offer.samples)} with "
        f"{seeds}, at {share(offer.relative_cost)} of the target's cost; it orders at least "
        f"{share(offer.decision_accuracy_lower)} of all pairs of designs as the target does, with "
        f"{100 * result.critical_size.confidence:g}% confidence."
    )


def unmeasured(result: FitResult, *, factors: bool, cost: bool, signal: bool) -> list[str]:
    """What the verdict does not rest on, one sentence each.

    Args:
        result: of the fit.
        factors: whether design factors were declared.
        cost: whether the table holds costs.
        signal: whether the signal check was made.
    """
    codes = {warning.code for warning in result.warnings}
    target = size_name(result.target.size)
    gaps = []
    if "one_seed" in codes:
        gaps.append(
            "Seed noise, at some proxy or at the target: a poor agreement may be noise there."
        )
    if not cost:
        gaps.append("Cost: the table has none, so shares are parameters times samples.")
    if not factors:
        gaps.append("Which design axes transfer: no factors were declared.")
    if result.critical_samples is None:
        gaps.append("How much data a proxy needs: each size has one number of samples.")
    if not signal:
        gaps.append("Whether the benchmark tells designs apart: no signal check was made.")
    gaps.append(f"Targets larger than {target}, and designs outside the levels compared here.")
    return gaps


def tau_told(axis: AxisComparison) -> str:
    """Kendall's tau to the paper's order of levels, or why there is none."""
    common = len(axis.levels)
    if common < FEWEST:
        return f"too few levels match ({common} of {common + axis.unmatched})"
    if axis.kendall_tau_b is None:
        return f"all of {common} levels are tied"
    return f"{figure(axis.kendall_tau_b)}, {common} levels, {share(axis.chance)} by chance"


def share(part: float | None) -> str:
    """A share as a percentage with two digits; a missing one is `-`."""
    if part is None:
        return "-"
    percent = 100 * part
    return f"{percent:.0f}%" if percent >= 10 else f"{percent:.2g}%"


def _tiles(result: FitResult, point: CurvePoint) -> tuple[Tile, ...]:
    critical = result.critical_size
    sure = f"{100 * critical.confidence:g}% confidence"
    wanted = f"{UNITS[critical.metric]} ≥ {critical.threshold:g}"
    certified = critical.certified is not None
    size = size_name(point.size)
    samples = rung_name(result, point.size, point.samples).removeprefix(size).strip()
    shown = f"{wanted} with {sure}" if certified else f"{wanted} is not shown with {sure}"
    return (
        Tile(
            "smallest size to trust" if certified else "best candidate",
            size,
            f"{samples}; {shown}" if samples else shown,
        ),
        Tile(
            "cost of one run",
            share(point.relative_cost),
            "of the target's, as recorded"
            if result.cost_is_measured
            else "of the target's, by parameters and samples",
        ),
        Tile(
            f"R² to {size_name(result.target.size)}",
            figure(point.r2),
            f"{within(interval_of(point, 'r2'))}; r {figure(point.r)}",
        ),
        Tile(
            "pairs decided as at the target",
            share(point.decision_accuracy),
            f"{within(point.decision_accuracy_ci95)}; regret of its pick {_plain(point.regret)}",
        ),
    )


def within(limits: tuple[float, float] | None) -> str:
    """A 95% interval in words."""
    if limits is None:
        return "no interval"
    return f"95% [{figure(limits[0])}, {figure(limits[1])}]"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
