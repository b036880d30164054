"""The effect of every level of an axis, followed from the smallest proxy to the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.conclusions.decisions import Decision
from analysis.pages.plots.agreement import CROWDED
from analysis.pages.plots.style import BLUE, INK, MUTED, RED, canvas, styled, wrapped
from analysis.statistics.curve import Interval
from analysis.words import size_name

COLOURS = {"reversed": RED, "undecided": MUTED, "transfers": BLUE}
"""What stands for a level over all its pairs and proxies, the worst first -> colour."""
WORDS = {
    "reversed": "decides the other way at a ringed proxy",
    "undecided": "undecided against some level",
    "transfers": "every decision transfers",
}

NAME_WIDTH = 15
"""Letters of a line of a level's name."""
_GAP = 0.06
"""Least distance between two names, as a share of the axes' height."""


@dataclass(frozen=True)
class LevelLine:
    """One level at every proxy and the target, relative to the mean of the axis' levels."""

    level: str
    effects: tuple[float | None, ...]
    """At every proxy size, ascending, then at the target."""
    half: tuple[float | None, ...]
    """Half the comparison interval: levels whose intervals do not overlap differ."""
    reversed_at: frozenset[int]
    """Positions where a decision about this level is reversed."""
    verdict: str
    """A key of `COLOURS`."""


def level_lines(decisions: Sequence[Decision]) -> list[LevelLine]:
    """The levels of one factor, from the effects of its pairs of levels.

    A level's effect is the mean of its effects against all levels of the axis, itself included. Its
    comparison interval is half as wide as those pairs' 95% intervals on average, so that two
    levels differ with 95% confidence when theirs do not overlap; exactly so where all pairs are
    estimated alike (Goldstein and Healy, 1995, with least significant differences).
    """
    levels = sorted({name for d in decisions for name in (d.level_a, d.level_b)})
    sizes = sorted({decision.size for decision in decisions})
    lines = []
    for level in levels:
        own = [d for d in decisions if level in (d.level_a, d.level_b)]
        at = [_signed([d for d in own if d.size == size], level, "proxy") for size in sizes]
        at.append(_signed([d for d in own if d.size == sizes[-1]], level, "target"))
        turned = {sizes.index(d.size) for d in own if d.verdict == "reversed"}
        decided = all(d.verdict in ("transfers", "shrinks") for d in own)
        verdict = "reversed" if turned else "transfers" if decided else "undecided"
        effects, half = zip(*at, strict=True)
        lines.append(LevelLine(level, effects, half, frozenset(turned), verdict))
    return lines


@styled
def level_slopes(decisions: Sequence[Decision], unit: str = "score") -> Figure:
    """Slope chart of one factor: a line per level, with comparison intervals and reversals.

    Args:
        decisions: those of one factor.
        unit: what the effect is measured in.
    """
    lines = level_lines(decisions)
    sizes = sorted({decision.size for decision in decisions})
    figure, (axis,) = canvas(3.4 + 0.12 * max(0, len(lines) - 5))
    axis.axhline(0, color=INK, linewidth=0.8, zorder=1)
    axis.axvline(len(sizes), color=MUTED, linewidth=1.2, zorder=1)
    markers = cycle("osD^vP*Xh<>")
    told = {}
    for index, line in enumerate(lines):
        # Moved apart a little so that intervals do not hide each other.
        shift = 0.05 * (index - (len(lines) - 1) / 2) / max(1, len(lines) / 4)
        told[line.verdict] = _line(axis, line, shift, next(markers))
    axis.set_xticks(range(len(sizes) + 1), [*(size_name(size) for size in sizes), "target"])
    axis.tick_params(axis="x", rotation=90 if len(sizes) > CROWDED else 0)
    axis.set_xlim(-0.3, len(sizes) + 0.12)
    axis.set_ylabel(f"effect ({unit})")
    axis.set_title(wrapped(decisions[0].factor, 36))
    _name_lines(axis, lines, len(sizes))
    figure.legend(
        [told[verdict] for verdict in COLOURS if verdict in told],
        [WORDS[verdict] for verdict in COLOURS if verdict in told],
        loc="outside lower left", handletextpad=0.5,
    )  # fmt: skip
    return figure


def _signed(
    decisions: Sequence[Decision], level: str, side: str
) -> tuple[float | None, float | None]:
    """Mean effect of a level against all, and half its comparison interval, at one size."""
    effects, halves = [0.0], []
    for decision in decisions:
        effect: float | None = getattr(decision, f"{side}_effect")
        limits: Interval | None = getattr(decision, f"{side}_ci95")
        if effect is None:
            continue
        effects.append(effect if decision.level_b == level else -effect)
        if limits is not None:
            halves.append((limits[1] - limits[0]) / 2)
    if len(effects) == 1:
        return None, None
    return float(np.mean(effects)), float(np.mean(halves)) / 2 if halves else None


def _line(axis: Axes, line: LevelLine, shift: float, marker: str) -> Line2D:
    colour = COLOURS[line.verdict]
    known = [at for at, effect in enumerate(line.effects) if effect is not None]
    heights = [line.effects[at] or 0.0 for at in known]
    places = [at + (shift if at < len(line.effects) - 1 else 0) for at in known]
    for at, place, height in zip(known, places, heights, strict=True):
        half = line.half[at]
        if half is not None:
            axis.vlines(place, height - half, height + half, color=colour, linewidth=2, alpha=0.35)
        if at in line.reversed_at:
            axis.plot(
                place, height, "o", markersize=12, markerfacecolor="none", markeredgecolor=RED,
                markeredgewidth=1.4, zorder=5,
            )  # fmt: skip
    (drawn,) = axis.plot(
        places, heights, color=colour, linewidth=1.6, marker=marker, markersize=6,
        markeredgecolor="white", markeredgewidth=0.6, zorder=4,
    )  # fmt: skip
    return drawn


def _name_lines(axis: Axes, lines: Sequence[LevelLine], target: int) -> None:
    """The levels' names at the right, in the order of their effects, moved apart where close."""
    named: Mapping[str, LevelLine] = {
        line.level: line for line in sorted(lines, key=lambda line: line.effects[-1] or 0.0)
    }
    low, high = axis.get_ylim()
    height = low
    for line in named.values():
        effect = line.effects[-1]
        if effect is None:
            continue
        text = wrapped(line.level, NAME_WIDTH)
        gap = _GAP * (high - low) * (1 + text.count("\n"))
        height = max(height + gap, effect)
        axis.annotate(
            text, (target, effect), (target + 0.22, height), fontsize=8.5, va="center",
            color=COLOURS[line.verdict], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6},
        )  # fmt: skip
