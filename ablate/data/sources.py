"""Where data lies, and what one training sample and one question are."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ablate.axes import Mixture


@dataclass(frozen=True)
class Split:
    """The training or the evaluation half of a source."""

    annotations: Path
    """JSON file."""
    media: Path
    """Folder that the annotations' paths start from."""
    fingerprint: str
    """Hash of the content: part of a cell's id and of every cached array's key."""


@dataclass(frozen=True)
class Source:
    """One dataset."""

    name: str
    train: Split
    test: Split


@dataclass(frozen=True)
class Media:
    """One video or picture file."""

    path: Path
    key: str
    """Fingerprint of the split and path inside it: the same on every machine."""


@dataclass(frozen=True)
class Conversation:
    """One training sample."""

    id: str
    modality: str
    """One of `Mixture.MODALITIES`."""
    media: tuple[Media, ...]
    """Nothing, a video, a picture, or several pictures in order."""
    duration: float | None
    """Seconds of the video, where the annotation says."""
    turns: tuple[tuple[str, str], ...]
    """Questions and answers."""


@dataclass(frozen=True)
class Question:
    """One multiple-choice evaluation question."""

    id: str
    video: Media
    video_id: str
    duration: float
    """Seconds of the video."""
    text: str
    options: tuple[str, ...]
    answer: int
    """Index of the right option."""
    category: str
    kind: str


def file_split(annotations: Path, media: Path | None = None) -> Split:
    """A split whose fingerprint is the hash of its annotation file.

    Args:
        annotations: JSON file.
        media: folder of the media; by default the file's own.

    Raises:
        ValueError: no such file.
    """
    try:
        digest = hashlib.sha256(annotations.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise ValueError(f"{annotations}: {error.strerror}") from None
    return Split(annotations, annotations.parent if media is None else media, digest)


def pools(conversations: Iterable[Conversation]) -> dict[str, tuple[Conversation, ...]]:
    """Conversations by modality, in order; every modality is present, if only empty."""
    found: dict[str, list[Conversation]] = {modality: [] for modality in Mixture.MODALITIES}
    for conversation in conversations:
        found[conversation.modality].append(conversation)
    return {modality: tuple(members) for modality, members in found.items()}
