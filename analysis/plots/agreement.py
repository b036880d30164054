"""Agreement with the target against proxy size and against data size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.plots.style import BLUE, FAINT, GREEN, INK, MUTED, ORANGE, RED, canvas, grid, styled
from analysis.words import count_name, figure

Point = Mapping[str, Any]
"""One entry of the result's `curve`."""

ZONES = {
    "certified": ("o", BLUE, "certified"),
    "plausible": ("D", ORANGE, "plausible, not certified"),
    "excluded": ("X", RED, "excluded"),
    "open": ("s", MUTED, "not judged"),
}
"""Zone of a size -> marker, colour, words of the legend; shape alone tells them apart."""

METRICS = {"r2": "R² to the target", "decision_accuracy": "decision accuracy"}
CROWDED = 6
"""Above so many sizes the tick labels stand upright."""


def zone(critical: Mapping[str, Any], size: float) -> str:
    """Zone of a proxy size, a key of `ZONES`, from the result's `critical_size`."""
    if critical.certified is not None and size >= critical.certified:
        return "certified"
    return next((name for name in ("plausible", "excluded") if size in critical[name]), "open")


def metric_interval(point: Point, metric: str) -> tuple[float, float] | None:
    """95% limits of a point's metric; those of R² are the squared limits of r, 0 if they straddle it."""
    limits = point["r_ci95" if metric == "r2" else "decision_accuracy_ci95"]
    if limits is None or None in limits:
        return None
    low, high = limits
    if metric != "r2":
        return low, high
    squares = low * low, high * high
    return (0.0 if low < 0 < high else min(squares)), max(squares)


@styled
def agreement_curve(points: Sequence[Point], critical: Mapping[str, Any], target: float) -> Figure:
    """Agreement against proxy size on a log axis, with 95% intervals, threshold and zones.

    Args:
        points: entries of the result's `curve` for one benchmark, one per size; an undefined
            metric leaves a gap.
        critical: the result's `critical_size`.
        target: parameters of the target.
    """
    figure_, (axis,) = canvas(3.5)
    points = sorted(points, key=lambda point: point.size)
    metric, threshold = critical.metric, critical.threshold
    grid(axis)
    axis.axhline(threshold, color=INK, linewidth=1, linestyle=(0, (5, 3)))
    axis.axvline(target, color=FAINT, linewidth=6)
    drawn = [point for point in points if point[metric] is not None]
    axis.plot(
        [point.size for point in drawn],
        [point[metric] for point in drawn],
        color=MUTED, linewidth=1, zorder=2,
    )  # fmt: skip
    for name, (marker, colour, words) in ZONES.items():
        inside = [point for point in drawn if zone(critical, point.size) == name]
        _points(axis, inside, metric, marker, colour, words)
    _ceilings(axis, drawn, metric)
    _size_axis(axis, points, target)
    axis.set_ylabel(METRICS[metric])
    axis.set_ylim(0 if metric == "r2" else min(0.4, *_lows(drawn, metric)), 1.02)
    axis.annotate(
        f"wanted: {threshold:g}", (0, threshold), (3, 3), textcoords="offset points",
        xycoords=("axes fraction", "data"), fontsize=8, color=INK,
    )  # fmt: skip
    figure_.legend(loc="outside lower center", ncols=2, handletextpad=0.4, columnspacing=1.2)
    return figure_


@styled
def samples_curve(points: Sequence[Point], metric: str) -> Figure:
    """Agreement against training samples, one line per proxy size (paper Fig. 3, right)."""
    figure_, (axis,) = canvas(3.3)
    grid(axis)
    markers = ("o", "s", "D", "^", "v", "P")
    colours = (BLUE, ORANGE, GREEN, RED, MUTED, INK)
    sizes = sorted({point.size for point in points}, reverse=True)
    for index, size in enumerate(sizes):
        line = sorted(
            (point for point in points if point.size == size and point[metric] is not None),
            key=lambda point: point.samples,
        )
        # Lines of one shade apart, moved a little so that intervals do not hide each other.
        shift = 1.015 ** (index - (len(sizes) - 1) / 2)
        moved = [{**point, "size": point.samples * shift} for point in line]
        colour, marker = colours[index % 6], markers[index % 6]
        axis.plot(
            [point.size for point in moved], [point[metric] for point in moved], color=colour
        )
        _points(axis, moved, metric, marker, colour, count_name(size))
    _log_ticks(axis, sorted({point.samples for point in points}))
    axis.set_xlabel("training samples")
    axis.set_ylabel(METRICS[metric])
    axis.set_ylim(0, 1.02)
    figure_.legend(loc="outside lower center", ncols=4, handletextpad=0.4, columnspacing=1.2)
    return figure_


def _points(
    axis: Axes, points: Sequence[Point], metric: str, marker: str, colour: str, words: str
) -> None:
    if not points:
        return
    for point in points:
        if limits := metric_interval(point, metric):
            axis.vlines(point.size, *limits, color=colour, linewidth=2.2, alpha=0.45, zorder=3)
    axis.plot(
        [point.size for point in points],
        [point[metric] for point in points],
        marker, color=colour, markersize=7, markeredgecolor="white", label=words, zorder=4,
    )  # fmt: skip


def _ceilings(axis: Axes, points: Sequence[Point], metric: str) -> None:
    """The R² that seed noise alone would allow, where seeds told it."""
    known = [point for point in points if point.ceiling_r2 is not None]
    if metric == "r2" and known:
        axis.plot(
            [point.size for point in known],
            [min(point.ceiling_r2, 1) for point in known],
            "_", color=GREEN, markersize=18, markeredgewidth=2, label="noise ceiling", zorder=3,
        )  # fmt: skip


def _size_axis(axis: Axes, points: Sequence[Point], target: float) -> None:
    """Tick labels hold the signed r under the size, since R² hides its sign."""
    crowded = len(points) > CROWDED
    joint = "  " if crowded else "\n"
    ticks = {
        point.size: f"{count_name(point['size'])}{joint}r {figure(point['r'])}"
        for point in points
    }
    ticks.setdefault(target, f"{count_name(target)}{joint}target")
    _log_ticks(axis, list(ticks))
    axis.set_xticklabels(ticks.values(), rotation=90 if crowded else 0)
    axis.set_xlabel("proxy size (parameters)")


def _log_ticks(axis: Axes, values: Sequence[float]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(values, [count_name(value) for value in values])
    axis.minorticks_off()
    room = 0.09 * np.log(max(values) / min(values)) or 0.5
    axis.set_xlim(min(values) * np.exp(-room), max(values) * np.exp(room))


def _lows(points: Sequence[Point], metric: str) -> list[float]:
    return [limits[0] for point in points if (limits := metric_interval(point, metric))] or [0.4]
