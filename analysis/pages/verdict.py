"""The answer in words: what to trust, at what cost, what to run next, what was not measured."""

from dataclasses import dataclass

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
