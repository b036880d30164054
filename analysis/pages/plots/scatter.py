"""Proxy score against target score, design by design."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.pages.plots.names import name_points
from analysis.pages.plots.style import BLUE, GREEN, INK, ORANGE, RED, canvas, grid, styled, wrapped
from analysis.pages.verdict import interval_of
from analysis.statistics.curve import CurvePoint
from analysis.words import figure

MARKS = {
    "best at the target": ("*", GREEN, 15),
    "the proxy's pick": ("D", ORANGE, 9),
    "most influential": ("X", RED, 10),
}
"""Role of a variant -> marker, colour, size."""
LABEL_WIDTH = 40
"""Letters of a line of an axis' label."""


@dataclass(frozen=True)
class Panel:
    """The common variants of one proxy and the target."""

    point: CurvePoint
    """What the curve says of this proxy."""
    proxy: str
    """Name of the proxy."""
    target: str
    """Name of the target."""
    variants: Sequence[str]
    proxy_scores: Sequence[float]
    """Seed means, one per variant."""
    target_scores: Sequence[float]
    influential: str | None = None
    """The variant whose leaving out moves R² most."""
    unit: str = "score"
    """What the axes measure."""

    @property
    def roles(self) -> dict[str, list[str]]:
        """Variant -> what is notable about it: the target's best, the proxy's pick, influence."""
        best = self.variants[int(np.argmax(self.target_scores))]
        pick = self.variants[int(np.argmax(self.proxy_scores))]
        roles: dict[str, list[str]] = {}
        for role, variant in zip(MARKS, (best, pick, self.influential), strict=True):
            if variant in self.variants:
                roles.setdefault(str(variant), []).append(role)
        return roles


@styled
def proxy_scatter(panels: Sequence[Panel]) -> Figure:
    """One panel per proxy: every variant's target score against its proxy score.

    Each holds the least-squares line, r, R² with its 95% interval, and the variants that matter.
    """
    canvas_, axes = canvas(4.5, columns=len(panels), sharey=True)
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel)
    axes[0].set_ylabel(wrapped(f"{panels[0].unit} at {panels[0].target} (target)", LABEL_WIDTH))
    return canvas_


def _draw(axis: Axes, panel: Panel) -> None:
    x, y = np.asarray(panel.proxy_scores, float), np.asarray(panel.target_scores, float)
    grid(axis, "both")
    if np.ptp(x) > 0:
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        axis.plot(ends, start + slope * ends, color=INK, linewidth=1.2, zorder=2)
    axis.plot(x, y, "o", color=BLUE, markersize=6, markeredgecolor="white", alpha=0.9, zorder=3)
    names = {}
    for variant, roles in panel.roles.items():
        at = list(panel.variants).index(variant)
        marker, colour, size = MARKS[roles[0]]
        axis.plot(
            x[at], y[at], marker, color=colour, markersize=size, markeredgecolor="white",
            label=",\n".join(roles), zorder=4,
        )  # fmt: skip
        names[at] = variant
    axis.set_title(_heading(panel.point))
    axis.set_xlabel(wrapped(f"{panel.unit} at {panel.proxy} (proxy)", LABEL_WIDTH))
    axis.margins(0.07)
    axis.legend(loc="upper left", bbox_to_anchor=(-0.13, -0.16), handletextpad=0.4, borderaxespad=0)
    name_points(axis, list(zip(x, y, strict=True)), names)


def _heading(point: CurvePoint) -> str:
    told = f"r {figure(point.r)},  R² {figure(point.r2)}"
    limits = interval_of(point, "r2")
    return told + (f"  [{figure(limits[0])}, {figure(limits[1])}]" if limits else "")
