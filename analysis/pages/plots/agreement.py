"""Agreement with the target against proxy size and against data size."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.fit import FitResult
from analysis.pages.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RED,
    canvas,
    grid,
    styled,
)
from analysis.pages.summary import zone_of
from analysis.pages.verdict import interval_of, size_ladder
from analysis.statistics.curve import CurvePoint
from analysis.words import count_name, figure, size_name

ZONES = {
    "certified": ("o", BLUE),
    "plausible": ("D", ORANGE),
    "open": ("s", MUTED),
    "excluded": ("X", RED),
    "not judged": (".", MUTED),
}
"""Zone of a size -> marker, colour; shape alone tells them apart."""

METRICS = {"r2": "R² to the target", "decision_accuracy": "decision accuracy"}
CROWDED = 6
"""Above so many sizes the tick labels stand upright."""


@styled
def agreement_curve(result: FitResult) -> Figure:
    """Agreement against proxy size on a log axis, with 95% intervals, threshold and zones.

    An undefined metric leaves a gap. The green bars are the R² that seed noise would allow.
    """
    drawing, (axis,) = canvas(3.5)
    metric, threshold = result.critical_size.metric, result.critical_size.threshold
    grid(axis)
    axis.axhline(
        threshold, color=INK, linewidth=1, linestyle=(0, (5, 3)), label=f"wanted: {threshold:g}"
    )
    axis.axvline(result.target.size, color=FAINT, linewidth=6)
    ladder = size_ladder(result)
    drawn = [point for point in ladder if getattr(point, metric) is not None]
    axis.plot(
        [point.size for point in drawn], [getattr(point, metric) for point in drawn],
        color=MUTED, linewidth=1, zorder=2,
    )  # fmt: skip
    for name, (marker, colour) in ZONES.items():
        inside = [point for point in drawn if zone_of(point, result) == name]
        _series(axis, [point.size for point in inside], inside, metric, marker, colour, name)
    _ceilings(axis, drawn, metric)
    _size_axis(axis, ladder, result.target.size)
    axis.set_ylabel(METRICS[metric])
    axis.set_ylim(0 if metric == "r2" else min([0.4, *_lows(drawn, metric)]), 1.02)
    drawing.legend(loc="outside lower center", ncols=3, handletextpad=0.4, columnspacing=1.2)
    return drawing


@styled
def samples_curve(result: FitResult) -> Figure:
    """Agreement against training samples, one line per proxy size (paper Fig. 3, right)."""
    drawing, (axis,) = canvas(3.3)
    points, metric = result.headline, result.critical_size.metric
    grid(axis)
    looks = (("o", BLUE), ("s", ORANGE), ("D", GREEN), ("^", RED), ("v", MUTED), ("P", INK))
    sizes = sorted({point.size for point in points}, reverse=True)
    for index, size in enumerate(sizes):
        line = sorted(
            (p for p in points if p.size == size and getattr(p, metric) is not None),
            key=lambda point: point.samples or 0,
        )
        # Moved apart a little so that intervals do not hide each other.
        shift = 1.015 ** (index - (len(sizes) - 1) / 2)
        places = [(point.samples or 0) * shift for point in line]
        marker, colour = looks[index % len(looks)]
        axis.plot(places, [getattr(point, metric) for point in line], color=colour)
        _series(axis, places, line, metric, marker, colour, size_name(size))
    _log_ticks(axis, sorted({point.samples or 0 for point in points}))
    axis.set_xlabel("training samples")
    axis.set_ylabel(METRICS[metric])
    axis.set_ylim(0, 1.02)
    drawing.legend(loc="outside lower center", ncols=4, handletextpad=0.4, columnspacing=1.2)
    return drawing


def _series(
    axis: Axes,
    places: Sequence[float],
    points: Sequence[CurvePoint],
    metric: str,
    marker: str,
    colour: str,
    words: str,
) -> None:
    """Points of one look with their intervals; without points the legend stays silent."""
    if not points:
        return
    for place, point in zip(places, points, strict=True):
        if limits := interval_of(point, metric):
            axis.vlines(place, *limits, color=colour, linewidth=2.2, alpha=0.45, zorder=3)
    axis.plot(
        places, [getattr(point, metric) for point in points], marker, color=colour, markersize=7,
        markeredgecolor="white", label=words, zorder=4,
    )  # fmt: skip


def _ceilings(axis: Axes, points: Sequence[CurvePoint], metric: str) -> None:
    """The R² that seed noise alone would allow, where seeds told it."""
    known = [(p.size, min(p.ceiling_r2, 1)) for p in points if p.ceiling_r2 is not None]
    if metric == "r2" and known:
        axis.plot(
            *zip(*known, strict=True), "_", color=GREEN, markersize=18, markeredgewidth=2,
            label="noise ceiling", zorder=3,
        )  # fmt: skip


def _size_axis(axis: Axes, points: Sequence[CurvePoint], target: float) -> None:
    """Tick labels hold the signed r under the size, since R² hides its sign."""
    crowded = len(points) > CROWDED
    joint = "  " if crowded else "\n"
    ticks = {point.size: f"{size_name(point.size)}{joint}r {figure(point.r)}" for point in points}
    ticks.setdefault(target, f"{size_name(target)}{joint}target")
    _log_ticks(axis, list(ticks))
    axis.set_xticklabels(ticks.values(), rotation=90 if crowded else 0)
    axis.set_xlabel("proxy size (parameters)")


def _log_ticks(axis: Axes, values: Sequence[float]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(values, [count_name(value) for value in values])
    axis.minorticks_off()
    room = 0.09 * np.log(max(values) / min(values)) or 0.5
    axis.set_xlim(min(values) * np.exp(-room), max(values) * np.exp(room))


def _lows(points: Sequence[CurvePoint], metric: str) -> list[float]:
    return [limits[0] for point in points if (limits := interval_of(point, metric))]
