"""Reads and writes video files; the only importer of a video library.

Frames are addressed by time, never by index: seconds since the first frame, looked up in the
file's own presentation timestamps, so that variable frame rates, B-frames and shifted starts give
the frame that a player would show. The libraries are imported, and files opened, inside the calling
process: a decord reader does not survive a fork.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

TIMESTAMP_TOLERANCE = 1e-3
"""Seconds by which a frame may start late and still count as shown: decord keeps single floats."""
_TRANSPORT_SYNC = 0x47
"""First of every 188 bytes; decord takes wrong frames from such streams if they have B-frames."""
_DECODED_AT_ONCE = 16
"""Frames held at full size."""

T = TypeVar("T")


class MediaError(ValueError):
    """A file that cannot be read as what it should be."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {' '.join(reason.split())}")
        self.path, self.reason = Path(path), reason

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        """Keeps both parts when the error crosses a process border."""
        return type(self), (self.path, self.reason)


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds."""

    duration: float
    """Seconds from the start of the first frame to the end of the last."""
    fps: float
    """Frames per second, averaged over the file."""
    frames: int
    width: int
    height: int


def probe(path: Path | str) -> VideoInfo:
    """Facts of the video at `path`.

    Raises:
        MediaError: the file is missing, damaged or no video.
    """
    with _opened(path) as reader:
        spans = _frame_spans(reader)
        height, width = reader[0].shape[:2]
        duration = round(float(spans[-1, 1]), 4)
        if not duration:
            raise MediaError(path, "the video lasts no time")
        return VideoInfo(duration, round(len(spans) / duration, 4), len(spans), width, height)


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
    with _opened(path) as reader:
        starts = _frame_spans(reader)[:, 0]
        at = np.asarray(times, dtype=np.float64) + TIMESTAMP_TOLERANCE
        indices = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
        # Each frame is decoded once: a clamped time or a rate above the video's repeats frames.
        wanted, where = np.unique(indices, return_inverse=True)
        made: list[T] = []
        for first in range(0, len(wanted), _DECODED_AT_ONCE):
            part = reader.get_batch(wanted[first : first + _DECODED_AT_ONCE]).asnumpy()
            made += [transform(frame) for frame in part]
        return [made[i] for i in where], tuple(round(float(t), 6) for t in starts[indices])


def write_video(
    path: Path | str, frames: Iterable[np.ndarray], fps: Fraction | int, gop: int = 12
) -> None:
    """Encodes uint8 (H, W, 3) RGB `frames` as H.264 in mp4; the file appears whole or not at all.

    Args:
        path: target; its folder must exist.
        frames: at least one frame, all of one even-sided shape.
        fps: frames per second.
        gop: largest distance between key frames, in frames.

    Raises:
        ValueError: no frame was given.
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".mp4")
    os.close(handle)
    try:
        _encode(temporary, frames, Fraction(fps), gop)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _encode(path: str, frames: Iterable[np.ndarray], fps: Fraction, gop: int) -> None:
    import av

    stream: Any = None
    with av.open(path, "w", format="mp4") as container:
        for array in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=fps)
                stream.height, stream.width = array.shape[:2]
                # Full chroma resolution: at 32 pixels a side, halved chroma mixes object colours.
                stream.pix_fmt = "yuv444p"
                stream.options = {"preset": "ultrafast", "crf": "18", "g": str(gop)}
                stream.codec_context.thread_count = 1
            container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        if stream is None:
            raise ValueError(f"{path}: a video needs at least one frame")
        container.mux(stream.encode(None))


@contextmanager
def _opened(path: Path | str) -> Iterator[Any]:
    """A decord reader; whatever decord says inside the block becomes a one-line MediaError."""
    if not Path(path).is_file():
        raise MediaError(path, "no such file")
    with open(path, "rb") as file:
        head = file.read(189)
    if not head:
        raise MediaError(path, "the file is empty")
    if head[0] == head[-1] == _TRANSPORT_SYNC and len(head) == 189:
        raise MediaError(path, "an MPEG transport stream, which has no index; remux it to mp4")
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
        if not len(reader):
            raise MediaError(path, "the video has no frames")
        yield reader
    except (decord.DECORDError, RuntimeError) as error:
        raise MediaError(path, f"no video that decord can decode: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The first line of a decord message, without its source position."""
    message = str(error).strip() or type(error).__name__
    if "cannot find video stream" in message:
        return "no video stream, or an AV1 one"
    return message.splitlines()[0].rsplit("] ", 1)[-1][:160]


def _frame_spans(reader: Any) -> np.ndarray:
    """Start and end of every frame in presentation order, seconds since the first, (frames, 2)."""
    return np.asarray(reader.get_frame_timestamp(range(len(reader))), dtype=np.float64)
