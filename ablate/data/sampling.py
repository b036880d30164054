"""Which moments of a video are looked at: the times of every frame of every clip.

Standard library only: the plan counts clips with it before any file exists.
"""

import math
from dataclasses import replace

from ablate.axes import Fps, Sampling, Still, Uniform

_FULL_CLIP = 1e-6
"""A rest shorter than this share of a clip is rounding, not another clip."""


def shared(sampling: Sampling, videos: int) -> Sampling:
    """What each of `videos` videos in one sample gets: they share the clips of one.

    So that a sample of several videos takes no more context than one of a single video, as long as
    there is a clip for each.
    """
    clips = max(1, sampling.max_clips // videos)
    if isinstance(sampling, Fps):
        return replace(sampling, max_clips=clips)
    if isinstance(sampling, Uniform):
        return replace(sampling, frames=clips * sampling.frames_per_clip)
    return sampling


def clip_count(sampling: Sampling, duration: float) -> int:
    """Number of clips that `clip_times` gives for a video of `duration` seconds."""
    _check(duration)
    if not isinstance(sampling, Fps):
        return sampling.max_clips
    needed = math.ceil(duration / sampling.clip_seconds - _FULL_CLIP)
    return min(max(needed, 1), sampling.max_clips)


def hits_cap(sampling: Sampling, duration: float) -> bool:
    """Whether the video exceeds `max_clips` consecutive clips; only a rate has such a cap."""
    _check(duration)
    if not isinstance(sampling, Fps):
        return False
    return duration / sampling.clip_seconds - _FULL_CLIP > sampling.max_clips


def clip_times(sampling: Sampling, duration: float) -> tuple[tuple[float, ...], ...]:
    """Seconds of every frame, clip by clip: (clips, frames_per_clip).

    Uniform: the video is cut into `frames` equal parts and each is seen at its middle. Middles
    rather than both ends, because nothing is on screen at `duration` itself, because the times of
    the reversed video are the same ones reversed, and because one frame is then the centre frame.

    Fps: clips follow each other from 0 until the video ends. When that takes more than `max_clips`,
    the video is cut into `max_clips` equal parts with a clip in the middle of each, and the frames
    inside a clip keep their rate (paper Sec. 4.1); the two rules agree where they meet. Times of
    the last clip that lie after the end are set to `duration`, where a reader gives the last frame,
    so that a video shorter than one clip is still one whole clip.

    Still: the centre frame, as often as a clip has frames.

    Raises:
        ValueError: the duration is not a positive number.
    """
    clips = clip_count(sampling, duration)
    size = sampling.frames_per_clip
    if isinstance(sampling, Still):
        return ((duration / 2,) * size,)
    if isinstance(sampling, Uniform):
        part = duration / sampling.frames
        return tuple(
            tuple((clip * size + frame + 0.5) * part for frame in range(size))
            for clip in range(clips)
        )
    return tuple(
        tuple(min(start + frame / sampling.fps, duration) for frame in range(size))
        for start in _starts(sampling, clips, duration)
    )


def _starts(sampling: Fps, clips: int, duration: float) -> list[float]:
    seconds = sampling.clip_seconds
    if not hits_cap(sampling, duration):
        return [clip * seconds for clip in range(clips)]
    part = duration / clips
    return [(clip + 0.5) * part - seconds / 2 for clip in range(clips)]


def _check(duration: float) -> None:
    if not 0 < duration < math.inf:
        raise ValueError(f"duration must be a positive number of seconds, not {duration!r}")
