"""What a proxy costs against how often it decides like the target."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.plots.style import BLUE, INK, MUTED, canvas, grid, styled


@dataclass(frozen=True)
class Offer:
    """One way to decide: a proxy at its cost."""

    name: str
    relative_cost: float
    """Cost of one design as a share of the target's."""
    decision_accuracy: float
    ci95: tuple[float, float] | None = None


def frontier(offers: Sequence[Offer]) -> list[Offer]:
    """The offers that no cheaper or equally cheap one matches, from the cheapest up."""
    best: list[Offer] = []
    for offer in sorted(offers, key=lambda o: (o.relative_cost, -o.decision_accuracy)):
        if not best or offer.decision_accuracy > best[-1].decision_accuracy:
            best.append(offer)
    return best


@styled
def cost_frontier(offers: Sequence[Offer]) -> Figure:
    """Decision accuracy with its 95% interval against relative cost on a log axis."""
    figure, (axis,) = canvas(3.2)
    grid(axis)
    best = frontier(offers)
    axis.axhline(0.5, color=INK, linewidth=1, linestyle=(0, (5, 3)))
    axis.annotate(
        "a coin", (1, 0.5), (-3, 3), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", fontsize=8,
    )  # fmt: skip
    axis.step(
        [offer.relative_cost for offer in best], [offer.decision_accuracy for offer in best],
        where="post", color=BLUE, linewidth=1.2, zorder=2,
    )  # fmt: skip
    for offer in offers:
        colour = BLUE if offer in best else MUTED
        if offer.ci95:
            axis.vlines(offer.relative_cost, *offer.ci95, color=colour, linewidth=2.2, alpha=0.4)
        axis.plot(
            offer.relative_cost, offer.decision_accuracy, "o", color=colour, markersize=7,
            markeredgecolor="white", zorder=3,
        )  # fmt: skip
        axis.annotate(
            offer.name, (offer.relative_cost, offer.decision_accuracy), (6, -10),
            textcoords="offset points", fontsize=8.5,
        )  # fmt: skip
    axis.set_xscale("log")
    axis.margins(x=0.16)
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(
        FuncFormatter(
            lambda share, _: (
                f"{share:.2g}"
                if share < 0.001
                else f"{share:.2%}".rstrip("0").rstrip(".")
                if share < 0.01
                else f"{share:.0%}"
            )
        )
    )
    axis.set_xlabel("cost of a design relative to the target")
    axis.set_ylabel("decision accuracy")
    low = min([0.45, *(offer.ci95[0] for offer in offers if offer.ci95)])
    axis.set_ylim(low, 1.02)
    return figure
