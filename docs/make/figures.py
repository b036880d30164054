"""The figures of README and pages: from published scores, formulas and simulations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from analysis.evidence import of_frame
from analysis.pages.plots.agreement import agreement_curve
from analysis.pages.plots.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RED,
    canvas,
    grid,
    save,
    styled,
)
from analysis.paper.figures import remaining
from analysis.paper.reanalysis import BROKEN, reanalyse
from analysis.statistics.correlation import correlate
from analysis.tables.published import consistency

REPLICATIONS = 400
"""Of a simulation: a share has a standard error of at most 2.5 points."""


def published() -> Figure:
    """Agreement of every published size with 7B, with intervals and zones."""
    return agreement_curve(of_frame(consistency(), factors=("setting", "mixture")).result)


@styled
def sign() -> Figure:
    """Two proxies of equal R², one of which orders the designs the other way round."""
    drawing, axes = canvas(3.0, columns=2, sharey=True)
    rng = np.random.default_rng(0)
    target = np.sort(rng.normal(50, 3, 12))
    noise = rng.normal(0, 1.2, 12)
    for axis, direction, colour in zip(axes, (1, -1), (BLUE, RED), strict=True):
        proxy = 40 + direction * (target - 50) + direction * noise
        r = float(np.corrcoef(proxy, target)[0, 1])
        axis.plot(proxy, target, "o", color=colour, markersize=6, markeredgecolor="white")
        best = int(proxy.argmax())
        axis.annotate(
            "picked", (proxy[best], target[best]), xytext=(-6, 8 if direction < 0 else -12),
            textcoords="offset points", ha="right", fontsize=9,
        )  # fmt: skip
        axis.set_title(f"R² {r * r:.2f}, r {r:+.2f}".replace("-", "\N{MINUS SIGN}"))
        axis.set_xlabel("score at the proxy")
        grid(axis, "both")
    axes[0].set_ylabel("score at the target")
    return drawing


@styled
def designs() -> Figure:
    """The R² that must be seen before a wanted one is certain, by number of designs."""
    drawing, (axis,) = canvas(3.3)
    counts = np.arange(6, 61)
    for wanted, colour in ((0.9, INK), (0.8, BLUE), (0.7, GREEN), (0.5, ORANGE)):
        least = np.tanh(np.arctanh(wanted**0.5) + norm.ppf(0.95) / np.sqrt(counts - 3)) ** 2
        axis.plot(counts, least, color=colour, linewidth=1.8)
        axis.annotate(
            f"R² ≥ {wanted:g}", (60, least[-1]), xytext=(4, 0), textcoords="offset points",
            va="center", color=colour, fontsize=9, annotation_clip=False,
        )  # fmt: skip
    axis.axvline(21, color=MUTED, linewidth=1, linestyle=(0, (5, 3)))
    axis.annotate(
        "the paper's 21", (21, 0.52), xytext=(4, 0), textcoords="offset points", fontsize=9
    )
    axis.set_xlim(6, 60)
    axis.set_ylim(0.5, 1)
    axis.set_xlabel("designs at both sizes")
    axis.set_ylabel("R² that must be observed")
    grid(axis)
    return drawing


@styled
def seeds() -> Figure:
    """R² of a proxy that ranks perfectly, when both sides are seen through noisy seeds."""
    drawing, (axis,) = canvas(3.3)
    noise = np.linspace(0, 1, 101)
    for count, colour in ((5, GREEN), (3, BLUE), (2, ORANGE), (1, RED)):
        reliability = 1 / (1 + noise**2 / count)
        axis.plot(noise, reliability**2, color=colour, linewidth=1.8)
        axis.annotate(
            f"{count} seed{'s' if count > 1 else ''}", (1, reliability[-1] ** 2), xytext=(4, 0),
            textcoords="offset points", va="center", color=colour, fontsize=9,
            annotation_clip=False,
        )  # fmt: skip
    axis.axhline(0.8, color=INK, linewidth=1, linestyle=(0, (5, 3)))
    axis.annotate(
        "wanted: 0.8", (0.02, 0.8), xytext=(0, -11), textcoords="offset points", fontsize=9
    )
    axis.set_xlim(0, 1)
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("spread of seeds / spread of designs")
    axis.set_ylabel("R² that can be seen")
    grid(axis)
    return drawing


@styled
def levels() -> Figure:
    """How often 95% intervals hold the truth when designs share levels of two factors."""
    drawing, (axis,) = canvas(2.9)
    shapes = ((7, 3), (5, 5), (7, 6), (8, 8))
    shares = [_coverage(*shape) for shape in shapes]
    rows = -np.arange(len(shapes))
    alone, declared = zip(*shares, strict=True)
    axis.hlines(rows, alone, declared, color=MUTED, linewidth=1, zorder=1)
    axis.plot(alone, rows, "X", color=RED, markersize=8, label="levels ignored")
    axis.plot(declared, rows, "o", color=BLUE, markersize=7, label="declared")
    axis.axvline(0.95, color=INK, linewidth=1, linestyle=(0, (5, 3)), label="promised")
    axis.set_yticks(rows, [f"{a} x {b} = {a * b} designs" for a, b in shapes])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(-len(shapes) + 0.5, 0.5)
    axis.set_xlim(0.4, 1)
    axis.set_xticks([0.4, 0.6, 0.8, 1], ["40%", "60%", "80%", "100%"])
    axis.set_xlabel("intervals that hold the true r")
    grid(axis, "x")
    drawing.legend(loc="outside lower center", ncols=3, handletextpad=0.3, columnspacing=1.2)
    return drawing


def _coverage(first: int, second: int, rho: float = 0.9) -> tuple[float, float]:
    """Coverage of the interval that takes designs for independent, and of ours.

    Scores are the sums of a level of each factor; every level's two effects, at the proxy and at
    the target, are drawn with correlation `rho`.
    """
    rng, held = np.random.default_rng(1), np.zeros(2)
    codes = {
        "first": np.repeat(np.arange(first), second),
        "second": np.tile(np.arange(second), first),
    }
    for _ in range(REPLICATIONS):
        x, y = np.zeros(first * second), np.zeros(first * second)
        for level in codes.values():
            shared, own = rng.standard_normal((2, level.max() + 1))
            x += shared[level]
            y += (rho * shared + (1 - rho**2) ** 0.5 * own)[level]
        for at, declared in enumerate(({}, codes)):
            found = correlate(x, y, declared)
            low, high = (found and found.limits(0.975)) or (np.nan, np.nan)
            held[at] += low <= rho <= high
    alone, declared_share = held / REPLICATIONS
    return float(alone), float(declared_share)


def carried() -> Figure:
    """R² of the published scores once the two large contrasts are gone."""
    found = reanalyse()
    return remaining(
        {
            "all 21 designs": found.every.r2,
            f"without setting {BROKEN}": found.sane.r2,
            "within mixtures": found.every.within_r2,
            f"within mixtures, without setting {BROKEN}": found.sane.within_r2,
        }
    )


FIGURES: dict[str, Callable[[], Figure]] = {
    "published": published,
    "sign": sign,
    "designs": designs,
    "seeds": seeds,
    "levels": levels,
    "carried": carried,
}
"""Name of the file in `docs/figures/` -> what draws it."""


def write(name: str, folder: Path) -> Path:
    """Draw a figure as SVG; the same data give the same bytes."""
    vector, pixels = save(FIGURES[name](), folder / name)
    pixels.unlink()  # pages show the vector
    return vector
