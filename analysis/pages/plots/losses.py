"""Loss against training step, every run of one size."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.pages.plots.style import BLUE, INK, canvas, grid, styled

SMOOTHED = 40
"""Points a curve is reduced to: each the mean of as many steps as fit."""


@styled
def loss_curves(losses: pd.DataFrame) -> Figure:
    """Every run as a thin line and the median run as a thick one.

    Args:
        losses: rows of `analysis.tables.load.load_losses`, of one size.
    """
    figure, (axis,) = canvas(2.6)
    grid(axis)
    wide = losses.pivot_table(index="step", columns="score_id", values="loss")
    every = max(1, len(wide) // SMOOTHED)
    smooth = wide.groupby(np.arange(len(wide)) // every).mean()
    steps = wide.index.to_series().groupby(np.arange(len(wide)) // every).mean()
    axis.plot(steps, smooth, color=BLUE, linewidth=0.8, alpha=0.35)
    axis.plot(steps, smooth.median(axis=1), color=INK, linewidth=2, label="median of the runs")
    axis.set_xlabel("training step")
    axis.set_ylabel("loss (nats per answer token)")
    axis.set_ylim(bottom=0)
    axis.legend(loc="upper right")
    return figure
