"""One small scene as a pure function of time: what is in it, its frames, and phrases about it.

A frame has 32 x 32 pixels and four layers, from back to front: soft tiles that scroll as the camera
turns; one thing in each corner (three coloured shapes and a sign that shows a digit); a white ball
that sweeps over them; and, while something flashes, a coloured border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ablate.world import pixels
from ablate.world.vocabulary import COLOURS, CORNERS, DIGITS, DIRECTIONS, NINTHS, SHAPES, SPEEDS

BALL_SPEED = {"slow": 3.5, "medium": 7.0, "fast": 14.0}
"""Pixels a second. At 2 frames a second even the fast ball moves a third of its sweep per frame."""
TURN_SPEED = 6.0
"""Pixels a second: half the tiles' pattern, where motion reads as its opposite, takes 1.3 s."""
FLASH_SLOTS, FLASH_SHARE, SHORTEST_FLASH = 8, 0.6, 0.5
"""A flash is the middle 60% of one of 8 equal parts of the video, at least half a second of it."""


@dataclass(frozen=True)
class Sweep:
    """Motion along one direction with instant returns: a sawtooth that never leaves the frame.

    Every sweep runs in another lane: positions without their order tell nothing of the direction.
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
        """Column and row of the centre in pixels, each (F,), at `times` in seconds (F,)."""
        reach = pixels.SIZE - 2 * self.MARGIN
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
        return self.digits[int(self.thirds(np.array([time]))[0])]

    def flash_at(self, time: float) -> str | None:
        """Colour of the border at `time` seconds, if any."""
        return next((f.colour for f in self.flashes if f.start <= time < f.end), None)

    def thirds(self, times: np.ndarray) -> np.ndarray:
        """Number of the sign's digit at `times` in seconds, (F,)."""
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
    kinds: list[tuple[str, str | None]] = [("sign", None)]
    kinds += zip(_draw(rng, SHAPES, 3), _draw(rng, COLOURS, 3), strict=True)
    order = [kinds[int(k)] for k in rng.permutation(4)]
    things = tuple(
        Thing(shape, colour, corner, (int(rng.integers(-1, 2)), int(rng.integers(-1, 2))))
        for corner, (shape, colour) in zip(CORNERS, order, strict=True)
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
        shade=int(rng.integers(80, 106)),
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
            start=(pixels.TILES * float(rng.random()), pixels.TILES * float(rng.random())),
        ),
        flashes=flashes,
        cause=int(rng.integers(count)) if rng.random() < 0.5 else None,
    )


def _draw(rng: np.random.Generator, choices: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(choices[int(k)] for k in rng.permutation(len(choices))[:count])


# === pixels ===

_BLOCK = 64  # frames drawn at once: what fits the second-level cache


def render(scene: Scene, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Frames of `scene` at `times` in seconds, uint8 (F, 32, 32, 3); each is drawn on its own."""
    seconds = np.asarray(times, dtype=np.float64)
    frames = np.empty((len(seconds), pixels.SIZE, pixels.SIZE, 3), np.uint8)
    overlays = [_overlay(scene, digit) for digit in scene.digits]
    for start in range(0, len(seconds), _BLOCK):
        block = slice(start, start + _BLOCK)
        frames[block] = _paint(scene, seconds[block], overlays)
    return frames


def _overlay(scene: Scene, digit: str) -> pixels.Overlay:
    overlay = pixels.Overlay()
    for corner, thing in enumerate(scene.things):
        if thing.colour is None:
            overlay.add_sign(digit, corner, thing.shift)
        else:
            overlay.add_shape(thing.shape, thing.colour, corner, thing.shift)
    return overlay


def _paint(scene: Scene, seconds: np.ndarray, overlays: list[pixels.Overlay]) -> np.ndarray:
    """Frames (F, 32, 32, 3) of a few times (F,), from back to front."""
    frames = pixels.floor(*scene.tiles.corners(seconds), scene.shade)
    pixels.lay(frames, overlays, scene.thirds(seconds))
    pink_from = np.inf if scene.cause is None else scene.flashes[scene.cause].start
    pixels.paint_ball(frames, *scene.ball.centres(seconds), seconds >= pink_from)
    for flash in scene.flashes:
        pixels.paint_border(frames, (seconds >= flash.start) & (seconds < flash.end), flash.colour)
    return frames.astype(np.uint8)


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
    return (
        f"ball moves {scene.ball.direction}",
        f"ball is {scene.pace}",
        f"camera turns {scene.turn}",
    )


def _place(sweep: Sweep, time: float) -> str:
    """Which ninth of the frame holds the centre at `time` seconds, as on a map."""
    column, row = (int(c[0] * 3 / pixels.SIZE) for c in sweep.centres(np.array([time])))
    return NINTHS[3 * row + column]
