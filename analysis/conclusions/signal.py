"""The signal check: does the benchmark tell designs apart, and not for one bad level alone?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.conclusions.categories import (
    Category,
    Check,
    category,
    category_check,
    controls_note,
    question_check,
    seed_sd,
)
from analysis.statistics.interactions import Interaction, interactions
from analysis.tables.load import axes_of
from analysis.words import figure, listed, size_name

SPREAD = 3.0
"""Standard deviations of seeds that the standard deviation of design means has to reach."""
FEWEST = 3
"""Designs whose spread means something."""


@dataclass(frozen=True)
class Spread:
    """Spread of design means after leaving out the worst level of some axes."""

    without: tuple[tuple[str, str], ...]
    """Axis and level left out."""
    designs: int
    """Left in."""
    sd: float | None
    """None with fewer than `FEWEST` designs."""


@dataclass(frozen=True)
class Signal:
    """What the largest trained size says about the study's power to tell designs apart."""

    size: float
    designs: int
    seeds: int
    """Largest number of seeds of a design."""
    seed_sd: float | None
    """Of the mean over categories, pooled over designs with two seeds or more; None without one."""
    full: Spread
    one_axis: tuple[Spread, ...]
    """Without the worst level of one axis at a time."""
    every_axis: Spread
    """Without the worst levels of all axes at once."""
    categories: tuple[Category, ...]
    interactions: tuple[Interaction, ...]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every demand was judged and met."""
        return all(check.passed for check in self.checks)

    @property
    def text(self) -> str:
        """The checks and what else was looked at, one a line."""
        marks = {True: "pass", False: "FAIL", None: "not judged"}
        lines = [f"{marks[check.passed]:<10}  {check.name}: {check.told}" for check in self.checks]
        return "\n".join([f"signal check at {size_name(self.size)}", *lines, *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """The controls and the interactions, which are reported and not demanded."""
        return controls_note(self.categories), _interactions_note(self.interactions)


def check_signal(
    frame: pd.DataFrame,
    controls: Mapping[str, pd.DataFrame] | None = None,
) -> Signal:
    """Check the largest size that was trained, on its largest number of samples.

    Args:
        frame: the table of `analysis.tables.load.load`; accuracies between 0 and 1.
        controls: `question_only`, `single_frame` -> the same table under that control.

    Raises:
        ValueError: no accuracy in the table.
    """
    axes = axes_of(frame)
    scored = _accuracies(frame)
    if scored.empty:
        raise ValueError("the signal check needs a table with accuracies; none was found")
    largest = _largest(scored)
    runs = largest.groupby(["variant", "seed"]).score.mean()
    means = runs.groupby("variant").mean()
    levels = largest.drop_duplicates("variant").set_index("variant").loc[means.index]
    worst = {axis: str(means.groupby(levels[axis]).mean().idxmin()) for axis in axes}
    found = {name: _largest(_accuracies(table)) for name, table in (controls or {}).items()}
    categories = tuple(
        category(str(name), rows, found) for name, rows in largest.groupby("benchmark")
    )
    noise = seed_sd(runs)
    full = _spread(means, levels, {})
    one_axis = tuple(_spread(means, levels, {axis: level}) for axis, level in worst.items())
    every_axis = _spread(means, levels, worst)
    return Signal(
        size=float(largest["size"].iloc[0]),
        designs=len(means),
        seeds=int(runs.groupby("variant").size().max()),
        seed_sd=noise,
        full=full,
        one_axis=one_axis,
        every_axis=every_axis,
        categories=categories,
        interactions=interactions(_per_cell(scored), axes),
        checks=(
            _spread_check(noise, [full, *one_axis, every_axis]),
            category_check(categories),
            question_check(categories),
        ),
    )


def _accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return frame
    return frame[(frame.measure == "accuracy") & frame.score.notna()]


def _largest(scored: pd.DataFrame) -> pd.DataFrame:
    if scored.empty:
        return scored
    rows = scored[scored["size"] == scored["size"].max()]
    return rows[rows.samples == rows.samples.max()]


def _per_cell(scored: pd.DataFrame) -> pd.DataFrame:
    """Mean over categories, at every size's largest number of samples."""
    most = scored.groupby("size").samples.transform("max")
    rows = scored[scored.samples == most]
    means = rows.groupby(["variant", "size"], as_index=False).score.mean()
    levels = rows.drop(columns=["score", "size"]).drop_duplicates("variant")
    return means.merge(levels, on="variant")


def _spread(means: "pd.Series[float]", levels: pd.DataFrame, without: Mapping[str, str]) -> Spread:
    kept = means
    for axis, level in without.items():
        kept = kept[levels.loc[kept.index, axis] != level]
    sd = float(kept.std(ddof=1)) if len(kept) >= FEWEST else None
    return Spread(tuple(without.items()), len(kept), sd)


def _spread_check(noise: float | None, spreads: Sequence[Spread]) -> Check:
    name = f"design means spread at least {SPREAD:g} seed standard deviations"
    if noise is None:
        return Check(name, None, "no design has two seeds at this size, so noise is not known")
    known = [(spread.sd, spread) for spread in spreads if spread.sd is not None]
    if not known:
        return Check(name, None, f"fewer than {FEWEST} designs")
    least, at = min(known, key=lambda item: item[0])
    which = (
        "" if not at.without else " without " + listed([f"{a} {level}" for a, level in at.without])
    )
    ratio = f"{least / noise:.1f} times" if noise > 0 else "seeds do not differ"
    told = f"at least {100 * least:.1f} points{which}, seed sd {100 * noise:.1f} points ({ratio})"
    unjudged = [spread for spread in spreads if spread.sd is None]
    if unjudged:
        told += f"; {min(s.designs for s in unjudged)} designs are left without the worst level of "
        told += "every axis at once, too few to judge" if unjudged == [spreads[-1]] else "an axis"
    return Check(name, least >= SPREAD * noise, told)


def _interactions_note(tests: Sequence[Interaction]) -> str:
    if not tests:
        return "size by level: not tested, for two sizes and more designs than levels are needed"
    told = [
        f"{test.axis} F({test.df[0]},{test.df[1]}) = {test.f:.2f}, {_p(test.p)}" for test in tests
    ]
    return "size by level: " + "; ".join(told)


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {figure(p)}"
