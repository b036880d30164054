"""What cells are trained and examined on: the samples of all sources that can be read.

Each half, training and test, lies in a folder named by its fingerprint. A built-in half is there as
a whole. Of one from outside the folder holds `sources.json`, which says where everything lies, and
`manifest.jsonl`, the facts of its files. A run decides nothing anew: it reads these, so that every
design drops the same samples.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from ablate.data.annotations import read, read_conversations, read_questions
from ablate.data.faults import Fault
from ablate.data.manifest import FileFacts, Kind, Manifest, kind_of, write_manifest
from ablate.data.sources import Conversation, Media, Pools, Question, Source, pools
from ablate.spec import content_id

Sample = TypeVar("Sample", Conversation, Question)
Find = Callable[[Path, Kind], FileFacts | None]
"""What is known of a file."""
_SOURCES, _MANIFEST = "sources.json", "manifest.jsonl"


@dataclass(frozen=True)
class Half(Generic[Sample]):
    """Training or test samples of all sources."""

    sources: tuple[Source, ...]
    samples: tuple[Sample, ...]
    """Those whose files can be read; media are known by content and duration."""
    dropped: Counter[tuple[str, Fault]]
    """Samples that were left out, by source and reason."""
    facts: tuple[FileFacts, ...]
    """Of every file; empty for built-in data, which nobody checks."""
    unknown: int
    """Files that have not been checked: until they are, the fingerprint is provisional."""
    fingerprint: str
    """Hash of all that decides what is drawn: annotations, weights, and files or their lack."""

    @cached_property
    def videos(self) -> int:
        """Distinct videos."""
        return len({m.key for one in self.samples if one.modality == "video" for m in one.media})

    def report(self) -> dict[str, Any]:
        """For the record: samples kept and dropped by source, and what read the videos."""
        kept = Counter(sample.source for sample in self.samples)
        decoders = Counter(facts.decoder for facts in self.facts if facts.decoder)
        return {
            "sources": {
                source.name: {
                    "weight": source.weight,
                    "kept": kept[source.name],
                    "dropped": {
                        str(fault): count
                        for (name, fault), count in sorted(self.dropped.items())
                        if name == source.name
                    },
                }
                for source in self.sources
            },
            "decoders": dict(decoders),
        }


def pools_of(half: Half[Conversation]) -> Pools:
    """Conversations by modality and source, with the sources' weights."""
    return pools(half.samples, {source.name: source.weight for source in half.sources})


@dataclass(frozen=True)
class Samples(Generic[Sample]):
    """Samples of all sources, whether or not their files can be read."""

    sources: tuple[Source, ...]
    """With the fingerprints of their annotations."""
    samples: tuple[Sample, ...]

    def readable(self, find: Find) -> Half[Sample]:
        """Those whose files can be read.

        Args:
            find: the facts of a file, None where it has not been checked.
        """
        kept, dropped = [], Counter[tuple[str, Fault]]()
        facts: dict[tuple[str, Kind], FileFacts] = {}
        unknown, marks = set(), hashlib.sha256()
        for sample in self.samples:
            media, faults = [], []
            for one in sample.media:
                found = find(one.path, kind_of(sample))
                if found is None:
                    unknown.add((one.path, kind_of(sample)))
                    media.append(one)
                    continue
                facts[found.key] = found
                if found.fault is not None:
                    faults.append(found.fault)
                media.append(Media(one.path, found.sha256 or "", found.duration))
            marks.update(f"{'-' if faults else [one.key for one in media]}\n".encode())
            if faults:
                dropped[sample.source, faults[0]] += 1
            else:
                kept.append(sample.showing(tuple(media)))
        identity = [[source.fingerprint, source.weight] for source in self.sources]
        return Half(
            self.sources, tuple(kept), dropped, tuple(facts.values()), len(unknown),
            content_id({"sources": identity, "media": marks.hexdigest()}),
        )  # fmt: skip


def read_training(sources: Iterable[Source]) -> Samples[Conversation]:
    """The training samples of data from outside.

    Raises:
        ValueError: annotations that cannot be used; one line naming file and entry.
    """
    marked, found = [], list[Conversation]()
    for source in sources:
        rows = read(source)
        marked.append(replace(source, fingerprint=rows.fingerprint))
        found += read_conversations(source, rows)
    return Samples(tuple(marked), tuple(found))


def read_test(sources: Iterable[Source]) -> Samples[Question]:
    """The questions of data from outside; a video id means a video of its own source.

    Raises:
        ValueError: annotations that cannot be used, or a question id of two sources.
    """
    marked, found = [], dict[str, Question]()
    several = len(sources := tuple(sources)) > 1
    for source in sources:
        rows = read(source)
        marked.append(replace(source, fingerprint=rows.fingerprint))
        for question in read_questions(source, rows):
            if question.id in found:
                raise ValueError(
                    f"{source.annotations}: question_id {question.id!r} is also one of source "
                    f"{found[question.id].source!r}"
                )
            video_id = f"{source.name}/{question.video_id}" if several else question.video_id
            found[question.id] = replace(question, video_id=video_id)
    return Samples(tuple(marked), tuple(found.values()))


def open_training(folder: Path) -> Half[Conversation]:
    """The training half in a store's folder.

    Raises:
        ValueError: it is not there, or its annotations or its manifest have changed.
    """
    return _open(folder, "annotations.json", read_training)


def open_test(folder: Path) -> Half[Question]:
    """As `open_training`, of the test half."""
    return _open(folder, "questions.json", read_test)


def freeze(half: Half, root: Path) -> Path:
    """Writes what a run needs to know of a half from outside; returns its folder in `root`."""
    folder = root / half.fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    plain = json.dumps([asdict(source) for source in half.sources], default=str, indent=1)
    _write(folder / _MANIFEST, lambda path: write_manifest(path, half.facts))
    _write(folder / _SOURCES, lambda path: path.write_text(plain))
    return folder


def _open(
    folder: Path,
    built_in: str,
    read_samples: Callable[[Iterable[Source]], Samples[Sample]],
) -> Half[Sample]:
    if not (folder / _SOURCES).exists():
        world = Source("world", folder / built_in, folder, fingerprint=folder.name)
        found = read_samples([world])
        return Half((world,), found.samples, Counter(), (), 0, folder.name)
    planned = []
    for plain in json.loads((folder / _SOURCES).read_bytes()):
        paths = {name: Path(plain[name]) for name in ("annotations", "media", "unpacked")}
        planned.append(Source(**plain | paths))
    found = read_samples(planned)
    for before, now in zip(planned, found.sources, strict=True):
        if now.fingerprint != before.fingerprint:
            raise ValueError(
                f"{now.annotations}: has changed since the cells of data {folder.name} were "
                "planned; plan again"
            )
    half = found.readable(Manifest(folder / _MANIFEST).find)
    if half.fingerprint != folder.name:
        raise ValueError(f"{folder / _MANIFEST}: is not what data {folder.name} were made of")
    return half


def _write(path: Path, save: Callable[[Path], Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save(temporary)
    os.replace(temporary, path)
