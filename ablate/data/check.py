"""Decodes once what will be looked at of every media file, and notes what came of it."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.axes import Sampling
from ablate.data.faults import Fault, MediaError
from ablate.data.guard import Killed, Limits, guarded
from ablate.data.manifest import FileFacts, Kind, Manifest, kind_of, stat_of
from ablate.data.sampling import clip_times, shared
from ablate.data.sources import Conversation, Question
from ablate.spec import content_id


@dataclass(frozen=True)
class Wanted:
    """A file, and the samplings that look at it; none for a picture."""

    path: Path
    kind: Kind
    samplings: tuple[Sampling, ...] = ()

    @property
    def looks(self) -> tuple[str, ...]:
        """Ids of the samplings."""
        return tuple(sorted(content_id(sampling) for sampling in self.samplings))


def wanted_files(
    samples: Iterable[Conversation | Question], samplings: Iterable[Sampling]
) -> list[Wanted]:
    """Every file that samples name, in order, with what may be looked at of it.

    Args:
        samples: conversations and questions.
        samplings: of all designs that are compared: what one cannot read, none is given.
    """
    together: dict[tuple[Path, Kind], set[int]] = {}
    for sample in samples:
        kind = kind_of(sample)
        for one in sample.media:
            together.setdefault((one.path, kind), set()).add(len(sample.media))
    planned = tuple(samplings)
    return [
        Wanted(path, kind, _shared(planned, counts) if kind is Kind.VIDEO else ())
        for (path, kind), counts in together.items()
    ]


def _shared(samplings: tuple[Sampling, ...], counts: set[int]) -> tuple[Sampling, ...]:
    """What samplings take of a video that is shown beside so many others."""
    found = (shared(sampling, count) for sampling in samplings for count in sorted(counts))
    return tuple(dict.fromkeys(found))


def unchecked(wanted: Iterable[Wanted], manifest: Manifest, *, again: bool = False) -> list[Wanted]:
    """The files that are new, have changed, or are looked at in a new way, and what is new of it.

    Args:
        wanted: all files.
        manifest: what is known.
        again: take those in as well that could not be used.
    """
    left = []
    for one in wanted:
        facts = manifest.find(one.path, one.kind)
        if facts is None or not facts.is_about(stat_of(one.path)):
            left.append(one)
        elif facts.fault is not None:
            if again:
                left.append(one)
        elif new := [s for s in one.samplings if content_id(s) not in facts.looks]:
            left.append(replace(one, samplings=tuple(new)))
    return left


def check_files(
    files: list[Wanted], manifest: Manifest, workers: int, limits: Limits
) -> Iterator[FileFacts]:
    """Checks files in subprocesses and adds what is found to the manifest, as it is found.

    A video is decoded at every moment that any sampling looks at, by two decoders; a picture as a
    whole.

    Args:
        files: what to check.
        manifest: where the facts go.
        workers: processes side by side.
        limits: of each file.
    """
    for one, found in guarded(look, files, workers, limits):
        if isinstance(found, Killed):
            facts = replace(_unread(one), fault=found.fault, reason=found.reason)
        else:
            facts = found
        before = manifest.find(one.path, one.kind)
        if before is not None and before.is_about((facts.size, facts.changed)):
            facts = replace(facts, looks=tuple(sorted({*facts.looks, *before.looks})))
        manifest.add(facts)
        yield facts


def look(wanted: Wanted) -> FileFacts:
    """Reads one file as training and evaluation will, and says what it is or why it cannot be."""
    began = time.perf_counter()
    facts = _unread(wanted)
    try:
        found = _video_facts(wanted) if wanted.kind is Kind.VIDEO else _picture_facts(wanted)
        with wanted.path.open("rb") as file:
            found["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    except MediaError as error:
        found = {"fault": error.fault, "reason": error.reason}
    except MemoryError:
        raise
    # A decoder may raise anything over a file that was made to look like another.
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        found = {"fault": Fault.UNREADABLE, "reason": reason}
    return replace(facts, **found, seconds=round(time.perf_counter() - began, 4))


def _unread(wanted: Wanted) -> FileFacts:
    size, changed = stat_of(wanted.path)
    return FileFacts(str(wanted.path), wanted.kind, size, changed, wanted.looks)


def _video_facts(wanted: Wanted) -> dict[str, Any]:
    # Here as below: whoever only asks what is to be checked needs no reader.
    from ablate.data.video.read import check_frames, check_header, describe, opened

    check_header(wanted.path)
    with opened(wanted.path) as reader:
        info = describe(reader, wanted.path)
        times = {
            time
            for sampling in wanted.samplings
            for clip in clip_times(sampling, info.duration)
            for time in clip
        }
        check_frames(reader, wanted.path, sorted(times))
        decoder = reader.name
    return {
        "duration": info.duration, "fps": info.fps, "frames": info.frames, "width": info.width,
        "height": info.height, "variable": info.variable, "decoder": decoder,
    }  # fmt: skip


def _picture_facts(wanted: Wanted) -> dict[str, Any]:
    from ablate.data.pictures import read_picture

    height, width, _ = read_picture(wanted.path).shape
    return {"width": width, "height": height}
