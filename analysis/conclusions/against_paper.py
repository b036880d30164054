"""Our order of an axis' levels beside the one the Apollo paper prints (arXiv 2412.10360)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.statistics.agreement import order
from analysis.tables.columns import labels
from analysis.tables.pairs import Floats, rounded
from analysis.tables.published import (
    CONNECTORS,
    INTEGRATIONS,
    SCHEDULES,
    STUDIES,
    ablations,
    mixtures,
    shares_label,
)
from analysis.tables.table import Table

FEWEST = 3
"""Levels in common: two are in the same order by the toss of a coin."""
_COUNTED = 6  # up to so many levels all orders are counted

_TOWERS = {
    "siglip-so400m": "siglip",
    "v-jepa": "vjepa",
    "lb-image": "languagebind-image",
    "lb-video": "languagebind-video",
}
"""Other names of the paper's towers."""


@dataclass(frozen=True)
class CommonLevel:
    """A level that the table and the paper have in common."""

    level: str
    """The paper's name."""
    score: float
    """Mean at the target of our designs with it; standardised where benchmarks are averaged."""
    paper_score: float
    """ApolloBench Overall, in percent."""


@dataclass(frozen=True)
class AxisComparison:
    """How our order of an axis' levels compares with the paper's."""

    axis: str
    levels: tuple[CommonLevel, ...]
    unmatched: int
    """Levels of ours that the paper did not try, or that we cannot tell to be one of its."""
    kendall_tau_b: float | None
    """None with fewer than `FEWEST` levels in common, or when all are tied."""
    chance: float | None
    """Share of random orders that agree with the paper's at least as well."""


def compare_with_paper(
    frame: pd.DataFrame, table: Table, scores: Floats
) -> tuple[AxisComparison, ...]:
    """Kendall's tau between our order of levels and the paper's, per axis that varies in the frame.

    A level of ours is the paper's by what it is, not by its size: connectors by kind, schedules by
    the parts that learn in each stage, mixtures by their shares; the paper's own names count too.
    Several levels of ours that are one of the paper's are averaged.

    Args:
        frame: the table of scores, with columns named like the axes.
        table: the same, checked.
        scores: mean at the target of every variant of the table, NaN where there is none.
    """
    columns = {str(name).strip().casefold(): name for name in frame.columns}
    found = []
    for axis in STUDIES:
        if axis not in columns or list(frame.columns).count(columns[axis]) > 1:
            continue
        level = _level_of_variant(frame, str(columns[axis]), table)
        if level is not None:
            compared = _compared(axis, *level, scores)
            if len(compared.levels) + compared.unmatched > 1:
                found.append(compared)
    return tuple(found)


def _level_of_variant(
    frame: pd.DataFrame, column: str, table: Table
) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """Level code of every variant and the levels; None where a variant has two of them."""
    codes, names = labels(frame, column, empty_label="")
    own = np.zeros(len(table.variants), np.intp)
    own[table.variant] = codes
    return (own, names) if (own[table.variant] == codes).all() else None


def _compared(
    axis: str, level: np.ndarray, names: tuple[str, ...], scores: Floats
) -> AxisComparison:
    theirs = _paper_levels(axis)
    ours: dict[str, list[float]] = {}
    unmatched = 0
    for code in np.unique(level[~np.isnan(scores)]).tolist():
        if not names[code]:
            continue
        name = _paper_name(axis, names[code])
        if name is None:
            unmatched += 1
        else:
            ours.setdefault(name, []).extend(scores[(level == code) & ~np.isnan(scores)].tolist())
    common = tuple(
        CommonLevel(name, float(np.mean(ours[name])), theirs[name])
        for name in theirs
        if name in ours
    )
    tau = chance = None
    if len(common) >= FEWEST:
        x = rounded(np.array([level.score for level in common]), float(np.nanmax(np.abs(scores))))
        y = np.array([level.paper_score for level in common])
        pairs = order(x, y)
        tau = pairs.kendall_tau_b if pairs else None
        chance = None if tau is None else _chance(x, y, tau)
    return AxisComparison(axis, common, unmatched, tau, chance)


def _chance(x: Floats, y: Floats, tau: float) -> float:
    """Share of orders of `x` with at least this tau; normal with Kendall's variance for many."""
    n = len(x)
    if n > _COUNTED:
        return float(ndtr(-tau / (2 * (2 * n + 5) / (9 * n * (n - 1))) ** 0.5))
    orders = x[np.array(list(permutations(range(n))))]
    a, b = np.triu_indices(n, 1)
    agree = (np.sign(orders[:, a] - orders[:, b]) * np.sign(y[a] - y[b])).sum(1)
    own = float((np.sign(x[a] - x[b]) * np.sign(y[a] - y[b])).sum())
    return float(np.mean(agree >= own))


@cache
def _paper_levels(axis: str) -> dict[str, float]:
    """The paper's level -> its Overall; of several rows of a schedule the best, as in Table 3.

    Rows that stand for a level together have an entry of their own too.
    """
    table = ablations()
    rows = table[table.study.isin(STUDIES[axis]) & (table.benchmark == "apollobench_overall")]
    scores: dict[str, list[float]] = {}
    for row in rows.to_dict("records"):
        for name in dict.fromkeys(_names(axis, row)):
            scores.setdefault(name, []).append(float(row["score"]))
    best = max if axis == "schedule" else np.mean
    return {name: float(best(found)) for name, found in scores.items()}


def _names(axis: str, row: dict[Any, Any]) -> Iterator[str]:
    """The levels that a row of the paper's tables counts for."""
    if axis == "mixture":
        yield shares_label(row["text"], row["image"], row["multi_image"], row["video"])
        return
    yield str(row["variant"])
    if row["study"] == "uniform":
        if row["eval_sampling"] == "uniform":  # trained and tested alike
            yield f"uniform-{row['frames']:g}"
    elif axis == "sampling":
        if row["tokens_per_frame"] in (8, 16, 32):  # where a rate works (Sec. 4.1)
            yield f"fps-{row['fps']:g}"
    else:
        yield str(row[axis])


def _paper_name(axis: str, label: str) -> str | None:
    """The paper's level that a label of ours stands for, or one of its own names."""
    plain = re.sub(r"[\s_]+", "-", label.strip().casefold())
    known = _paper_levels(axis)
    for name in (plain, _READERS[axis](plain)):
        if name in known:
            return name
    return None


def _read_mixture(label: str) -> str | None:
    shares = re.fullmatch(r"t([\d.]+)-i([\d.]+)-m([\d.]+)-v([\d.]+)", label)
    if shares is None:
        return mixtures().get(label)
    try:
        return shares_label(*(float(share) for share in shares.groups()))
    except ValueError:
        return None


def _read_sampling(label: str) -> str | None:
    kind = re.match(r"(uniform|fps)-?([\d.]+)(x\d+)?$", label)
    return f"{kind[1]}-{kind[2]}" if kind else None


def _read_encoder(label: str) -> str:
    towers = (tower.strip("-") for tower in label.split("+"))
    return "+".join(sorted(_TOWERS.get(tower, tower) for tower in towers))


def _read_schedule(label: str) -> str | None:
    """Stages of initials of the parts that learn, each with its rate if not 1: `c>v0.5c>cl`."""
    stage = r"(?:[vcl][\d.e-]*)+"
    stages = re.fullmatch(rf"{stage}(?:>{stage})*", label)
    return SCHEDULES.get(re.sub("[^vcl>]", "", label)) if stages else None


_READERS: dict[str, Callable[[str], str | None]] = {
    "sampling": _read_sampling,
    "encoder": _read_encoder,
    "connector": lambda label: CONNECTORS.get(label.split("-")[0]),
    "integration": INTEGRATIONS.get,
    "schedule": _read_schedule,
    "mixture": _read_mixture,
}
"""Axis -> the paper's level that a label stands for, small letters and dashes."""
