"""Why a video or picture cannot be used: the one error of the data room that is about a file."""

from enum import StrEnum
from pathlib import Path

MOST_PIXELS = 2**26
"""Pixels of a frame or picture (8,192 x 8,192) beyond which a file is refused, not decoded."""


class Fault(StrEnum):
    """Kinds of reasons, as they are counted in manifests and records."""

    MISSING = "missing"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    """Truncated, damaged, or something else under a video's or a picture's name."""
    NO_VIDEO = "no video stream"
    NO_FRAMES = "no frames"
    TOO_LARGE = "too many pixels"
    TOO_SLOW = "over the time limit"
    TOO_MUCH_MEMORY = "over the memory limit"
    CRASHED = "crashed the decoder"


class MediaError(ValueError):
    """A file that cannot be read as what it should be."""

    kind = "data"

    def __init__(self, path: Path | str, reason: str, fault: Fault = Fault.UNREADABLE) -> None:
        super().__init__(f"{path}: {' '.join(reason.split())}")
        self.path, self.reason, self.fault = Path(path), reason, fault

    def __reduce__(self) -> tuple[type, tuple[Path, str, Fault]]:
        """Keeps the parts when the error crosses a process border."""
        return type(self), (self.path, self.reason, self.fault)


def check_size(path: Path | str, width: int, height: int) -> None:
    """Refuses absurd dimensions.

    Raises:
        MediaError: more than `MOST_PIXELS`.
    """
    if width * height > MOST_PIXELS:
        raise MediaError(
            path, f"{width:,} x {height:,} pixels, more than {MOST_PIXELS:,}", Fault.TOO_LARGE
        )
