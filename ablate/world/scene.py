"""One small scene as a pure function of time: what is in it, how to draw one, and what it says of itself.

A frame has 32 x 32 pixels and four layers, from back to front: soft tiles that scroll as the camera turns;
one thing in each corner (three coloured shapes and a sign that shows a digit); a white ball that sweeps
over them; and, while something flashes, a coloured border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablate.world.vocabulary import COLOURS, CORNERS, DIGITS, DIRECTIONS, SHAPES, SIDES, SPEEDS

SIZE = 32
"""Pixels a side."""
BORDER = 3
"""Pixels of the flashing border."""
BALL_SPEED = {"slow": 3.5, "medium": 7.0, "fast": 14.0}
"""Pixels a second. At 2 frames a second even the fast ball moves a third of its sweep per frame."""
TURN_SPEED, TILES = 6.0, 16.0
"""Pixels a second by which the camera's turn scrolls the tiles, and pixels from one to the next.

Half a pattern, from where its motion reads as the opposite one, takes 1.3 seconds.
"""
FLASH_SLOTS, FLASH_SHARE, SHORTEST_FLASH = 8, 0.6, 0.5
"""A flash is the middle 60% of one of 8 equal parts of the video, at least half a second of it."""


@dataclass(frozen=True)
class Sweep:
    """Motion along one direction with instant returns: a sawtooth that never leaves the frame.

    Every sweep runs in another lane, so that positions without their order tell nothing of the direction.
    """

    direction: str
    speed: float
    """Pixels a second."""
    phase: float
    """Share of a sweep that is done at time 0."""
    lane: float
    """Place of the first lane across the direction, from 0 to 1."""

    MARGIN: ClassVar[float] = 5.5
    """Pixels between the frame's edge and the nearest centre."""

    def centres(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of the moving thing's centre in pixels, each (F,), at `times` in seconds (F,)."""
        reach = SIZE - 2 * self.MARGIN
        done = self.phase + times * (self.speed / reach)
        lap = np.floor(done)
        along = done - lap
        across = (self.lane + lap * 0.618034) % 1.0
        if self.direction in ("left", "up"):
            along = 1.0 - along
        along, across = self.MARGIN + reach * along, self.MARGIN + reach * across
        return (along, across) if self.direction in ("left", "right") else (across, along)


@dataclass(frozen=True)
class Scroll:
    """Endless motion of the background's tiles along one direction."""

    direction: str
    speed: float
    """Pixels a second."""
    start: tuple[float, float]
    """Column and row of a tile's corner at time 0, in pixels."""

    def corners(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of that corner in pixels, each (F,), at `times` in seconds (F,)."""
        step = self.speed * times * (1 if self.direction in ("right", "down") else -1)
        sideways = self.direction in ("left", "right")
        return self.start[0] + step * sideways, self.start[1] + step * (not sideways)


@dataclass(frozen=True)
class Thing:
    """A coloured shape, or the sign when `shape` is `sign`, in one corner of the frame."""

    shape: str
    colour: str | None
    corner: str
    shift: tuple[int, int]
    """Pixels off the corner's middle: column, row."""


@dataclass(frozen=True)
class Flash:
    """A coloured border from `start` to `end`, in seconds."""

    colour: str
    start: float
    end: float


@dataclass(frozen=True)
class Scene:
    """All there is to know about one video or picture."""

    duration: float
    """Seconds."""
    shade: int
    """Grey level of the background."""
    things: tuple[Thing, ...]
    """One per corner, in the order of `CORNERS`; the sign is one of them."""
    digits: tuple[str, ...]
    """What the sign shows in the first, second and last third; all differ."""
    ball: Sweep
    pace: str
    """The ball's speed in words."""
    tiles: Scroll
    """Motion of the background, opposite to the camera's turn."""
    flashes: tuple[Flash, ...]
    """In order of time; their colours differ."""
    cause: int | None
    """Which flash turned the white ball pink; None when none did."""

    @property
    def turn(self) -> str:
        """Which way the camera turns."""
        return _OPPOSITE[self.tiles.direction]

    def digit_at(self, time: float) -> str:
        """What the sign shows at `time` seconds."""
        return self.digits[int(self._thirds(np.array([time]))[0])]

    def flash_at(self, time: float) -> str | None:
        """Colour of the border at `time` seconds, if any."""
        return next((f.colour for f in self.flashes if f.start <= time < f.end), None)

    def _thirds(self, times: np.ndarray) -> np.ndarray:
        last = len(self.digits) - 1
        return np.clip(times / self.duration * len(self.digits), 0, last).astype(int)


_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


def sample_scene(rng: np.random.Generator, duration: float = 4.0) -> Scene:
    """A random scene of `duration` seconds in which every answer is as likely as any other.

    Raises:
        ValueError: the duration leaves no room for four flashes of half a second.
    """
    slots = min(FLASH_SLOTS, int(duration / SHORTEST_FLASH))
    if slots < 4:
        raise ValueError(f"scene: duration {duration:g} s is shorter than four flashes of 0.5 s")
    kinds = [*zip(_draw(rng, SHAPES, 3), _draw(rng, COLOURS, 3), strict=True), ("sign", None)]
    things = tuple(
        Thing(*kinds[k], corner, (int(rng.integers(-1, 2)), int(rng.integers(-1, 2))))
        for corner, k in zip(CORNERS, rng.permutation(4), strict=True)
    )
    pace = _draw(rng, SPEEDS, 1)[0]
    count = int(rng.integers(1, 5))
    starts = np.sort(rng.choice(slots, count, replace=False))
    slot = duration / slots
    lasts = max(FLASH_SHARE * slot, SHORTEST_FLASH)
    flashes = tuple(
        Flash(colour, (float(k) + 0.5) * slot - lasts / 2, (float(k) + 0.5) * slot + lasts / 2)
        for colour, k in zip(_draw(rng, COLOURS, count), starts, strict=True)
    )
    return Scene(
        duration=duration,
        shade=int(rng.integers(50, 76)),
        things=things,
        digits=_draw(rng, DIGITS, 3),
        ball=Sweep(
            direction=_draw(rng, DIRECTIONS, 1)[0],
            speed=BALL_SPEED[pace] * float(rng.uniform(0.9, 1.1)),
            phase=float(rng.random()),
            lane=float(rng.random()),
        ),
        pace=pace,
        tiles=Scroll(
            direction=_draw(rng, DIRECTIONS, 1)[0],
            speed=TURN_SPEED * float(rng.uniform(0.9, 1.1)),
            start=(TILES * float(rng.random()), TILES * float(rng.random())),
        ),
        flashes=flashes,
        cause=int(rng.integers(count)) if rng.random() < 0.5 else None,
    )


def _draw(rng: np.random.Generator, choices: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(choices[int(k)] for k in rng.permutation(len(choices))[:count])


# === pixels ===

RGB = {"red": (225, 40, 40), "green": (40, 190, 60), "blue": (60, 90, 250), "yellow": (235, 215, 40)}
_WHITE, _PINK, _TILE = (255, 255, 255), (255, 120, 230), (24, 40, 44)
_BALL_RADIUS = 3.2
_BLOCK = 64  # frames drawn at once: what fits the second-level cache

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


_MASKS = _shape_masks()


def render(scene: Scene, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Frames of `scene` at `times` in seconds, uint8 (F, 32, 32, 3); any time can be drawn alone."""
    seconds = np.asarray(times, dtype=np.float64)
    frames = np.empty((len(seconds), SIZE, SIZE, 3), np.uint8)
    stills = [_still(scene, digit) for digit in scene.digits]
    for start in range(0, len(seconds), _BLOCK):
        block = slice(start, start + _BLOCK)
        frames[block] = _draw_block(scene, seconds[block], stills)
    return frames


def _still(scene: Scene, digit: str) -> tuple[np.ndarray, np.ndarray]:
    """What never moves: 0 where it covers the background and 1 elsewhere, and its colours; (32, 32, 3)."""
    shown = np.ones((SIZE, SIZE, 3), np.float32)
    colour = np.zeros((SIZE, SIZE, 3), np.float32)
    for thing in scene.things:
        k = CORNERS.index(thing.corner)
        top, left = 4 + 14 * (k // 2) + thing.shift[1], 4 + 14 * (k % 2) + thing.shift[0]
        if thing.shape == "sign":
            shown[top - 1 : top + 11, left : left + 8] = 0
            glyph = np.array([[c == "1" for c in row] for row in _GLYPHS[digit].split()])
            colour[top : top + 10, left + 1 : left + 7][np.kron(glyph, np.ones((2, 2), bool))] = 255
        else:
            patch = (slice(top, top + 9), slice(left, left + 9))
            shown[patch][_MASKS[thing.shape]] = 0
            colour[patch][_MASKS[thing.shape]] = RGB[str(thing.colour)]
    return shown, colour


def _draw_block(
    scene: Scene, seconds: np.ndarray, stills: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Frames (F, 32, 32, 3) of a few times (F,)."""
    # The colour channels stay folded into the columns: numpy is slow where the last axis is short.
    count, third = len(seconds), scene._thirds(seconds)
    wave = 2 * np.pi / TILES
    x, y = scene.tiles.corners(seconds)
    across = np.cos(wave * (_AXIS - x[:, None])).astype(np.float32)
    down = np.cos(wave * (_AXIS - y[:, None])).astype(np.float32)
    tinted = (across[:, :, None] * np.array(_TILE, np.float32)).reshape(count, 1, -1)
    folded = down[:, :, None] * tinted
    folded += scene.shade
    folded *= np.stack([still[0] for still in stills]).reshape(len(stills), SIZE, -1)[third]
    folded += np.stack([still[1] for still in stills]).reshape(len(stills), SIZE, -1)[third]
    frames = folded.reshape(count, SIZE, SIZE, 3)

    x, y = scene.ball.centres(seconds)
    rows, columns = ((c - 4).astype(int)[:, None] + np.arange(9) for c in (y, x))
    square = ((_AXIS[rows] - y[:, None]) ** 2)[:, :, None] + ((_AXIS[columns] - x[:, None]) ** 2)[:, None]
    cover = np.clip(_BALL_RADIUS + 0.5 - np.sqrt(square), 0, 1).astype(np.float32)[..., None]
    pink = np.inf if scene.cause is None else scene.flashes[scene.cause].start
    paint = np.where(seconds[:, None] < pink, _WHITE, _PINK).astype(np.float32)[:, None, None]
    near = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None])
    frames[near] += cover * (paint - frames[near])

    for flash in scene.flashes:
        now = (seconds >= flash.start) & (seconds < flash.end)
        for edge in _EDGES:
            frames[(now, *edge)] = RGB[flash.colour]
    return frames.astype(np.uint8)


_ALL = slice(None)
_EDGES = (
    (slice(0, BORDER), _ALL), (slice(SIZE - BORDER, SIZE), _ALL),
    (_ALL, slice(0, BORDER)), (_ALL, slice(SIZE - BORDER, SIZE)),
)  # fmt: skip


# === words ===


def phrases(scene: Scene, time: float) -> tuple[str, ...]:
    """Every short phrase that is true of the frame at `time` seconds."""
    told = [
        f"sign {scene.digit_at(time)} {thing.corner}"
        if thing.shape == "sign"
        else f"{thing.colour} {thing.shape} {thing.corner}"
        for thing in scene.things
    ]
    told.append(f"ball {_place(scene.ball, time)}")
    told.append(f"{scene.flash_at(time) or 'no'} flash")
    return tuple(told)


def motion_phrases(scene: Scene) -> tuple[str, ...]:
    """Every short phrase that is true of the scene's motion, at any time."""
    return (f"ball moves {scene.ball.direction}", f"ball is {scene.pace}", f"camera turns {scene.turn}")


def caption(scene: Scene, rng: np.random.Generator, time: float, motion: bool = False) -> str:
    """One true phrase about the frame at `time` seconds, or about the clip around it with `motion`."""
    told = phrases(scene, time) + (motion_phrases(scene) if motion else ())
    return told[int(rng.integers(len(told)))]


def _place(sweep: Sweep, time: float) -> str:
    """Where the moving thing's centre is at `time` seconds: a corner, a side or the centre of the frame."""
    column, row = (int(c[0] * 3 / SIZE) for c in sweep.centres(np.array([time])))
    names = (CORNERS[0], SIDES[0], CORNERS[1], SIDES[3], SIDES[4], SIDES[2], CORNERS[2], SIDES[1], CORNERS[3])
    return names[3 * row + column]
