"""Reads videos with decord: quick on sparse frames, and exact wherever it can open a file."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import decord
import numpy as np

from ablate.data.faults import Fault, MediaError

decord.logging.set_level(decord.logging.QUIET)
_POSITION = re.compile(r"\[[\d:]+\] \S+:\d+: ")
"""Time and place in decord's own source, which its messages begin with, once or twice."""


class DecordReader:
    """A video opened with decord; see `ablate.data.video.read.Reader`."""

    name = "decord"

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._explained():
            self._reader: Any = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
            count = len(self._reader)
            if not count:
                raise MediaError(path, "the video has no frames", Fault.NO_FRAMES)
            found = self._reader.get_frame_timestamp(range(count))
        self.spans = np.asarray(found, dtype=np.float64)

    def close(self) -> None:
        """Lets go of the file."""
        self._reader = None

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """uint8 (H, W, 3) of each index, one at a time: decord gains nothing by batches."""
        for index in indices:
            with self._explained():
                (frame,) = self._reader.get_batch([index]).asnumpy()
            yield frame

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever decord says inside the block becomes a one-line MediaError."""
        try:
            yield
        except (decord.DECORDError, RuntimeError) as error:
            message = str(error).strip() or type(error).__name__
            if "cannot find video stream" in message:
                # Also what it says of codecs it does not know, AV1 among them.
                raise MediaError(self._path, "no video stream", Fault.NO_VIDEO) from None
            line = _POSITION.sub("", message.splitlines()[0])
            reason = line.replace(str(self._path), "the file")[:160]
            raise MediaError(self._path, f"no video that can be decoded: {reason}") from None
