"""The four layers of a frame as arrays: floor, things, ball and border; knows nothing of scenes.

Frames are float32 (F, 32, 32, 3) while they are painted, from 0 to 255.
"""

import numpy as np

SIZE = 32
"""Pixels a side."""
TILES = 16.0
"""Pixels from one tile of the floor to the next."""

RGB = {
    "red": (225, 40, 40), "green": (40, 190, 60), "blue": (60, 90, 250), "yellow": (235, 215, 40),
    "white": (255, 255, 255), "pink": (255, 120, 230),
}  # fmt: skip
_TILE = np.array((44, 66, 70), np.float32)
_BALL_RADIUS, _BORDER = 3.2, 3
_GLYPHS = {
    "0": "111 101 101 101 111", "1": "010 110 010 010 111", "2": "111 001 111 100 111",
    "4": "101 101 111 001 001", "5": "111 100 111 001 111", "7": "111 001 001 001 001",
}  # fmt: skip
_AXIS = np.arange(SIZE, dtype=np.float32) + 0.5


def _shape_masks() -> dict[str, np.ndarray]:
    """Boolean (9, 9) mask of every shape."""
    row, column = np.mgrid[0:9, 0:9] - 4.0
    radius = np.hypot(row, column)
    return {
        "ring": (radius < 4.6) & (radius > 2),
        "square": np.ones((9, 9), bool),
        "triangle": np.abs(column) <= (row + 5) / 2,
        "cross": (np.abs(row) < 2) | (np.abs(column) < 2),
    }


def _digit_masks() -> dict[str, np.ndarray]:
    """Boolean (10, 6) mask of every digit: strokes of two pixels."""
    cells = {
        d: np.array([[c == "1" for c in row] for row in g.split()]) for d, g in _GLYPHS.items()
    }
    return {digit: np.kron(cell, np.ones((2, 2), bool)) for digit, cell in cells.items()}


_SHAPES, _DIGITS = _shape_masks(), _digit_masks()


class Overlay:
    """What hides the floor: a still picture with holes."""

    def __init__(self) -> None:
        """Start with nothing but holes."""
        self.holes = np.ones((SIZE, SIZE, 3), np.float32)
        """1 where the floor shows, else 0."""
        self.paint = np.zeros((SIZE, SIZE, 3), np.float32)

    def add_shape(self, shape: str, colour: str, corner: int, shift: tuple[int, int]) -> None:
        """Puts a shape of 9 x 9 pixels in a corner (0 to 3 in reading order)."""
        top, left = _origin(corner, shift)
        patch = (slice(top, top + 9), slice(left, left + 9))
        self.holes[patch][_SHAPES[shape]] = 0
        self.paint[patch][_SHAPES[shape]] = RGB[colour]

    def add_sign(self, digit: str, corner: int, shift: tuple[int, int]) -> None:
        """Puts a black sign of 8 x 12 pixels with a white digit in a corner."""
        top, left = _origin(corner, shift)
        self.holes[top - 1 : top + 11, left : left + 8] = 0
        self.paint[top : top + 10, left + 1 : left + 7][_DIGITS[digit]] = RGB["white"]


def _origin(corner: int, shift: tuple[int, int]) -> tuple[int, int]:
    """Row and column of a thing's first pixel; `shift` is column, row."""
    return 4 + 14 * (corner // 2) + shift[1], 4 + 14 * (corner % 2) + shift[0]


def floor(x: np.ndarray, y: np.ndarray, shade: int) -> np.ndarray:
    """Frames of soft tiles around grey `shade`; one corner lies at column x and row y (F,)."""
    wave = 2 * np.pi / TILES
    across = np.cos(wave * (_AXIS - x[:, None])).astype(np.float32)
    down = np.cos(wave * (_AXIS - y[:, None])).astype(np.float32)
    # The colours stay folded into the columns: numpy is slow where the last axis is short.
    tinted = (across[:, :, None] * _TILE).reshape(len(x), 1, -1)
    folded = down[:, :, None] * tinted
    folded += shade
    return folded.reshape(len(x), SIZE, SIZE, 3)


def lay(frames: np.ndarray, overlays: list[Overlay], which: np.ndarray) -> None:
    """Covers every frame with one of the overlays, by its number in `which` (F,)."""
    folded = frames.reshape(len(frames), SIZE, -1)
    folded *= np.stack([o.holes for o in overlays]).reshape(len(overlays), SIZE, -1)[which]
    folded += np.stack([o.paint for o in overlays]).reshape(len(overlays), SIZE, -1)[which]


def paint_ball(frames: np.ndarray, x: np.ndarray, y: np.ndarray, pink: np.ndarray) -> None:
    """Paints a ball centred at column x and row y (F,), pink where told and else white."""
    rows, columns = ((c - 4).astype(int)[:, None] + np.arange(9) for c in (y, x))
    off_row, off_column = _AXIS[rows] - y[:, None], _AXIS[columns] - x[:, None]
    radius = np.sqrt(off_row[:, :, None] ** 2 + off_column[:, None] ** 2)
    cover = np.clip(_BALL_RADIUS + 0.5 - radius, 0, 1).astype(np.float32)[..., None]
    colours = np.array([RGB["white"], RGB["pink"]], np.float32)[pink.astype(int)]
    near = (np.arange(len(frames))[:, None, None], rows[:, :, None], columns[:, None])
    frames[near] += cover * (colours[:, None, None] - frames[near])


def paint_border(frames: np.ndarray, now: np.ndarray, colour: str) -> None:
    """Paints the border of the frames that `now` (F,) marks."""
    everywhere, first, last = slice(None), slice(0, _BORDER), slice(SIZE - _BORDER, SIZE)
    for edge in ((first, everywhere), (last, everywhere), (everywhere, first), (everywhere, last)):
        frames[(now, *edge)] = RGB[colour]
