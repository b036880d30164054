"""What a proxy costs against how often it decides like the target."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from analysis.fit import FitResult
from analysis.pages.plots.style import BLUE, INK, MUTED, canvas, grid, styled
from analysis.pages.verdict import rung_name, share
from analysis.statistics.curve import CurvePoint

CROWDED = 6
"""With more proxies than this only the ends of the frontier are named."""


def priced(result: FitResult) -> list[CurvePoint]:
    """The proxies of the verdict that have a cost and a decision accuracy."""
    return [p for p in result.headline if p.relative_cost and p.decision_accuracy is not None]


def price(point: CurvePoint) -> float:
    """Cost of judging one design at a proxy, with all its seeds, over one run at the target."""
    return (point.relative_cost or 0) * point.seeds


def frontier(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """The proxies that no cheaper or equally cheap one matches, from the cheapest up."""
    best: list[CurvePoint] = []
    for point in sorted(points, key=lambda p: (price(p), -(p.decision_accuracy or 0))):
        if not best or (point.decision_accuracy or 0) > (best[-1].decision_accuracy or 0):
            best.append(point)
    return best


@styled
def cost_frontier(result: FitResult) -> Figure:
    """Decision accuracy with its 95% interval against relative cost on a log axis."""
    points = priced(result)
    figure, (axis,) = canvas(3.2)
    grid(axis)
    best, prices = frontier(points), sorted(price(point) for point in points)
    crowded = len(points) > CROWDED
    axis.axhline(0.5, color=INK, linewidth=1, linestyle=(0, (5, 3)))
    axis.annotate(
        "a coin", (1, 0.5), (-3, 3), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", fontsize=8.5,
    )  # fmt: skip
    axis.plot(
        [price(point) for point in best], [point.decision_accuracy or 0 for point in best],
        color=MUTED, linewidth=1, zorder=2,
    )  # fmt: skip
    for point in points:
        colour = BLUE if point in best else MUTED
        place, height = price(point), point.decision_accuracy or 0
        if point.decision_accuracy_ci95:
            axis.vlines(
                place, *point.decision_accuracy_ci95, color=colour, linewidth=2.2, alpha=0.45
            )
        marker = "o" if point in best else "s"
        axis.plot(place, height, marker, color=colour, markersize=7, markeredgecolor="white")
        if crowded and point not in (best[0], best[-1]):
            continue
        left = place > (prices[0] * prices[-1]) ** 0.5  # a name goes where there is room
        axis.annotate(
            rung_name(result, point.size, point.samples), (place, height), (-7 if left else 7, 6),
            textcoords="offset points", fontsize=9, ha="right" if left else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
        )  # fmt: skip
    _share_axis(axis)
    axis.set_ylabel("decision accuracy")
    lows = [p.decision_accuracy_ci95[0] for p in points if p.decision_accuracy_ci95]
    axis.set_ylim(min([0.45, *lows]), 1.06)
    return figure


def _share_axis(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.margins(x=0.16)
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(
        MaxNLocator(5, steps=[1, 2, 5, 10])
        if high < 5 * low
        else LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,))
    )
    axis.xaxis.set_major_formatter(FuncFormatter(lambda part, _: share(part)))
    axis.minorticks_off()
    axis.set_xlabel("cost of one design relative to the target")
