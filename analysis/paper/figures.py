"""Figures of the published tables: the paper's own, and what its scores show beyond them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.fit import FitResult
from analysis.pages.plots.agreement import agreement_curve
from analysis.pages.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    canvas,
    grid,
    styled,
)
from analysis.tables.published import Published
from analysis.words import figure, size_name

MIXTURES = {"A": ("o", BLUE), "B": ("s", ORANGE), "C": ("^", GREEN)}


@styled
def law(result: FitResult, printed: tuple[float, float]) -> Figure:
    """R² against size with the log-linear line the paper draws through it (Fig. 3, left)."""
    drawing = agreement_curve(result)
    (axis,) = drawing.axes
    sizes = np.geomspace(min(p.size for p in result.headline), result.target.size, 50)
    slope, start = printed
    label = f"the paper's {slope:.2f} ln(size) + {start:.2f}"
    heights = slope * np.log(sizes / 1e9) + start
    axis.plot(sizes, heights, color=PURPLE, linestyle=(0, (1, 1)), linewidth=2.4, label=label)
    drawing.legends[0].remove()
    drawing.set_figheight(4.1)
    drawing.legend(loc="outside lower center", ncols=1, handletextpad=0.5)
    return drawing


@styled
def mixture_scatter(frame: pd.DataFrame, proxy: float, target: float, broken: str) -> Figure:
    """Two sizes against each other, told apart by mixture and broken setting (Fig. 15).

    Each mixture has its own least-squares line through its sane settings: where these are flat, the
    agreement between the mixtures is all there is.
    """
    drawing, (axis,) = canvas(4.2)
    grid(axis, "both")
    wide = frame.pivot(index=["mixture", "setting"], columns="size", values="score").reset_index()
    for mixture, rows in wide.groupby("mixture"):
        marker, colour = MIXTURES[str(mixture)]
        sane, bad = rows[rows.setting != broken], rows[rows.setting == broken]
        axis.plot(
            sane[proxy], sane[target], marker, color=colour, markersize=7, markeredgecolor="white",
            label=f"mixture {mixture}",
        )  # fmt: skip
        slope, start = np.polyfit(sane[proxy], sane[target], 1)
        ends = np.array([sane[proxy].min(), sane[proxy].max()])
        axis.plot(ends, slope * ends + start, color=colour, linewidth=1.3)
        axis.plot(
            bad[proxy], bad[target], marker, color=colour, markersize=7, markerfacecolor="white",
            markeredgewidth=1.5, label=f"hollow: setting {broken}" if mixture == "C" else None,
        )  # fmt: skip
    r = float(np.corrcoef(wide[proxy], wide[target])[0, 1])
    axis.set_title(f"{size_name(proxy)} and {size_name(target)}: R² {figure(r * r)}")
    axis.set_xlabel(f"average score at {size_name(proxy)}")
    axis.set_ylabel(f"average score at {size_name(target)}")
    drawing.legend(loc="outside lower center", ncols=2, handletextpad=0.3, columnspacing=1.5)
    return drawing


@styled
def variance_bar(shares: Mapping[str, float]) -> Figure:
    """Parts of the variance of the target's scores as one bar."""
    drawing, (axis,) = canvas(1.9)
    colours = (BLUE, RED, ORANGE, FAINT)
    start = 0.0
    for (name, part), colour in zip(shares.items(), colours, strict=True):
        axis.barh(0, part, left=start, color=colour, height=0.5, label=f"{name}: {part:.1%}")
        start += part
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xlim(0, 1)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25%", "50%", "75%", "100%"])
    drawing.legend(loc="outside lower center", ncols=1, handletextpad=0.6)
    return drawing


@styled
def remaining(curves: Mapping[str, Mapping[float, float | None]]) -> Figure:
    """R² by size for several cuts of the same designs, each line named at its right end."""
    drawing, (axis,) = canvas(3.6)
    grid(axis)
    looks = (("o", INK), ("s", SKY), ("D", ORANGE), ("X", RED))
    sizes = sorted(next(iter(curves.values())))
    for (name, curve), (marker, colour) in zip(curves.items(), looks, strict=True):
        heights = [curve[size] if curve[size] is not None else np.nan for size in sizes]
        axis.plot(
            range(len(sizes)), np.array(heights, float), marker=marker, color=colour, linewidth=1.5,
            markersize=7, markeredgecolor="white", label=name,
        )  # fmt: skip
    axis.set_xticks(range(len(sizes)), [size_name(size) for size in sizes])
    axis.set_ylim(0, 1)
    axis.set_xlim(-0.25, len(sizes) - 0.75)
    axis.set_ylabel("R² to the target")
    axis.set_xlabel("proxy size (parameters)")
    drawing.legend(loc="outside lower center", ncols=1)
    return drawing


@styled
def ranking_dots(ranking: Sequence[Published]) -> Figure:
    """A study's variants, best first, with the noise that the number of questions alone gives."""
    drawing, (axis,) = canvas(0.9 + 0.24 * len(ranking))
    grid(axis, "x")
    best = ranking[0]
    reach = 1.96 * 2**0.5 * best.se
    axis.axvspan(best.score - reach, best.score, color=FAINT, alpha=0.6, linewidth=0)
    for row, one in enumerate(ranking):
        near = one.score >= best.score - reach
        axis.errorbar(
            one.score, -row, xerr=one.se, fmt="o", color=BLUE if near else MUTED, markersize=5.5,
            linewidth=1.4, capsize=0,
        )  # fmt: skip
    axis.set_yticks([-row for row in range(len(ranking))], [one.variant for one in ranking])
    axis.tick_params(axis="y", length=0, labelsize=8)
    axis.set_ylim(-len(ranking) + 0.4, 0.6)
    axis.set_xlabel("ApolloBench Overall (%)")
    return drawing
