"""Videos that carry the number of each frame in its pixels."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 16


def numbered_frame(number: int, size: int = 32) -> np.ndarray:
    """A (size, size, 3) frame of 4 x 4 black and white squares: the bits of `number`."""
    bits = (number >> np.arange(BITS)) & 1
    squares = np.kron(bits.reshape(4, 4), np.ones((size // 4, size // 4)))
    return np.repeat((squares * 255).astype(np.uint8)[..., None], 3, axis=2)


def frame_numbers(frames: np.ndarray) -> list[int]:
    """Inverse of `numbered_frame` for (F, size, size, 3)."""
    side = frames.shape[1] // 4
    squares = frames.mean(axis=3).reshape(len(frames), 4, side, 4, side).mean(axis=(2, 4))
    bits = squares.reshape(len(frames), BITS) > 127
    return [int(row @ (1 << np.arange(BITS))) for row in bits]


def write_raw(
    path: Path,
    starts: Sequence[float],
    *,
    gop: int = 12,
    b_frames: int = 0,
    size: int = 32,
    turned: int = 0,
    codec: str = "libx264",
    encoder: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes numbered frames at the given times (seconds) with PyAV alone, first time kept."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=30)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        stream.options = encoder or {"bf": str(b_frames), "preset": "fast"}
        stream.options |= {"g": str(gop)}
        if turned:
            stream.set_display_rotation(turned)
        for number, start in enumerate(starts):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, size), format="rgb24")
            frame.pts, frame.time_base = round(start * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
