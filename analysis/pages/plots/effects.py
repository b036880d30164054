"""The effect of swapping two levels, followed from the smallest proxy to the target."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.conclusions.decisions import Decision
from analysis.pages.plots.agreement import CROWDED
from analysis.pages.plots.style import BLUE, GREEN, INK, MUTED, RED, canvas, styled, wrapped
from analysis.statistics.curve import Interval
from analysis.words import listed, size_name

COLOURS = {"reversed": RED, "undecided": MUTED, "shrinks": GREEN, "transfers": BLUE}
"""Verdicts, the worst first -> colour of the line of a pair of levels."""

TITLE_WIDTH = 36
"""Letters of one line of the title."""
NAMED = 6
"""With more pairs than this only as many reversed ones are named."""


@styled
def effect_slopes(decisions: Sequence[Decision], unit: str = "score") -> Figure:
    """Effect of every pair of levels of one factor at each proxy and the target.

    A filled point is an effect whose 95% interval leaves out 0; a hollow one is undecided.

    Args:
        decisions: those of one factor.
        unit: what the effect is measured in.
    """
    pairs: dict[tuple[str, str], list[Decision]] = {}
    for decision in sorted(decisions, key=lambda found: found.size):
        pairs.setdefault((decision.level_a, decision.level_b), []).append(decision)
    sizes = sorted({decision.size for decision in decisions})
    names = _names(pairs)
    figure, (axis,) = canvas(2.9 + 0.16 * sum(1 + name.count("\n") for name in names.values()))
    axis.axhline(0, color=INK, linewidth=0.8)
    markers = cycle("osD^vP")
    for pair, rows in pairs.items():
        if pair in names:
            _line(axis, rows, sizes, next(markers), names[pair])
        else:
            _thin_line(axis, rows, sizes)
    axis.set_xticks(range(len(sizes) + 1), [*(size_name(size) for size in sizes), "target"])
    axis.tick_params(axis="x", rotation=90 if len(sizes) > CROWDED else 0)
    axis.set_xlim(-0.3, len(sizes) + 0.3)
    axis.set_ylabel(f"effect ({unit})")
    axis.set_title(wrapped(decisions[0].factor, TITLE_WIDTH))
    if names:
        figure.legend(loc="outside lower left", handletextpad=0.5)
    return figure


def worst_verdict(decisions: Sequence[Decision]) -> str:
    """The verdict that stands for a pair of levels over all proxies, a key of `COLOURS`."""
    verdicts = {_short(decision) for decision in decisions}
    return next(verdict for verdict in COLOURS if verdict in verdicts)


def _short(decision: Decision) -> str:
    return decision.verdict.split("_")[0]


def _line(
    axis: Axes, rows: Sequence[Decision], sizes: Sequence[float], marker: str, label: str
) -> None:
    """One pair of levels that the legend names, with hollow points where it is undecided."""
    colour = COLOURS[worst_verdict(rows)]
    drawn = _points(rows, sizes)
    axis.plot(
        [place for place, _, _ in drawn], [effect for _, effect, _ in drawn],
        color=colour, linewidth=1.6, marker=marker, markersize=6, markerfacecolor=colour,
        markeredgecolor=colour, label=label, zorder=4,
    )  # fmt: skip
    undecided = [(place, effect) for place, effect, limit in drawn if not _decided(limit)]
    if undecided:
        axis.plot(*zip(*undecided, strict=True), marker, color=colour, markersize=6,
                  markerfacecolor="white", zorder=5)  # fmt: skip


def _thin_line(axis: Axes, rows: Sequence[Decision], sizes: Sequence[float]) -> None:
    """One of many pairs of levels."""
    drawn = _points(rows, sizes)
    axis.plot(
        [place for place, _, _ in drawn], [effect for _, effect, _ in drawn],
        color=COLOURS[worst_verdict(rows)], linewidth=0.9, alpha=0.45, zorder=3,
    )  # fmt: skip


def _points(
    rows: Sequence[Decision], sizes: Sequence[float]
) -> list[tuple[int, float, Interval | None]]:
    """Place, effect and limits at every proxy and the target, where there is an effect."""
    places = [*(sizes.index(row.size) for row in rows), len(sizes)]
    effects = [*(row.proxy_effect for row in rows), rows[-1].target_effect]
    limits = [*(row.proxy_ci95 for row in rows), rows[-1].target_ci95]
    return [
        (place, effect, limit)
        for place, effect, limit in zip(places, effects, limits, strict=True)
        if effect is not None
    ]


def _decided(limits: Interval | None) -> bool:
    return limits is not None and limits[0] * limits[1] > 0


def _names(pairs: Mapping[tuple[str, str], Sequence[Decision]]) -> dict[tuple[str, str], str]:
    """The pairs that the legend names: all of a few, of many the first reversed ones."""
    few = len(pairs) <= NAMED
    chosen = [pair for pair in pairs if few or worst_verdict(pairs[pair]) == "reversed"]
    return {pair: _name(pair, pairs[pair]) for pair in chosen[:NAMED]}


def _name(pair: tuple[str, str], rows: Sequence[Decision]) -> str:
    verdict = worst_verdict(rows)
    if verdict in ("reversed", "undecided"):
        where = [size_name(row.size) for row in rows if _short(row) == verdict]
        verdict += f" at {listed(where)}" if len(where) < len(rows) else ""
    return wrapped(f"{pair[0]} → {pair[1]}: {verdict}")
