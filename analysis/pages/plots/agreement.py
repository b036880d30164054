"""Agreement with the target against proxy size and against data size."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.fit import FitResult
from analysis.pages.plots.style import (
    BLUE,
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
    "certified": ("o", BLUE, "#DCEAF4"),
    "plausible": ("D", ORANGE, "#F7E9D3"),
    "open": ("s", MUTED, "#F1F3F5"),
    "excluded": ("X", RED, "#FADFD5"),
    "not judged": (".", MUTED, "white"),
}
"""Zone of a size -> marker, colour and tint; marker and word alone tell them apart."""

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
    ladder, target = size_ladder(result), result.target.size
    drawn = [point for point in ladder if getattr(point, metric) is not None]
    _size_axis(axis, ladder, target)
    _zones(axis, [(point.size, zone_of(point, result)) for point in ladder], target)
    grid(axis)
    axis.axhline(
        threshold, color=INK, linewidth=1, linestyle=(0, (5, 3)), label=f"wanted: {threshold:g}"
    )
    axis.axvline(target, color=MUTED, linewidth=1.2)
    axis.plot(
        [point.size for point in drawn], [getattr(point, metric) for point in drawn],
        color=MUTED, linewidth=1, zorder=2,
    )  # fmt: skip
    for point in drawn:
        marker, colour, _ = ZONES[zone_of(point, result)]
        _series(axis, [point.size], [point], metric, marker, colour)
    _ceilings(axis, drawn, metric)
    axis.set_ylabel(METRICS[metric])
    axis.set_ylim(0 if metric == "r2" else min([0.4, *_lows(drawn, metric)]), 1.02)
    drawing.legend(loc="outside lower center", ncols=2, handletextpad=0.6, columnspacing=1.6)
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
    words: str | None = None,
) -> None:
    """Points of one look with their intervals."""
    for place, point in zip(places, points, strict=True):
        if limits := interval_of(point, metric):
            axis.vlines(place, *limits, color=colour, linewidth=2.2, alpha=0.45, zorder=3)
    axis.plot(
        places, [getattr(point, metric) for point in points], marker, color=colour, markersize=7,
        markeredgecolor="white", label=words, zorder=4,
    )  # fmt: skip


def _zones(axis: Axes, zones: Sequence[tuple[float, str]], target: float) -> None:
    """A tinted band for every run of sizes in the same zone, its word above the axes."""
    left, right = axis.get_xlim()
    places = [size for size, _ in zones]
    edges = [left, *(float(np.sqrt(a * b)) for a, b in pairwise([*places, target]))]
    if zones and zones[-1][1] == "certified":
        edges[-1] = target
    start = 0
    for at, (_, zone) in enumerate(zones):
        if at + 1 < len(zones) and zones[at + 1][1] == zone:
            continue
        low, high = edges[start], edges[at + 1]
        start = at + 1
        _, colour, tint = ZONES[zone]
        axis.axvspan(low, high, color=tint, linewidth=0, zorder=0)
        narrow = np.log(high / low) < 0.021 * len(zone) * np.log(right / left)
        axis.text(
            np.sqrt(low * high), 1.015, zone, transform=axis.get_xaxis_transform(), color=colour,
            ha="center", va="bottom", fontsize=8.5, rotation=90 if narrow else 0,
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
