"""Names written beside points, where they cover least."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from analysis.pages.plots.style import INK, broken

NAME_WIDTH = 22
"""Letters of a line of a name."""
FONT_SIZE = 8
_REACH = (7, 16)
"""Points between a point and its name: beside it, or further where that is crowded."""
_ACROSS: dict[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_ALONG: dict[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}
_DIRECTIONS = ((1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))


def name_points(
    axis: Axes, points: Sequence[tuple[float, float]], names: Mapping[int, str]
) -> None:
    """Write the names of some points.

    Args:
        axis: with everything else drawn.
        points: all that must stay visible.
        names: index of a point -> its name, which may be long.
    """
    figure = axis.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # settles where the axes are
    pixels = axis.transData.transform(np.asarray(points, float))
    taken: list[Bbox] = []
    for at, name in names.items():
        lines = broken(name, NAME_WIDTH)
        text = "\n".join(lines if len(lines) <= 3 else [*lines[:2], lines[2][:-1] + "…"])
        label = axis.annotate(
            text, points[at], (0, 0), textcoords="offset points", fontsize=FONT_SIZE, color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.75}, zorder=5,
        )  # fmt: skip
        places = []
        for reach, direction in product(_REACH, _DIRECTIONS):
            _put(label, reach, direction)
            box = label.get_window_extent()
            cost = _covered(box, pixels, taken, axis.bbox) + 0.01 * reach
            places.append((cost, reach, direction))
        _put(label, *min(places)[1:])
        taken.append(label.get_window_extent())


def _put(label: Annotation, reach: int, direction: tuple[int, int]) -> None:
    dx, dy = direction
    label.xyann = (dx * reach, dy * reach)
    label.set_horizontalalignment(_ACROSS[dx])
    label.set_verticalalignment(_ALONG[dy])


def _covered(box: Bbox, pixels: np.ndarray, taken: Sequence[Bbox], inside: Bbox) -> float:
    """How bad a place is: points and names it covers, and what of it lies outside."""
    x, y = pixels.T
    points = ((x > box.x0 - 2) & (x < box.x1 + 2) & (y > box.y0 - 2) & (y < box.y1 + 2)).sum()
    names = sum(box.overlaps(other) for other in taken)
    out = max(0, inside.x0 - box.x0) + max(0, box.x1 - inside.x1)
    out += max(0, inside.y0 - box.y0) + max(0, box.y1 - inside.y1)
    return float(points) + 5 * names + 0.2 * out
