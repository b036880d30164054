"""Question categories at one size: scores against chance, seed noise and shortcut controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.reliability import reliability
from analysis.tables.pairs import Runs
from analysis.words import listed

FAR, NEAR = 0.30, 0.10
"""Above chance for a category's best design; from chance for its weakest one."""
QUESTIONS = 300
"""Per category."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Check:
    """One demand of the signal check."""

    name: str
    passed: bool | None
    """None when it cannot be judged."""
    told: str


@dataclass(frozen=True)
class Category:
    """One question category at the largest size; accuracies between 0 and 1."""

    name: str
    chance: float | None
    designs: tuple[float, ...]
    """Accuracy of every design, mean over seeds."""
    questions: int | None
    seed_sd: float | None
    controls: dict[str, float]
    """Mean accuracy over designs with a shortcut control; only those that were measured."""

    @property
    def passed(self) -> bool | None:
        """Whether one design is far above chance and another near it; None if that is unknown."""
        if self.chance is None or len(self.designs) < 2:
            return None
        near = any(abs(design - self.chance) <= NEAR + _ROUNDING for design in self.designs)
        return near and max(self.designs) >= self.chance + FAR - _ROUNDING


def category(name: str, rows: pd.DataFrame, controls: Mapping[str, pd.DataFrame]) -> Category:
    """Gather one category.

    Args:
        name: of the category.
        rows: its scores at one size, columns `variant seed score chance n`.
        controls: control -> the scores of all categories under it.
    """
    runs = rows.groupby(["variant", "seed"]).score.mean()
    chances = rows.chance.dropna()
    questions = rows.n.dropna()
    shortcuts = {
        control: float(scores.mean())
        for control, table in controls.items()
        if len(table) and len(scores := table[table.benchmark == name].score)
    }
    return Category(
        name=name,
        chance=float(chances.mean()) if len(chances) else None,
        designs=tuple(float(mean) for mean in runs.groupby("variant").mean()),
        questions=int(questions.min()) if len(questions) else None,
        seed_sd=seed_sd(runs),
        controls=shortcuts,
    )


def seed_sd(runs: "pd.Series[float]") -> float | None:
    """Standard deviation of single runs around their design's mean, pooled."""
    variants, _ = pd.factorize(runs.index.get_level_values("variant"))
    seeds, _ = pd.factorize(runs.index.get_level_values("seed"))
    scores = np.asarray(runs, dtype=np.float64)
    means = np.bincount(variants, scores) / np.bincount(variants)
    noise = reliability(Runs(variants, seeds, scores), means)
    return noise.within**0.5 if noise else None


def category_check(categories: Sequence[Category]) -> Check:
    """Whether every category tells designs apart."""
    name = (
        f"every category has a design {100 * FAR:g} points above chance and another within "
        f"{100 * NEAR:g} points of it"
    )
    met = [category.name for category in categories if category.passed]
    unknown = [category.name for category in categories if category.passed is None]
    short = [category.name for category in categories if category.passed is False]
    told = f"met by {listed(met) if met else 'none'}"
    told += f"; not by {listed(short)}" if short else ""
    told += f"; chance or a second design is missing for {listed(unknown)}" if unknown else ""
    return Check(name, False if short else None if unknown else True, told)


def question_check(categories: Sequence[Category]) -> Check:
    """Whether every category has questions enough."""
    name = f"at least {QUESTIONS} questions a category"
    counts = {category.name: category.questions for category in categories}
    known = {key: count for key, count in counts.items() if count is not None}
    if len(known) < len(counts):
        return Check(name, None, "the number of questions was not recorded")
    least = min(known, key=lambda key: known[key])
    return Check(name, known[least] >= QUESTIONS, f"{known[least]} in {least}, the smallest")


def controls_note(categories: Sequence[Category]) -> str:
    """How far from chance the shortcut controls come."""
    told = []
    for control in ("question_only", "single_frame"):
        above = [
            f"{category.name} {100 * (category.controls[control] - category.chance):+.0f}"
            for category in categories
            if control in category.controls and category.chance is not None
        ]
        label = control.replace("_", " ")
        told.append(
            f"{label}: {', '.join(above) + ' points from chance' if above else 'not measured'}"
        )
    return "shortcut controls: " + "; ".join(told)
