"""Writes H.264 videos, whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np


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
