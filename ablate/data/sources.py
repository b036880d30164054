"""Where data lies, and what one training sample and one question are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from ablate.axes import Mixture


@dataclass(frozen=True)
class Source:
    """One file of annotations and the media they name."""

    name: str
    annotations: Path
    """JSON or JSON lines file, or directory of Hugging Face `datasets`."""
    media: Path
    """Folder that the annotations' paths start from."""
    weight: float = 1.0
    """How often samples are drawn from it, relative to the other sources of their modality."""
    split: str | None = None
    """Of a directory that holds several."""
    unpacked: Path | None = None
    """Folder for the media that lie inside a directory's tables; None for beside the media."""
    fingerprint: str | None = None
    """Names the content, where its maker does; None for the hash of the annotations."""


@dataclass(frozen=True)
class Media:
    """One video or picture file."""

    path: Path
    key: str
    """Says what the file holds, the same on every machine: names every array kept of it."""
    duration: float | None = None
    """Seconds of a video, where they are known."""


@dataclass(frozen=True)
class Conversation:
    """One training sample."""

    id: str
    modality: str
    """One of `Mixture.MODALITIES`."""
    media: tuple[Media, ...]
    """Nothing, videos in order, a picture, or several pictures in order."""
    turns: tuple[tuple[str, str], ...]
    """Questions and answers."""
    source: str = ""
    """Name of where it comes from."""

    def showing(self, media: tuple[Media, ...]) -> "Conversation":
        """The same with other facts of its media."""
        return replace(self, media=media)


@dataclass(frozen=True)
class Question:
    """One multiple-choice evaluation question."""

    id: str
    video: Media
    """Of known duration."""
    video_id: str
    text: str
    options: tuple[str, ...]
    answer: int
    """Index of the right option."""
    category: str
    kind: str
    source: str = ""
    """Name of where it comes from."""

    modality: ClassVar[str] = "video"

    @property
    def media(self) -> tuple[Media, ...]:
        """The video."""
        return (self.video,)

    def showing(self, media: tuple[Media, ...]) -> "Question":
        """The same with other facts of its video."""
        return replace(self, video=media[0])

    @property
    def duration(self) -> float:
        """Seconds of the video."""
        assert self.video.duration is not None
        return self.video.duration


@dataclass(frozen=True)
class Pool:
    """The conversations of one modality and one source."""

    source: str
    weight: float
    conversations: tuple[Conversation, ...]


Pools = Mapping[str, Sequence[Pool]]
"""Pools by modality; every modality is present, if only empty."""


def pools(
    conversations: Iterable[Conversation], weights: Mapping[str, float] | None = None
) -> Pools:
    """Conversations by modality and source, in order.

    Args:
        conversations: of all sources.
        weights: of the sources by name; 1 where none is given.
    """
    found: dict[str, dict[str, list[Conversation]]] = {name: {} for name in Mixture.MODALITIES}
    for conversation in conversations:
        found[conversation.modality].setdefault(conversation.source, []).append(conversation)
    return {
        modality: tuple(
            Pool(source, (weights or {}).get(source, 1.0), tuple(members))
            for source, members in by_source.items()
        )
        for modality, by_source in found.items()
    }
