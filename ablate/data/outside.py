"""Data that a YAML file describes, as far as a store knows them."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path

from ablate.axes import Sampling, Still
from ablate.data.annotations import FIELDS
from ablate.data.check import Wanted, check_files, unchecked, wanted_files
from ablate.data.dataset import Half, freeze, read_test, read_training
from ablate.data.description import read_description
from ablate.data.guard import Limits
from ablate.data.manifest import GONE, FileFacts, Kind, Manifest, stat_of
from ablate.data.sources import Conversation, Question
from ablate.spec import Cell


def samplings_of(cells: Iterable[Cell]) -> tuple[Sampling, ...]:
    """All that cells look at videos with: in training, in evaluation, and for its control."""
    found: dict[Sampling, None] = {}
    for cell in cells:
        sampling = cell.design.sampling
        assert cell.eval_protocol.sampling is not None
        found |= dict.fromkeys(
            (sampling, cell.eval_protocol.sampling, Still(sampling.frames_per_clip))
        )
    return tuple(found)


class Outside:
    """Both halves of the data, the manifest of their files, and what is still to be checked."""

    def __init__(self, path: Path, root: Path, samplings: Iterable[Sampling]) -> None:
        """Reads the description and the annotations.

        Args:
            path: the YAML file.
            root: folder of a store's data.
            samplings: what the compared designs look at videos with.

        Raises:
            ValueError: the file or annotations cannot be used; one line naming what and where.
        """
        # What runs will read holds paths, and they may start elsewhere.
        self.path, self.root = path, root.resolve()
        self.samplings = tuple(samplings)
        self.manifest = Manifest(self.root / "manifest.jsonl")
        described = read_description(path, self.root / "unpacked")
        self._training, self._test = read_training(described.train), read_test(described.test)
        self._wanted = wanted_files(
            chain(self._training.samples, self._test.samples), self.samplings
        )

    @cached_property
    def train(self) -> Half[Conversation]:
        """The training half, by what is known now."""
        return self._training.readable(self._find)

    @cached_property
    def test(self) -> Half[Question]:
        """The test half, by what is known now."""
        return self._test.readable(self._find)

    def unchecked(self, *, again: bool = False) -> list[Wanted]:
        """Files that are new, have changed, or are looked at in a new way.

        Args:
            again: take those in as well that could not be used before.
        """
        return unchecked(self._wanted, self.manifest, again=again)

    def check(self, files: list[Wanted], workers: int, limits: Limits) -> Iterator[FileFacts]:
        """Checks files, each in a subprocess that is killed beyond its limits.

        Args:
            files: of `unchecked`.
            workers: processes side by side.
            limits: of each file.
        """
        self._unpack(files)
        yield from check_files(files, self.manifest, workers, limits)
        for half in ("train", "test"):
            self.__dict__.pop(half, None)

    def freeze(self) -> None:
        """Writes what runs will read; to be called when nothing is unchecked."""
        freeze(self.train, self.root)
        freeze(self.test, self.root)

    def _unpack(self, files: list[Wanted]) -> None:
        """Writes the media that lie inside tables, as far as they are among the files."""
        from ablate.data.tables import unpack_table

        missing = {one.path for one in files if not one.path.exists()}
        for source in (*self._training.sources, *self._test.sources):
            if source.annotations.is_dir():
                assert source.unpacked is not None and source.fingerprint is not None
                folder = source.unpacked / source.fingerprint
                if any(folder in path.parents for path in missing):
                    unpack_table(source.annotations, FIELDS, source.split, folder)

    def _find(self, path: Path, kind: Kind) -> FileFacts | None:
        facts, now = self.manifest.find(path, kind), stat_of(path)
        # Of a file that is gone, what it was is known still: reports outlive their videos.
        return facts if facts is not None and (facts.is_about(now) or now == GONE) else None
