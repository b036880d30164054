"""The order of a study's levels at one size, with its seed noise, beside the one the paper prints.

Where `analysis.conclusions.against_paper` takes any table of scores and its designs on many axes,
this takes the studies that follow one table of the paper each, and matches row with row.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis.statistics.agreement import order
from analysis.tables.published import (
    CONNECTORS,
    INTEGRATIONS,
    SCHEDULES,
    mixtures,
    published_ranking,
)

CONFIDENCE = 0.95
RESAMPLES = 2000
"""Draws of seeds for the interval of tau."""
_RATES = {"0.2": "1e-6", "": "5e-6", "2": "1e-5"}
"""Multiple of the size row's vision rate -> the rate of paper Table 12."""


@dataclass(frozen=True)
class Rank:
    """One level, or combination of levels, of a study."""

    level: str
    score: float
    """Mean accuracy over question categories and seeds, in percent."""
    low: float | None
    """Limits of the mean, from the seeds of all levels together; None with one seed each."""
    high: float | None
    seeds: int
    paper: float | None
    """ApolloBench Overall of its counterpart, in percent; None where the paper has none."""


@dataclass(frozen=True)
class Ranking:
    """A study's levels at one size, best first."""

    ranks: tuple[Rank, ...]
    seed_sd: float | None
    """Standard deviation of one level's seeds, pooled over the levels, in points."""
    tau: float | None
    """Kendall's tau-b to the paper's order; None with fewer than two counterparts."""
    tau_low: float | None
    tau_high: float | None
    """Limits of tau when seeds are drawn again, by percentiles."""

    @property
    def common(self) -> int:
        """Levels that the paper has too."""
        return sum(rank.paper is not None for rank in self.ranks)


def rank_levels(frame: pd.DataFrame, study: str, factors: tuple[str, ...]) -> Ranking:
    """Rank the levels of a study.

    Args:
        frame: its rows of `analysis.tables.load.load` at one size and number of samples.
        study: its name; studies that follow no table of the paper are ranked alone.
        factors: columns whose values together name a level.

    Raises:
        ValueError: several sizes or numbers of samples.
    """
    for column in ("size", "samples"):
        if frame[column].nunique() > 1:
            raise ValueError(f"ranking: {frame[column].nunique()} values of {column}; choose one")
    rows = frame[frame.measure == "accuracy"]
    # Every category weighs the same; every seed of a level is one observation.
    scores = 100 * rows.groupby([*factors, "seed"], sort=False).score.mean()
    seeds = {
        tuple(map(str, level if isinstance(level, tuple) else (level,))): group.to_numpy()
        for level, group in scores.groupby(level=list(factors), sort=False)
    }
    sd, freedom = _pooled(list(seeds.values()))
    paper = _counterparts(study, [dict(zip(factors, level, strict=True)) for level in seeds])
    ranks = [
        _rank(" ".join(level), found, theirs, sd, freedom)
        for (level, found), theirs in zip(seeds.items(), paper, strict=True)
    ]
    tau, low, high = _tau(list(seeds.values()), paper)
    return Ranking(tuple(sorted(ranks, key=lambda rank: -rank.score)), sd, tau, low, high)


def _rank(
    level: str, found: np.ndarray, paper: float | None, sd: float | None, freedom: int
) -> Rank:
    mean = float(found.mean())
    if sd is None:
        return Rank(level, mean, None, None, len(found), paper)
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * sd / len(found) ** 0.5
    return Rank(level, mean, mean - half, mean + half, len(found), paper)


def _pooled(groups: list[np.ndarray]) -> tuple[float | None, int]:
    """Standard deviation inside groups and its degrees of freedom."""
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None, 0
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return (squares / freedom) ** 0.5, freedom


def _tau(
    groups: list[np.ndarray], paper: list[float | None]
) -> tuple[float | None, float | None, float | None]:
    pairs = [(g, p) for g, p in zip(groups, paper, strict=True) if p is not None]
    theirs = np.array([p for _, p in pairs])

    def tau(means: list[float]) -> float | None:
        found = order(np.array(means), theirs)
        return found.kendall_tau_b if found else None

    own = tau([float(group.mean()) for group, _ in pairs])
    if own is None or all(len(group) == 1 for group, _ in pairs):
        return own, None, None
    random = np.random.default_rng(0)
    drawn = [
        tau([float(random.choice(group, len(group)).mean()) for group, _ in pairs])
        for _ in range(RESAMPLES)
    ]
    known = [value for value in drawn if value is not None]
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return own, float(low), float(high)


# === counterparts in the paper ===


def _counterparts(study: str, levels: list[dict[str, str]]) -> list[float | None]:
    """The paper's score of every level."""
    if study not in _TABLES:
        return [None] * len(levels)
    published, name = _TABLES[study]
    scores = {found.variant: found.score for found in published_ranking(published)}
    return [scores.get(name(level) or "") for level in levels]


def _cell_of_grid(level: Mapping[str, str]) -> str | None:
    rate = re.match(r"fps-([\d.]+)x", level["sampling"])
    return rate and f"fps{rate[1]}-tpf{level['connector'].rsplit('-', 1)[1]}"


def _uniform(level: Mapping[str, str]) -> str | None:
    frames = re.fullmatch(r"uniform-(\d+)(@fps-2x\d+)?", level["sampling"])
    if frames is None:
        return None
    return f"uniform{frames[1]}-eval-{'fps2' if frames[2] else f'uniform{frames[1]}'}"


def _encoder(level: Mapping[str, str]) -> str:
    return "+".join(sorted(level["encoder"].replace("_", "-").split("+")))


def _schedule(level: Mapping[str, str]) -> str | None:
    """Stages such as `c>v0.2c>cl`; every stage that trains vision has the same rate."""
    label = level["schedule"]
    rates = set(re.findall(r"v([\d.]*)", label))
    name = SCHEDULES.get(re.sub(r"(?<=v)[\d.]+", "", label))
    if name is None or len(rates) > 1:
        return None
    rate = _RATES.get(rates.pop()) if rates else "0"
    return rate and f"{name}-lr{rate}"


def _mixture(level: Mapping[str, str]) -> str | None:
    return {shares: number for number, shares in mixtures().items()}.get(level["mixture"])


def _image_path(level: Mapping[str, str]) -> str:
    return "split" if level["encoder"].endswith(":split") else "unified"


_TABLES: dict[str, tuple[str, Callable[[Mapping[str, str]], str | None]]] = {
    "sampling": ("sampling", _cell_of_grid),
    "uniform": ("uniform", _uniform),
    "encoders": ("encoder", _encoder),
    "connectors": ("connector", lambda level: CONNECTORS.get(level["connector"].split("-")[0])),
    "integration": (
        "integration", lambda level: INTEGRATIONS.get(level["integration"], level["integration"]),
    ),
    "schedules": ("schedule", _schedule),
    "mixtures": ("mixture", _mixture),
    "image_path": ("image-path", _image_path),
}  # fmt: skip
"""Study -> the paper's study, and the row of it that a level stands for."""
