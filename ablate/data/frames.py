"""Clips of one sample's media as pixels, in the size a tower wants.

A video gives the clips of a sampling. A picture becomes a clip of equal frames, so that pictures
and videos take one path (paper App. C.2); several pictures are several clips in order, and so are
the clips of several videos.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from ablate.axes import Sampling
from ablate.data.cache import ArrayCache
from ablate.data.pictures import read_picture
from ablate.data.sampling import clip_times, shared
from ablate.data.sources import Media
from ablate.data.video import map_frames, probe
from ablate.towers import TowerShape

READER_VERSION = 1
"""Raised when the same files would give other pixels; part of every cached array's key."""
KEPT_SIZE = 64
"""Frames up to this many pixels a side are kept on disk; larger ones take too much room."""


@dataclass(frozen=True)
class View:
    """What a tower wants to see."""

    image_size: int
    """Pixels along a side of the square frame."""
    fill: tuple[int, int, int]
    """Colour that makes a frame square."""


def view_of(tower: TowerShape) -> View:
    """The view of `tower`: its size, squared with its mean colour as in the released model."""
    red, green, blue = (round(255 * value) for value in tower.mean)
    return View(tower.image_size, (red, green, blue))


@dataclass(frozen=True)
class Footage:
    """What is looked at of one sample."""

    media: tuple[Media, ...]
    frames: int
    """Frames per clip."""
    times: tuple[tuple[tuple[float, ...], ...], ...] | None
    """Wanted seconds by video, clip and frame; None for pictures and text."""

    @property
    def clips(self) -> int:
        """Number of clips."""
        return len(self.media) if self.times is None else sum(map(len, self.times))

    @property
    def duration(self) -> float | None:
        """Seconds of all its videos; None for pictures and text."""
        return None if self.times is None else sum(one.duration or 0.0 for one in self.media)

    def by_video(self, realised: np.ndarray) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        """Per video its seconds, and the wanted and realised seconds (clips, frames) of its clips.

        Args:
            realised: seconds (C, F) of all clips.
        """
        first = 0
        for media, wanted in zip(self.media, self.times or (), strict=True):
            assert media.duration is not None
            last = first + len(wanted)
            yield media.duration, np.array(wanted), realised[first:last]
            first = last

    @property
    def key(self) -> str:
        """Says which pixels these are, the same on every machine."""
        files = "|".join(media.key for media in self.media)
        return f"{READER_VERSION}|{files}|{self.times or self.frames}"


def footage_of(modality: str, media: tuple[Media, ...], sampling: Sampling) -> Footage:
    """The footage that `sampling` takes of a sample's media.

    Args:
        modality: one of `Mixture.MODALITIES`.
        media: the sample's files; a video of unknown duration is asked for it.
        sampling: of the design, or of the evaluation protocol.

    Raises:
        MediaError: a video has to be asked and cannot be read.
    """
    frames = sampling.frames_per_clip
    if modality != "video":
        return Footage(media, frames, None)
    known = tuple(
        replace(one, duration=probe(one.path).duration) if one.duration is None else one
        for one in media
    )
    each = shared(sampling, len(media))
    return Footage(known, frames, tuple(clip_times(each, one.duration or 0.0) for one in known))


class FrameReader:
    """Reads footage; remembers small frames and when the frames of a video really begin."""

    def __init__(self, cache: ArrayCache) -> None:
        self.cache = cache

    def pixels(self, footage: Footage, views: Sequence[View]) -> tuple[np.ndarray, ...]:
        """uint8 (C, F, 3, S, S) for each view; each file is decoded at most once a call.

        Raises:
            MediaError: a file cannot be read.
        """
        if footage.times is None:
            return tuple(_pictures(footage, view) for view in views)
        found = {view: self._load(footage, view) for view in views}
        if missing := [view for view, pixels in found.items() if pixels is None]:
            found |= self._decode(footage, missing)[0]
        return tuple(found[view] for view in views)  # type: ignore[misc]

    def times(self, footage: Footage) -> np.ndarray | None:
        """Realised seconds (C, F) of the videos' frames; None for pictures and text.

        Raises:
            MediaError: the file has to be decoded and cannot.
        """
        if footage.times is None:
            return None
        known = self.cache.load(_times_key(footage))
        return self._decode(footage, [])[1] if known is None else known

    def _load(self, footage: Footage, view: View) -> np.ndarray | None:
        if view.image_size > KEPT_SIZE:
            return None
        return self.cache.load(_pixels_key(footage, view))

    def _decode(
        self, footage: Footage, views: Sequence[View]
    ) -> tuple[dict[View, np.ndarray], np.ndarray]:
        made: list[list[np.ndarray]] = []
        began: list[float] = []
        for media, clips in zip(footage.media, footage.times or (), strict=True):
            prepared, starts = map_frames(
                media.path,
                [time for clip in clips for time in clip],
                lambda frame: [prepare(frame, view) for view in views],
            )
            made += prepared
            began += starts
        shape = footage.clips, footage.frames
        realised = np.array(began).reshape(shape)
        self.cache.save(_times_key(footage), realised)
        pixels = {
            view: np.stack(frames).reshape(*shape, *frames[0].shape)
            for view, frames in zip(views, zip(*made, strict=True), strict=True)
        }
        for view, array in pixels.items():
            if view.image_size <= KEPT_SIZE:
                self.cache.save(_pixels_key(footage, view), array)
        return pixels, realised


def prepare(frame: np.ndarray, view: View) -> np.ndarray:
    """A uint8 (H, W, 3) frame as (3, S, S): scaled until it fits, then filled to a square.

    A frame that has the size already is only transposed.
    """
    size = view.image_size
    height, width = frame.shape[:2]
    if (height, width) != (size, size):
        scale = size / max(height, width)
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        image = Image.fromarray(frame)
        image = image.resize(shape, Image.Resampling.BICUBIC)
        square = Image.new("RGB", (size, size), view.fill)
        square.paste(image, ((size - shape[0]) // 2, (size - shape[1]) // 2))
        frame = np.asarray(square)
    return np.ascontiguousarray(frame.transpose(2, 0, 1))


def _pictures(footage: Footage, view: View) -> np.ndarray:
    """One clip of equal frames for each picture; not kept, as reading one costs as little."""
    pictures = [prepare(read_picture(media.path), view) for media in footage.media]
    shape = len(pictures), footage.frames, 3, view.image_size, view.image_size
    pixels = np.empty(shape, np.uint8)
    for clip, picture in zip(pixels, pictures, strict=True):
        clip[:] = picture
    return pixels


def _pixels_key(footage: Footage, view: View) -> str:
    return f"pixels|{footage.key}|{view}"


def _times_key(footage: Footage) -> str:
    return f"times|{footage.key}"
