"""Reads videos with PyAV: what decord cannot open, AV1 and MPEG transport streams among it.

Frames are found by their presentation timestamp alone. The counts and durations that a container
declares are not read: they are often wrong, and cannot be right where the frame rate varies.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from ablate.data.faults import Fault, MediaError


class PyavReader:
    """A video opened with PyAV; see `ablate.data.video.read.Reader`."""

    name = "pyav"

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._container = av.open(str(path))
        try:
            self._stream = _main_stream(self._container, path)
            self._stream.codec_context.thread_count = 1
            self._index()
        except BaseException:
            self.close()
            raise
        self._decoded: Iterator[Any] = iter(())
        self._at = math.inf
        """Timestamp of the frame that was decoded last; nothing lies ahead at first."""
        self._sound = False
        """Whether a key frame came since the last seek, and no damage since that."""

    def close(self) -> None:
        """Lets go of the file."""
        self._container.close()

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """uint8 (H, W, 3) of each index, turned upright; ascending indices need fewest seeks."""
        for index in indices:
            with self._explained():
                frame = self._find(self._pts[index])
            if frame is None:
                when = self.spans[index, 0]
                raise MediaError(self._path, f"the frame at {when:.3f} s cannot be decoded")
            pixels = frame.to_ndarray(format="rgb24")
            yield np.ascontiguousarray(np.rot90(pixels, frame.rotation // 90))

    def _index(self) -> None:
        """Notes when every frame begins, from the packets, without decoding any."""
        with self._explained():
            packets = [
                (packet.pts, packet.duration or 0, packet.is_keyframe, packet.dts)
                for packet in self._container.demux(self._stream)
                if packet.size and not packet.is_discard
            ]
        if not packets:
            raise MediaError(self._path, "the video has no frames", Fault.NO_FRAMES)
        if any(pts is None for pts, *_ in packets):
            raise MediaError(self._path, "frames without presentation timestamps")
        packets.sort(key=lambda packet: packet[0])
        self._pts = [pts for pts, *_ in packets]
        self._keys = [(pts, pts if dts is None else dts) for pts, _, key, dts in packets if key]
        starts = np.array(self._pts, np.float64)
        usual = float(np.median(np.diff(starts))) if len(starts) > 1 else 0.0
        ends = np.append(starts[1:], starts[-1] + (packets[-1][1] or usual))
        spans = np.stack([starts, ends], axis=1) - starts[0]
        self.spans = spans * float(self._stream.time_base)

    def _find(self, wanted: int) -> Any:
        """The frame with timestamp `wanted`, or None if no way of seeking leads to it.

        Seeking is by decoding time and may land late, so that earlier key frames are tried too, and
        the beginning of the file last.
        """
        at = bisect_right(self._keys, (wanted, math.inf))
        before = [dts for _, dts in self._keys[max(0, at - 2) : at]][::-1]
        if self._at < wanted and (not at or self._keys[at - 1][0] <= self._at):
            frame = self._decode_to(wanted)
            if frame is not None:
                return frame
        for start in (*before, min(self._pts[0], *(dts for _, dts in self._keys[:1]))):
            self._container.seek(start, stream=self._stream)
            self._decoded, self._sound = self._container.decode(self._stream), False
            frame = self._decode_to(wanted)
            if frame is not None:
                return frame
        return None

    def _decode_to(self, wanted: int) -> Any:
        for frame in self._decoded:
            if frame.pts is not None:
                self._at = frame.pts
                # What was made up for lost data goes on into all that is predicted from it.
                self._sound = (self._sound or frame.key_frame) and not frame.is_corrupt
                if frame.pts >= wanted:
                    return frame if frame.pts == wanted and self._sound else None
        self._at = math.inf
        return None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever PyAV says inside the block becomes a one-line MediaError."""
        try:
            yield
        except av.FFmpegError as error:
            raise MediaError(
                self._path, f"no video that can be decoded: {error.strerror or error}"
            ) from None


def has_leading_frames(path: Path) -> bool:
    """Whether frames are shown before the key frame that they come behind: an open group.

    Told from the packets, without decoding. A decoder that begins at such a key frame drops them.

    Raises:
        MediaError: the file cannot be opened, or holds no video.
    """
    try:
        with av.open(str(path)) as container:
            latest = None
            for packet in container.demux(_main_stream(container, path)):
                if packet.pts is None or packet.is_discard:
                    continue
                if packet.is_keyframe:
                    latest = packet.pts
                elif latest is not None and packet.pts < latest:
                    return True
    except av.FFmpegError as error:
        raise MediaError(path, f"no video that can be read: {error.strerror or error}") from None
    return False


def declared_size(path: Path) -> tuple[int, int] | None:
    """Width and height that the header declares; None where there is none that can be read."""
    try:
        with av.open(str(path)) as container:
            context = _main_stream(container, path).codec_context
            return context.width, context.height
    except (av.FFmpegError, MediaError):
        return None


def _main_stream(container: Any, path: Path) -> Any:
    """The video stream that a player would show; a cover picture beside sound is none."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise MediaError(path, "no video stream", Fault.NO_VIDEO)
    best = container.streams.best("video")
    return best if best in streams else streams[0]
