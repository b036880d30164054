"""The one call in front of the decoders.

Frames are addressed by time, never by index: seconds since the first frame, looked up in the
file's own presentation timestamps, so that variable frame rates, B-frames and shifted starts give
the frame that a player would show. decord comes first; PyAV reads what decord cannot, and what it
gets wrong: behind the key frame of an open group it counts frames that it has dropped.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from PIL import Image

from ablate.data.faults import Fault, MediaError, check_size

TIMESTAMP_TOLERANCE = 1e-3
"""Seconds by which a frame may start late and still count as shown: decord keeps single floats."""
LONGEST = 30 * 86_400.0
"""Seconds beyond which a video's times are taken for damage."""
_TRANSPORT_SYNC = 0x47
"""First of every 188 bytes; decord takes wrong frames from such streams if they have B-frames."""
_UNEVEN = 0.1
"""Share of the usual time between frames by which others may differ at a constant rate."""
_COARSEST_CLOCK = 2e-3
"""Seconds by which they may differ in any case: some containers count in milliseconds."""

_SAME = 10.0
"""Mean difference of two outlines, of 255, up to which they are of one picture: decoders round
colours in their own ways."""

T = TypeVar("T")


class Reader(Protocol):
    """An open video file."""

    spans: np.ndarray
    """Start and end of every frame in presentation order, seconds since the first, (frames, 2)."""

    @property
    def name(self) -> str:
        """The decoder."""
        ...

    def close(self) -> None:
        """Lets go of the file."""
        ...

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """uint8 (H, W, 3) in RGB of each index, decoded as they are asked for.

        Raises:
            MediaError: a frame cannot be decoded.
        """
        ...


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds, by its frames; what its header claims is not asked."""

    duration: float
    """Seconds from the start of the first frame to the end of the last."""
    fps: float
    """Frames per second, averaged over the file."""
    frames: int
    width: int
    height: int
    variable: bool
    """Whether the time between frames varies."""
    decoder: str
    """What reads it: `decord` or `pyav`."""


def probe(path: Path | str) -> VideoInfo:
    """Facts of the video at `path`.

    Raises:
        MediaError: the file is missing, damaged, absurdly large or no video.
    """
    with opened(path) as reader:
        return describe(reader, path)


def describe(reader: Reader, path: Path | str) -> VideoInfo:
    """Facts of an open video; decodes its first frame.

    Raises:
        MediaError: it lasts no time, is absurdly large, or its first frame cannot be decoded.
    """
    starts = reader.spans[:, 0]
    duration = round(float(reader.spans[-1, 1]), 4)
    if not duration:
        raise MediaError(path, "the video lasts no time")
    if not 0 < duration < LONGEST or np.any(np.diff(starts) < 0):
        raise MediaError(path, f"its frames have times that cannot be: {duration:g} s in all")
    (first,) = reader.frames([0])
    height, width = first.shape[:2]
    check_size(path, width, height)
    gaps = np.diff(starts)
    slack = max(_COARSEST_CLOCK, _UNEVEN * float(np.median(gaps))) if len(gaps) else 0.0
    return VideoInfo(
        duration,
        round(len(starts) / duration, 4),
        len(starts),
        width,
        height,
        bool(len(gaps) and np.ptp(gaps) > slack),
        reader.name,
    )


def check_frames(reader: Reader, path: Path | str, times: Sequence[float]) -> None:
    """Decodes the frames on screen at `times`, by both decoders where decord reads them.

    decord goes on over damage and gives a picture that is made up in part, in another way than
    PyAV: where the file is whole, both give the same.

    Raises:
        MediaError: a frame cannot be decoded, or the decoders show different pictures.
    """
    seen, realised = map_opened(reader, times, _outline)
    if reader.name != "decord":
        return
    other = _open_with_pyav(Path(path))
    try:
        again, _ = map_opened(other, realised, _outline)
    finally:
        other.close()
    for when, one, two in zip(realised, seen, again, strict=True):
        if float(np.abs(one - two).mean()) > _SAME:
            raise MediaError(path, f"two decoders show different pictures at {when:.3f} s")


def _outline(frame: np.ndarray) -> np.ndarray:
    """A frame at 8 x 8 pixels: int16 (8, 8, 3)."""
    small = Image.fromarray(frame).resize((8, 8), Image.Resampling.BOX)
    return np.asarray(small).astype(np.int16)


def check_header(path: Path | str) -> None:
    """Refuses a video that declares absurd dimensions before any frame is decoded.

    Raises:
        MediaError: the video is absurdly large.
    """
    from ablate.data.video.with_pyav import declared_size

    if size := declared_size(Path(path)):
        check_size(path, *size)


def read_frames(path: Path | str, times: Sequence[float]) -> tuple[np.ndarray, tuple[float, ...]]:
    """The frames on screen at `times`, in seconds since the first frame.

    A time after the end gives the last frame, one before the start the first.

    Returns:
        uint8 (F, H, W, 3) in RGB, and the F realised times: when those frames begin.

    Raises:
        MediaError: the file is missing, damaged or no video.
    """
    frames, realised = map_frames(path, times, lambda frame: frame)
    return np.stack(frames), realised


def map_frames(
    path: Path | str, times: Sequence[float], transform: Callable[[np.ndarray], T]
) -> tuple[list[T], tuple[float, ...]]:
    """What `transform` makes of each frame of `read_frames`, uint8 (H, W, 3).

    It is called as frames are decoded, so that a long video is never in memory at full size.
    """
    with opened(path) as reader:
        return map_opened(reader, times, transform)


def map_opened(
    reader: Reader, times: Sequence[float], transform: Callable[[np.ndarray], T]
) -> tuple[list[T], tuple[float, ...]]:
    """As `map_frames`, of an open video."""
    starts = reader.spans[:, 0]
    at = np.asarray(times, dtype=np.float64) + TIMESTAMP_TOLERANCE
    indices = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
    # Each frame is decoded once: a clamped time or a rate above the video's repeats frames.
    wanted, where = np.unique(indices, return_inverse=True)
    made = [transform(frame) for frame in reader.frames(wanted.tolist())]
    return [made[i] for i in where], tuple(round(float(t), 6) for t in starts[indices])


@contextmanager
def opened(path: Path | str) -> Iterator[Reader]:
    """The video at `path`, open with the decoder that reads it.

    Raises:
        MediaError: the file is missing, empty, damaged or no video.
    """
    reader = _open(Path(path))
    try:
        yield reader
    finally:
        reader.close()


def _open(path: Path) -> Reader:
    if not path.is_file():
        raise MediaError(path, "no such file", Fault.MISSING)
    with path.open("rb") as file:
        head = file.read(189)
    if not head:
        raise MediaError(path, "the file is empty", Fault.EMPTY)
    if len(head) == 189 and head[0] == head[-1] == _TRANSPORT_SYNC:
        return _open_with_pyav(path)
    try:
        from ablate.data.video.with_decord import DecordReader
    except ImportError:  # not installed: PyAV gives the same frames
        return _open_with_pyav(path)
    from ablate.data.video.with_pyav import has_leading_frames

    try:
        reader = DecordReader(path)
        return _open_with_pyav(path) if has_leading_frames(path) else _Backed(path, reader)
    except MediaError as error:
        refusal = error
    # Where PyAV cannot open it either, it says better why.
    other = _open_with_pyav(path)
    if refusal.fault is Fault.NO_VIDEO:
        return other
    # decord knows the codec and not what to make of the file: it may be cut short.
    other.close()
    raise refusal


class _Backed:
    """decord, and PyAV from the first frame on that decord cannot decode.

    decord decodes ahead on a thread of its own, the further the busier the machine: whether it
    stumbles over damage behind the wanted frames is chance. PyAV decodes no further than asked, so
    that what can be read does not depend on the load.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self._path, self._reader, self.spans = path, reader, reader.spans

    @property
    def name(self) -> str:
        """The decoder in use."""
        return self._reader.name

    def close(self) -> None:
        """Lets go of the file."""
        self._reader.close()

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """As `Reader`."""
        for index in indices:
            try:
                (frame,) = self._reader.frames([self._place(index)])
            except MediaError as error:
                if self._reader.spans is not self.spans:
                    raise
                self._reader.close()
                self._reader = _open_with_pyav(self._path)
                if self._place(index) == len(self._reader.spans):
                    raise error
                (frame,) = self._reader.frames([self._place(index)])
            yield frame

    def _place(self, index: int) -> int:
        """Index of the same frame in the decoder in use, by when it begins."""
        if self._reader.spans is self.spans:
            return index
        when = self.spans[index, 0] - TIMESTAMP_TOLERANCE
        return int(np.searchsorted(self._reader.spans[:, 0], when))


def _open_with_pyav(path: Path) -> Reader:
    from ablate.data.video.with_pyav import PyavReader

    return PyavReader(path)
