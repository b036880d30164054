"""Scores over frames a second and tokens a frame: how a budget of visual tokens is best spent."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from analysis.pages.plots.style import BLUE, FAINT, INK, ORANGE, canvas, styled

SHADES = LinearSegmentedColormap.from_list("shades", ["#EAF2F8", "#7FB5DA", BLUE, "#00304D"], N=40)
"""One hue from light to dark: the order survives grey print and every kind of colour vision. So few
steps that the colour bar is drawn, not a picture."""
_DARK = 0.5  # share of the range above which white text is read more easily


@styled
def score_map(scores: pd.DataFrame, unit: str = "score") -> Figure:
    """A cell per combination with its mean score; the best is framed, an untried one is empty.

    Args:
        scores: columns `fps`, `tokens_per_frame`, `score`; several rows of one cell are averaged.
        unit: what a score is.
    """
    grid = scores.pivot_table(index="tokens_per_frame", columns="fps", values="score")
    values = grid.to_numpy(float)
    figure, (axis,) = canvas(1.4 + 0.36 * len(grid))
    axis.set_facecolor(FAINT)
    low, high, outliers = _range(values)
    image = axis.pcolormesh(values, cmap=SHADES, vmin=low, vmax=high, edgecolor="white")
    for (row, column), value in np.ndenumerate(values):
        dark = (value - low) > _DARK * (high - low)
        axis.text(
            column + 0.5, row + 0.5, "-" if np.isnan(value) else _written(value, high),
            ha="center", va="center", color="white" if dark else INK,
        )  # fmt: skip
    row, column = np.argwhere(values == high)[0]
    frame = [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    axis.plot(*zip(*frame, frame[0], strict=True), color=ORANGE, linewidth=2.4, clip_on=False)
    axis.set_xticks(np.arange(grid.shape[1]) + 0.5, [f"{fps:g}" for fps in grid.columns])
    axis.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{count:g}" for count in grid.index])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("frames a second")
    axis.set_ylabel("tokens a frame")
    extend = "min" if outliers else "neither"
    bar = figure.colorbar(image, label=unit, pad=0.03, aspect=30, extend=extend)
    bar.outline.set_visible(False)
    return figure


def _range(values: np.ndarray) -> tuple[float, float, bool]:
    """Ends of the shades, and whether values lie below: a few failures must not hide the rest."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    first, third = np.nanquantile(values, [0.25, 0.75])
    whisker = float(first - 1.5 * (third - first))
    return (whisker, high, True) if low < whisker else (low, high, False)


def _written(value: float, high: float) -> str:
    return f"{value:.1f}" if high > 1.5 else f"{value:.2f}".lstrip("0")
