"""What is known of media files from outside, each line of a manifest about one file.

A store has one manifest, to which checks append; of the lines about a file the last one counts.
A line stays true for as long as the file's size and time of change are what they were.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from ablate.data.faults import Fault
from ablate.data.sources import Conversation, Question


class Kind(StrEnum):
    """How a file is read."""

    VIDEO = "video"
    PICTURE = "picture"


def kind_of(sample: Conversation | Question) -> Kind:
    """How a sample's media are read."""
    return Kind.VIDEO if sample.modality == "video" else Kind.PICTURE


@dataclass(frozen=True)
class FileFacts:
    """What a check found of one file."""

    path: str
    """Absolute."""
    kind: Kind
    size: int | None
    """Bytes; None for no file."""
    changed: int | None
    """Nanoseconds of its last change; None for no file."""
    looks: tuple[str, ...]
    """Ids of the samplings whose frames were decoded."""
    fault: Fault | None = None
    """Why it cannot be used; None if it can."""
    reason: str = ""
    """The fault in words."""
    sha256: str | None = None
    """Of the content."""
    duration: float | None = None
    """Seconds from the first frame to the end of the last, whatever the header claims."""
    fps: float | None = None
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    variable: bool | None = None
    """Whether the time between frames varies."""
    decoder: str | None = None
    """What read it; None for pictures."""
    seconds: float = 0.0
    """Time the check took."""

    @property
    def key(self) -> tuple[str, Kind]:
        """What a manifest finds it by."""
        return self.path, self.kind

    def is_about(self, now: tuple[int | None, int | None]) -> bool:
        """Whether the file is still the one that was checked, by what `stat` says now."""
        return (self.size, self.changed) == now

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Inverse of `asdict`.

        Raises:
            KeyError, TypeError, ValueError: not the facts of a file.
        """
        known = {field.name: plain[field.name] for field in fields(cls)}
        fault = None if known["fault"] is None else Fault(known["fault"])
        looks = tuple(known["looks"])
        return cls(**known | {"kind": Kind(known["kind"]), "fault": fault, "looks": looks})


class Manifest:
    """A JSON-lines file of `FileFacts`; several processes may append to it at once."""

    def __init__(self, path: Path) -> None:
        """Reads the file, if there is one.

        A line that was cut short by a kill counts as never written: its file is checked again.
        """
        self.path = path
        self._facts: dict[tuple[str, Kind], FileFacts] = {}
        if path.exists():
            for line in path.read_bytes().split(b"\n"):
                try:
                    facts = FileFacts.from_dict(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    continue
                self._facts[facts.key] = facts

    def find(self, path: Path, kind: Kind) -> FileFacts | None:
        """What was found of a file, whether or not it is still the same one."""
        return self._facts.get((str(path), kind))

    def add(self, facts: FileFacts) -> None:
        """Keeps the facts of a file, on disk at once."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            # The line end comes first as well: what stands before may have been cut short.
            file.write(b"\n" + _line(facts))
        self._facts[facts.key] = facts


def write_manifest(path: Path, facts: Iterable[FileFacts]) -> None:
    """Writes a manifest as a whole."""
    path.write_bytes(b"".join(_line(one) for one in facts))


GONE = (None, None)
"""What `stat_of` says of no file."""


def stat_of(path: Path) -> tuple[int | None, int | None]:
    """Size and time of change of a file as `FileFacts` keeps them."""
    try:
        found = path.stat()
    except OSError:
        return GONE
    return found.st_size, found.st_mtime_ns


def _line(facts: FileFacts) -> bytes:
    return json.dumps(asdict(facts)).encode() + b"\n"
