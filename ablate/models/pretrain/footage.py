"""Frames, clips and captions of the built-in world, drawn in memory from seeds of their own.

The only module of `ablate.models` that knows the world.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ablate.world.recipe import RECIPES
from ablate.world.scene import Scene, motion_phrases, phrases, render, sample_scene

RECIPE = RECIPES["world"]
FRAMES_PER_SCENE = 4
DURATION = 8.0
"""Seconds of a scene."""
STEPS = (0.25, 1.0)
"""Seconds between the frames of a clip, shortest and longest."""
PACES = {"slow": 2.5, "medium": 5.0, "fast": float("inf")}
"""Pixels from frame to frame, at most: what a clip alone shows of a speed."""


@dataclass(frozen=True)
class Stills:
    """N single frames and what is true of them."""

    frames: torch.Tensor
    """uint8 (N, 3, 32, 32)."""
    phrases: list[tuple[str, ...]]
    """Of every frame, the short phrases that are true of it."""


@dataclass(frozen=True)
class Clips:
    """N clips of evenly spaced frames."""

    frames: torch.Tensor
    """uint8 (N, F, 3, 32, 32)."""
    scenes: list[Scene]
    phrases: list[list[tuple[str, ...]]]
    """Of every frame of every clip, the short phrases that are true of what moves and flashes."""


def _scene(index: int) -> tuple[Scene, np.random.Generator]:
    rng = np.random.default_rng(RECIPE.entropy("pretrain", "video", index))
    return sample_scene(rng, DURATION), rng


def _channels_first(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).movedim(-1, -3).contiguous()


def stills(scenes: range) -> Stills:
    """A few frames of each scene at random times."""
    frames, told = [], []
    for index in scenes:
        scene, rng = _scene(index)
        times = rng.uniform(0, DURATION, FRAMES_PER_SCENE)
        frames.append(render(scene, times))
        told += [phrases(scene, float(time)) for time in times]
    return Stills(_channels_first(np.concatenate(frames)), told)


def clips(scenes: range, frames_per_clip: int) -> Clips:
    """One clip of each scene, its first frame and its frame rate drawn at random."""
    frames, kept, told = [], [], []
    for index in scenes:
        scene, rng = _scene(index)
        step = float(np.exp(rng.uniform(*np.log(STEPS))))
        start = rng.uniform(0, DURATION - step * (frames_per_clip - 1))
        times = start + step * np.arange(frames_per_clip)
        frames.append(render(scene, times))
        kept.append(scene)
        told.append([motion_in(scene, step, float(time)) for time in times])
    return Clips(_channels_first(np.stack(frames)), kept, told)


def motion_in(scene: Scene, step: float, time: float) -> tuple[str, ...]:
    """What is true of motion in a clip of frames `step` seconds apart, and of its frame at `time`.

    A clip does not show its rate: the pace is told in pixels from frame to frame.
    """
    pixels = scene.ball.speed * step
    pace = next(pace for pace, most in PACES.items() if pixels <= most)
    flash = f"{scene.flash_at(time) or 'no'} flash"
    return (*motion_phrases(replace(scene, pace=pace)), flash)
