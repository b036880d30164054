"""How every figure looks: colours told apart by anyone, sizes that survive print and a phone."""

import io
import re
import textwrap
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec
from xml.sax.saxutils import quoteattr

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 4.0
"""Inches of a figure: one column of a page, or a phone held upright at nearly its own size."""

LEGEND_WIDTH = 44
"""Letters of one legend line; a name goes on for two lines at most."""

INK, MUTED, FAINT = "#1b2733", "#5b6774", "#d5dbe1"
BLUE, ORANGE, RED, GREEN, SKY, PURPLE = (
    "#0072B2", "#A36500", "#A51309", "#007A5A", "#56B4E9", "#A8568A",
)  # fmt: skip
"""Okabe and Ito's palette, darkened until words in it can be read on white and, through the eyes of
every kind of colour vision, no two of its first four are closer than 10 in CIE L*a*b*."""

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "savefig.dpi": 240,
    "svg.fonttype": "none",
    "svg.hashsalt": "ablate",
}
"""`parse_math` is off because names of designs may hold dollar signs."""

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a figure function draw in the project's style, whatever the caller's is."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(_RC):
            return draw(*args, **kwargs)

    return wrapper


def canvas(height: float, columns: int = 1, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure of `columns` panels, each `WIDTH` wide and `height` inches high."""
    figure = Figure(figsize=(WIDTH * columns, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False, sharey=sharey)[0]
    return figure, list(axes)


def grid(axis: Axes, along: str = "y") -> None:
    """Faint lines behind the data, on one axis only."""
    axis.grid(axis=along, color=FAINT, linewidth=0.6)  # type: ignore[arg-type]
    axis.set_axisbelow(True)


def wrapped(text: str, letters: int = LEGEND_WIDTH) -> str:
    """A name from data on two lines at most, so that a long one cannot squeeze the axes away."""
    lines = broken(text, letters)
    return "\n".join(lines if len(lines) <= 2 else [lines[0], lines[1][: letters - 1] + "…"])


def broken(name: str, letters: int) -> list[str]:
    """The lines of a name, which may be broken behind a plus too."""
    lines = textwrap.wrap(name.replace("+", "+ "), letters) or [name]
    return [line.replace("+ ", "+") for line in lines]


def save(figure: Figure, path: Path) -> tuple[Path, Path]:
    """Write `path`.svg and `path`.png; the same data give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    vector, pixels = (path.with_name(path.name + suffix) for suffix in (".svg", ".png"))
    with matplotlib.rc_context(_RC):
        figure.savefig(vector, metadata={"Date": None})
        figure.savefig(pixels)
    return vector, pixels


def inline_svg(figure: Figure, description: str) -> str:
    """The figure as an `<svg>` element that scales with its column and says what it shows."""
    buffer = io.StringIO()
    with matplotlib.rc_context(_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # Several figures share a page: group ids would repeat, and a style element would leak.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head = re.search(r'viewBox="([^"]*)"', text)
    if head is None:
        raise ValueError("the figure has no view box")
    opening = f'<svg viewBox="{head[1]}" role="img" aria-label={quoteattr(description)}'
    opening += ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return opening + text[text.index(">") + 1 :]
