"""The key figures, each of a table with a planted truth, and how they looked when last judged."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.conclusions.signal import check_signal
from analysis.evidence import Evidence, of_frame
from analysis.pages import gallery
from analysis.pages.plots.heat import score_map
from analysis.pages.plots.losses import loss_curves
from analysis.tables.published import ablations, consistency
from tests.analysis.studies import study_table

FOLDER = Path(__file__).parent
DPI = 100

LEVELS = {
    "sampling": ("fps-1", "fps-2", "fps-4"),
    "encoder": ("dinov2", "siglip", "videomae", "siglip+videomae"),
    "connector": ("mlp-1", "mlp-4", "perceiver-4"),
}
EFFECTS = {
    "sampling": (-0.05, 0.0, 0.06),
    "encoder": (0.01, -0.02, -0.08, 0.07),
    "connector": (-0.06, 0.02, 0.05),
}
SMALL = {**EFFECTS, "sampling": (0.05, 0.0, -0.06), "connector": (-0.03, 0.01, 0.02)}
"""Effects at a small size: sampling is reversed, connector is weaker."""
SIZES = {3e7: (1.0, 0.05), 1e8: (0.55, 0.03), 5e8: (0.15, 0.012), 1.5e9: (0.05, 0.008), 7e9: (0, 0)}
"""Size -> share of the small effects, seed noise."""


@cache
def reversal() -> Evidence:
    """36 designs, five sizes, two seeds; sampling is reversed at 30M and 100M."""
    rng, rows = np.random.default_rng(1), []
    own = np.random.default_rng(2).normal(0, 0.01, 36)
    for size, (part, noise) in SIZES.items():
        for design, picks in enumerate(product(*(range(len(names)) for names in LEVELS.values()))):
            chosen = list(zip(LEVELS, picks, strict=True))
            mean = 0.5 + own[design]
            mean += sum((1 - part) * EFFECTS[a][k] + part * SMALL[a][k] for a, k in chosen)
            names = {axis: LEVELS[axis][k] for axis, k in chosen}
            for seed in range(2):
                score = mean + rng.normal(0, noise or 0.006)
                rows.append(
                    names
                    | {"variant": " ".join(names.values()), "size": size, "seed": seed}
                    | {"score": score}
                )
    return of_frame(pd.DataFrame(rows), factors=tuple(LEVELS))


@cache
def data_ladder() -> Evidence:
    """Two proxies that get better with data, the larger one sooner."""
    parts = [study_table()]
    for samples, noise in ((4800, 0.1), (2400, 0.3)):
        for size in (12_000, 41_000):
            worse = noise * (1 if size > 12_000 else 2)
            part = study_table(sizes=(size,), noise=worse, random_state=samples)
            parts.append(part.assign(samples=samples, cost=6.0 * size * samples))
    frame = pd.concat(parts)
    return replace(of_frame(frame, factors=("sampling", "connector")), signal=check_signal(frame))


def _losses() -> Figure:
    rng, steps = np.random.default_rng(0), np.arange(300)
    runs = [
        pd.DataFrame(
            {"step": steps, "score_id": str(run),
             "loss": 0.4 + 5 * np.exp(-steps / (40 + 5 * run)) + rng.normal(0, 0.1, 300)}
        )
        for run in range(8)
    ]  # fmt: skip
    return loss_curves(pd.concat(runs))


def _published_budget() -> Figure:
    table = ablations()
    rows = table[(table.study == "sampling") & (table.benchmark == "apollobench_overall")]
    return score_map(rows, "ApolloBench Overall (%)")


def _drawn(evidence: Callable[[], Evidence], name: str) -> Callable[[], Figure]:
    def draw() -> Figure:
        return next(d.figure for d in gallery.draw_all(evidence()) if d.name == name)

    return draw


KEY: dict[str, Callable[[], Figure]] = {
    "agreement": _drawn(reversal, "agreement"),
    "agreement-published": _drawn(
        lambda: of_frame(consistency(), factors=("setting", "mixture")), "agreement"
    ),
    "scatter": _drawn(reversal, "scatter-100M"),
    "samples": _drawn(data_ladder, "samples"),
    "effects-reversed": _drawn(reversal, "effects-sampling"),
    "effects": _drawn(reversal, "effects-encoder"),
    "cost": _drawn(reversal, "cost"),
    "budget": _published_budget,
    "categories": _drawn(data_ladder, "categories"),
    "losses": _losses,
}
"""Name -> how it is drawn."""


def render(name: str, folder: Path) -> Path:
    """Draw one key figure as a small PNG."""
    path = folder / f"{name}.png"
    KEY[name]().savefig(path, dpi=DPI, metadata={"Software": None})
    return path
