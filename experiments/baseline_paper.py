"""The paper's exploration defaults (Sec. 4), which its studies vary one axis at a time.

750K samples, InternVideo2 and SigLIP, a Perceiver of 16 tokens a frame, clips of 4 frames at 2
frames a second. Table 1 and the first row of Table 2 are this design without any text around the
clips. Not stated, so chosen here: 25 clips a video (Table 7, first two stages), the connector's
stage first, and the mixture that was found best (Table 13).
"""

import dataclasses

from ablate.axes import Connector, ConnectorKind, Fps, Uniform
from ablate.spec import Design
from ablate.towers import PUBLIC
from experiments.baseline import CONNECTOR_FIRST, MANY_VIDEOS, PLAIN, SIGLIP_INTERNVIDEO2

SAMPLES = 750_000
MAX_CLIPS = 25
RATES = (4, 2, 1, 0.5)
"""Frames a second of Table 10."""
TOKENS_PER_FRAME = (128, 64, 32, 16, 8, 4, 2)
"""Of Table 10."""


def at_rate(fps: float) -> Fps:
    """Clips of 4 frames at this rate."""
    return Fps(fps, frames_per_clip=4, max_clips=MAX_CLIPS)


def perceiver(tokens_per_frame: int) -> Connector:
    """The Perceiver resampler with so many tokens a frame."""
    return Connector(ConnectorKind.PERCEIVER, tokens_per_frame)


FPS_2, FPS_1 = at_rate(2), at_rate(1)
UNIFORM_32 = Uniform(frames=32)

BASE = Design(
    sampling=FPS_2,
    encoder=SIGLIP_INTERNVIDEO2,
    connector=perceiver(16),
    integration=PLAIN,
    schedule=CONNECTOR_FIRST,
    mixture=MANY_VIDEOS,
)


def native_clips(design: Design) -> Design:
    """The design with clips of as many frames as its video tower was made for (Table 9).

    The rate and the tokens a frame stay, and so do the tokens a second; clips get longer, and fewer
    of them show as many frames.
    """
    taken = [PUBLIC[tower].frames for tower in design.encoder.towers]
    frames = max((count for count in taken if count), default=design.sampling.frames_per_clip)
    if not isinstance(design.sampling, Fps):
        return design
    shown = design.sampling.frames_per_clip * design.sampling.max_clips
    sampling = dataclasses.replace(
        design.sampling, frames_per_clip=frames, max_clips=max(1, shown // frames)
    )
    return dataclasses.replace(design, sampling=sampling)
