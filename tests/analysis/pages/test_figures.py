"""The key figures look as they did when they were last judged; colours are told apart by everyone.

`python -m tests.analysis.pages.figures` renews the pictures.
"""

from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.testing.compare import compare_images
from numpy.typing import NDArray

from analysis.pages.plots.effects import COLOURS
from analysis.pages.plots.heat import SHADES
from analysis.pages.plots.style import BLUE, GREEN, INK, MUTED, ORANGE, RED, save
from tests.analysis.pages.figures import FOLDER, KEY, render

JUDGED_WITH = "3.11"
TOLERANCE = 1.0
"""Root mean square over the pixels, of 255. The same versions give 0. A dot moved by a twentieth of
the axis gives 2.9, a missing interval 4.0. Another way of hinting text gives 30, because it moves
the axes by a pixel: with other versions of matplotlib the comparison would say nothing."""

VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""How linear RGB is seen (Machado, Oliveira and Fernandes, 2009, severity 1)."""


@pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{JUDGED_WITH}."),
    reason=f"the pictures were judged with matplotlib {JUDGED_WITH}",
)
@pytest.mark.parametrize("name", KEY)
def test_a_key_figure_looks_as_it_did(name: str, tmp_path: Path) -> None:
    drawn = render(name, tmp_path)
    expected = FOLDER / f"{name}.png"
    assert not (told := compare_images(str(expected), str(drawn), TOLERANCE)), told


def test_every_picture_belongs_to_a_key_figure() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == set(KEY)


@pytest.mark.parametrize("name", ["agreement", "budget"])
def test_a_figure_for_print_is_vector_and_pixels(name: str, tmp_path: Path) -> None:
    vector, pixels = save(KEY[name](), tmp_path / name)
    text = vector.read_text()
    assert "<image" not in text and "<text" in text
    assert pixels.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sight", VISION)
@pytest.mark.parametrize("palette", [(BLUE, ORANGE, RED, GREEN, MUTED), tuple(COLOURS.values())])
def test_colours_of_lines_differ_for_every_kind_of_sight(sight: str, palette) -> None:
    seen = [_lab(_seen(colour, sight)) for colour in palette]
    pairs = [float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)]
    assert min(pairs) > 10  # 2.3 is just noticeable; markers and words tell them apart besides


@pytest.mark.parametrize("colour", [BLUE, ORANGE, RED, GREEN, MUTED, INK])
def test_text_in_any_colour_can_be_read_on_white(colour: str) -> None:
    assert 1.05 / (_linear(np.array(to_rgb(colour))) @ _LUMINANCE + 0.05) >= 4.5  # WCAG AA


@pytest.mark.parametrize("sight", VISION)
def test_the_shades_of_a_map_only_ever_get_darker(sight: str) -> None:
    lightness = [_lab(_seen(SHADES(part), sight))[0] for part in np.linspace(0, 1, 32)]
    assert (np.diff(lightness) < 0).all()


_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
Floats = NDArray[np.float64]


def _linear(rgb: Floats) -> Floats:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _seen(colour: object, sight: str) -> Floats:
    rgb = np.array(to_rgb(colour))  # type: ignore[arg-type]
    return np.clip(VISION[sight] @ _linear(rgb), 0, 1)


def _lab(linear: Floats) -> Floats:
    """CIE L*a*b* of linear sRGB, D65."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]]
    )  # fmt: skip
    x, y, z = np.cbrt(np.maximum(to_xyz @ linear / [0.95047, 1, 1.08883], 1e-4))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
