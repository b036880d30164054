"""Our order of levels beside the one the Apollo paper prints (arXiv 2412.10360)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.agreement import order
from analysis.tables.published import STUDIES, ablations

SCHEDULES = {
    "cl": "1-frozen",
    "vcl": "1-all",
    "c>cl": "2-connector",
    "vc>cl": "2-vision-then-llm",
    "vc>vcl": "2-vision-then-all",
    "c>vc>cl": "3-vision-then-llm",
    "c>vc>vcl": "3-vision-then-all",
}
"""Parts that learn in each stage -> the paper's schedule (Table 12)."""
CONNECTORS = {"mlp": "mlp-pool", "conv": "conv-pool", "perceiver": "perceiver"}
INTEGRATIONS = {"plain": "none", "separators": "start-end", "timestamps": "timestamps"} | {
    "both": "both"
}


@dataclass(frozen=True)
class AxisComparison:
    """How our order of an axis' levels compares with the paper's."""

    axis: str
    levels: tuple[tuple[str, float, float], ...]
    """The paper's name, our mean score, the paper's, for every level that both have."""
    tau: float | None
    """Kendall's tau-b of the two orders; None when all are tied."""


def compare_with_paper(frame: pd.DataFrame) -> tuple[AxisComparison, ...]:
    """Kendall tau between our order of levels and the paper's, per axis with two levels in common.

    Ours is the mean accuracy of the designs with a level, at the largest size in the table. A level
    of ours is the paper's by what it is, not by its size: connectors by kind, schedules by the
    parts that learn in each stage, mixtures by their shares.

    Args:
        frame: the table of `analysis.tables.load.load`; tables without our axes give nothing.
    """
    # Cells of a file are still text here.
    rows = frame.assign(**{name: pd.to_numeric(frame[name]) for name in ("size", "score")})
    rows = rows[rows["size"] == rows["size"].max()]
    if "measure" in rows:
        rows = rows[rows.measure == "accuracy"]
    found = []
    for axis, key in _KEYS.items():
        if axis not in rows:
            continue
        ours = rows.groupby(rows[axis].map(key), sort=False).score.mean()
        theirs = _published_levels(axis)
        common = [(name, float(ours[name]), theirs[name]) for name in theirs if name in ours.index]
        if len(common) > 1:
            orders = order(*(np.array(side) for side in list(zip(*common, strict=True))[1:]))
            tau = orders.kendall_tau_b if orders else None
            found.append(AxisComparison(axis, tuple(common), tau))
    return tuple(found)


def _published_levels(axis: str) -> dict[str, float]:
    """The paper's level -> its Overall; of several rows of a schedule the best, as in Table 3."""
    table = ablations()
    rows = table[table.study.isin(STUDIES[axis]) & (table.benchmark == "apollobench_overall")]
    names = [_LEVELS[axis](row) for row in rows.to_dict("records")]
    levels = rows.score.groupby(names)
    best = levels.max() if axis == "schedule" else levels.mean()
    return {str(name): float(score) for name, score in best.items()}


def _shares(text: float, image: float, multi_image: float, video: float) -> str:
    return f"t{text:g}-i{image:g}-m{multi_image:g}-v{video:g}"


def _sampling_level(row: dict[Any, Any]) -> str | None:
    """Uniform as trained and tested; a rate where its 8 to 32 tokens per frame work (Sec. 4.1)."""
    if row["study"] == "uniform":
        same = row["eval_sampling"] == "uniform"
        return f"uniform-{row['frames']:g}" if same else None
    return f"fps-{row['fps']:g}" if row["tokens_per_frame"] in (8, 16, 32) else None


_LEVELS: dict[str, Callable[[dict[Any, Any]], str | None]] = {
    "sampling": _sampling_level,
    "encoder": lambda row: row["encoder"],
    "connector": lambda row: row["connector"],
    "integration": lambda row: row["integration"],
    "schedule": lambda row: row["schedule"],
    "mixture": lambda row: _shares(*(row[m] for m in ("text", "image", "multi_image", "video"))),
}
"""Axis -> the paper's level of a row."""

_KEYS: dict[str, Callable[[str], str | None]] = {
    "sampling": lambda label: str(label).split("x")[0],
    "encoder": lambda label: "+".join(sorted(str(label).split("+"))),
    "connector": lambda label: CONNECTORS.get(str(label).rsplit("-", 1)[0]),
    "integration": lambda label: INTEGRATIONS.get(str(label)),
    "schedule": lambda label: SCHEDULES.get(re.sub("[^vcl>]", "", str(label))),
    "mixture": str,
}
"""Axis -> the paper's level that a label of ours stands for."""
