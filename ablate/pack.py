"""Finished cells as one file that another store takes in: checked, and all of it or nothing.

A pack is a zip archive of `pack.json`, which holds the hash of every other file, and for every cell
`runs/<train_id>/<score_id>/record.json` and `questions.parquet`. It holds no weights and nothing
that could run. What is read of one is bounded, and no path is made of its names: a store knows
where a cell belongs by the ids that are computed from its description.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate import __version__
from ablate.finished import FILES, RESULTS, Finished, read_finished
from ablate.plain import parse_json
from ablate.spec import Cell
from ablate.store import RunStore, whole_file

MOST_BYTES = 2**28
"""Of one file in a pack; a table of a million questions takes less than half of it."""
_INDEX = "pack.json"
_MEMBER = re.compile(r"(runs/[0-9a-f]{16}/[0-9a-f]{16})/(record\.json|questions\.parquet)")
_BEGIN = (1980, 1, 1, 0, 0, 0)
"""Time of every member: the same cells make the same file."""
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError,
    ValueError,
)  # fmt: skip
"""What zipfile raises over archives that are damaged, encrypted or of another kind."""


@dataclass(frozen=True)
class Packed:
    """What became of the finished cells of a store."""

    cells: int
    left_out: tuple[str, ...]
    """Why the others were left out, a line each."""


@dataclass(frozen=True)
class Merged:
    """What became of the cells of a pack."""

    added: tuple[Cell, ...]
    present: tuple[Cell, ...]
    """Those whose record the store had."""
    waiting: tuple[Cell, ...]
    """Those whose training a process is at."""


def pack(store: RunStore, out: Path) -> Packed:
    """Write every finished cell of a store to one file.

    A record that would not be believed elsewhere is left out.

    Raises:
        OSError: the file cannot be written.
    """
    hashes, left_out, cells = {}, [], 0
    with whole_file(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for folder in store.finished():
            try:
                found = _read_folder(folder)
            except ValueError as error:
                left_out.append(str(error))
                continue
            cells += 1
            for name, content in found.files.items():
                member = f"{_folder_of(found.cell)}/{name}"
                hashes[member] = hashlib.sha256(content).hexdigest()
                _write(archive, member, content)
        index = {"ablate": __version__, "files": hashes}
        _write(archive, _INDEX, json.dumps(index, indent=1).encode())
    return Packed(cells, tuple(left_out))


def merge(store: RunStore, path: Path, *, keep: bool = False) -> Merged:
    """Take the finished cells of a pack into a store.

    Everything is checked before anything is written. What the store has already stays as it is.

    Args:
        store: to be added to.
        path: the pack.
        keep: where both have a cell and scored it differently, keep the store's.

    Raises:
        ValueError: the file is no pack or holds what it should not, or both have scored a cell and
            differ; one line.
    """
    new, present = set(), []
    for one in read_pack(path):
        if not store.is_done(one.cell):
            new.add(one.cell)
            continue
        present.append(one.cell)
        if not keep:
            _check_same(store, one, path)
    added, waiting = [], []
    for one in read_pack(path) if new else ():
        if one.cell in new:
            lease = store.claim(one.cell)
            if lease is None:
                waiting.append(one.cell)
                continue
            with lease:
                store.adopt(one.cell, one.files)
            added.append(one.cell)
    return Merged(tuple(added), tuple(present), tuple(waiting))


def read_pack(path: Path) -> Iterator[Finished]:
    """The cells of a pack, one after the other, each checked.

    Raises:
        ValueError: one line that names the file, and the place in it.
    """
    with _opened(path) as archive:
        hashes = _read_index(path, archive)
        for folder in sorted({_folder(path, member) for member in hashes}):
            files = {}
            for name in FILES:
                if f"{folder}/{name}" not in hashes:
                    raise ValueError(f"{path}: {folder} lacks {name}")
                files[name] = content = _read(path, archive, f"{folder}/{name}")
                if hashlib.sha256(content).hexdigest() != hashes[f"{folder}/{name}"]:
                    raise ValueError(f"{path}: {folder}/{name} is not what was packed")
            one = read_finished(files, f"{path}: {folder}")
            if folder != _folder_of(one.cell):
                raise ValueError(f"{path}: {folder} holds {_folder_of(one.cell)}")
            yield one


def _folder_of(cell: Cell) -> str:
    return f"runs/{cell.train_id}/{cell.score_id}"


def _read_folder(folder: Path) -> Finished:
    files = {}
    for name in FILES:
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise ValueError(f"{folder / name}: {error.strerror}") from None
    return read_finished(files, folder)


def _check_same(store: RunStore, theirs: Finished, path: Path) -> None:
    """Make sure that the results of a cell are those that the store has.

    Raises:
        ValueError: they are not; names both and the first difference.
    """
    ours: Mapping[str, Any] = store.record(theirs.cell) or {}
    for part in RESULTS:
        mine, other = ours.get(part), theirs.record[part]
        if mine != other:
            raise ValueError(
                f"{store.score_dir(theirs.cell) / 'record.json'} and {path}: "
                f"{_folder_of(theirs.cell)}/record.json are of one cell, but differ in "
                f"{_difference(mine, other, part)}; nothing was merged"
            )


def _difference(mine: Any, other: Any, place: str) -> str:
    """The first place where two results differ, and both values."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in sorted({*mine, *other}):
            if mine.get(key) != other.get(key):
                return _difference(mine.get(key), other.get(key), f"{place}.{key}")
    return f"{place}: {mine!r:.40} and {other!r:.40}"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except _DAMAGE as error:
        raise ValueError(f"{path}: no pack that can be read ({error})") from None
    with archive:
        yield archive


def _read_index(path: Path, archive: zipfile.ZipFile) -> Mapping[str, str]:
    """Hashes of all members, which are exactly those that it names."""
    names = archive.namelist()
    if _INDEX not in names:
        raise ValueError(f"{path}: no pack: it lacks {_INDEX}")
    index = parse_json(_read(path, archive, _INDEX), f"{path}: {_INDEX}")
    hashes = index.get("files") if isinstance(index, dict) else None
    if not isinstance(hashes, dict):
        raise ValueError(f"{path}: {_INDEX} names no files")
    for name in names:
        if name != _INDEX:
            _folder(path, name)
    if sorted(names) != sorted([*hashes, _INDEX]):
        odd = sorted({*names} ^ {*hashes, _INDEX}) or ["a name"]
        raise ValueError(f"{path}: {odd[0]!r} is not both there and in {_INDEX}, once")
    return hashes


def _folder(path: Path, member: str) -> str:
    found = _MEMBER.fullmatch(member)
    if found is None:
        raise ValueError(f"{path}: {member!r} is nothing that a pack holds")
    return found[1]


def _read(path: Path, archive: zipfile.ZipFile, member: str) -> bytes:
    try:
        with archive.open(member) as file:
            content = file.read(MOST_BYTES + 1)
    except _DAMAGE as error:
        raise ValueError(f"{path}: {member} cannot be read ({error})") from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path}: {member} holds more than {MOST_BYTES:,} bytes")
    return content


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, _BEGIN)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
