"""Accuracy of every design per question category, against chance and seed noise."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.conclusions.categories import FAR, NEAR, Category
from analysis.pages.plots.style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    PURPLE,
    RED,
    canvas,
    grid,
    styled,
    wrapped,
)

NAME_WIDTH = 18
"""Letters of a line of a category's name."""

CONTROLS = {"question_only": ("x", RED), "single_frame": ("P", PURPLE)}
"""Shortcut control -> marker, colour."""


@styled
def category_strip(categories: Sequence[Category]) -> Figure:
    """One row per category: designs as dots, chance as a bar, controls, seed noise as a bracket."""
    figure, (axis,) = canvas(1.4 + 0.46 * len(categories))
    grid(axis, "x")
    for row, category in enumerate(categories):
        _row(axis, -row, category)
    axis.set_yticks(
        [-row for row in range(len(categories))], [wrapped(c.name, NAME_WIDTH) for c in categories]
    )
    axis.set_ylim(-len(categories) + 0.4, 0.6)
    axis.set_xlim(0, 1)
    axis.set_xlabel("accuracy")
    axis.tick_params(axis="y", length=0)
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="outside lower center", ncols=2,
        handletextpad=0.5, columnspacing=1.4,
    )  # fmt: skip
    return figure


def _row(axis: Axes, y: float, category: Category) -> None:
    if category.chance is not None:
        low = category.chance
        axis.barh(y, NEAR, left=low, height=0.62, color=FAINT, label="within 10 points of chance")
        axis.vlines(low, y - 0.31, y + 0.31, color=INK, linewidth=1.6, label="chance")
        axis.vlines(
            low + FAR, y - 0.31, y + 0.31, color=INK, linewidth=1, linestyle=(0, (2, 2)),
            label="30 points above",
        )  # fmt: skip
    # A fixed zigzag: equal scores stay visible and the figure is the same every time.
    spread = 0.16 * np.resize([0, 1, -1], len(category.designs))
    axis.plot(
        sorted(category.designs), y + spread, "o", color=BLUE, markersize=5.5, alpha=0.75,
        markeredgecolor="white", markeredgewidth=0.5, label="design", zorder=3, clip_on=False,
    )  # fmt: skip
    for name, value in category.controls.items():
        marker, colour = CONTROLS[name]
        axis.plot(
            value, y + 0.3, marker, color=colour, markersize=6.5, markeredgewidth=1.6,
            label=name.replace("_", " "), zorder=4,
        )  # fmt: skip
    if category.seed_sd is not None:
        middle = float(np.median(category.designs))
        axis.errorbar(
            middle, y - 0.38, xerr=category.seed_sd, color=ORANGE, capsize=2.5, linewidth=1.4,
            label="± one seed sd", zorder=4,
        )  # fmt: skip
