"""Directories of Hugging Face `datasets`, read with pyarrow alone; no code of a dataset is run.

Either what `save_to_disk` writes (Arrow beside `state.json`) or what the hub holds (Parquet).
Pictures and videos that lie inside a table are not read with its rows: a row names the file that
`unpack_table` writes them to, so that everything after this sees files.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.compute as pc

from ablate.data.rows import Fields, Row, Rows
from ablate.data.table_files import TableFile, explained, items_of, open_table, struct_of
from ablate.plain import misfit, parse_json


def read_table(path: Path, fields: Sequence[str], split: str | None, unpacked: Path) -> Rows:
    """The rows of a directory, without the media inside it.

    Args:
        path: the directory.
        fields: columns that are read.
        split: of a directory that holds several.
        unpacked: folder of the media that lie inside the tables.

    Raises:
        ValueError: no data files, or an unknown or missing split; the message lists the choices.
    """
    found: list[Fields] = []
    for data_file in data_files(path, split):
        file = open_table(data_file)
        with explained(data_file, file.form):
            columns = _columns(file, fields, first=len(found))
        if not columns:
            raise ValueError(
                f"{path}: has none of the columns {', '.join(fields)}; it has "
                f"{', '.join(file.columns)}"
            )
        rows = zip(*columns.values(), strict=True)
        found += [dict(zip(columns, row, strict=True)) for row in rows]
    digest = hashlib.sha256()
    for number, fields_of in enumerate(found):
        try:
            digest.update(json.dumps(fields_of, sort_keys=True, default=_name).encode() + b"\n")
        except TypeError as error:
            raise ValueError(f"{path}: row {number}: {error}") from None
    fingerprint = digest.hexdigest()[:16]
    folder = unpacked / fingerprint
    return Rows(
        tuple(
            Row(f"row {number}", {name: _placed(value, folder) for name, value in row.items()})
            for number, row in enumerate(found)
        ),
        fingerprint,
    )


def unpack_table(path: Path, fields: Sequence[str], split: str | None, folder: Path) -> None:
    """Writes the media inside a directory's tables into `folder`, where they are not there yet."""
    first = 0
    for file in map(open_table, data_files(path, split)):
        packed = [name for name in fields if file.holds_media(name)]
        rows = (row for batch in file.batches(packed) for row in batch.to_pylist())
        for number, row in enumerate(rows if packed else (), first):
            for value in row.values():
                for at, item in enumerate(value if isinstance(value, list) else [value]):
                    if item and item.get("bytes") is not None:
                        _write(folder / _packed(number, at, item.get("path")).name, item["bytes"])
        first += file.rows


def data_files(path: Path, split: str | None) -> list[Path]:
    """The files of a directory's split, in order.

    Raises:
        ValueError: there are none, or the split is unknown or missing.
    """
    if (path / "state.json").exists():
        listed = _listed(path / "state.json", "_data_files", list[_DataFile])
        return [path / file["filename"] for file in listed]
    if (path / "dataset_dict.json").exists():
        names = _listed(path / "dataset_dict.json", "splits", list[str])
        return data_files(path / _chosen(path, split, names), None)
    by_split: dict[str, list[Path]] = {}
    for file in sorted(path.rglob("*.parquet")):
        by_split.setdefault(_split_of(file, path), []).append(file)
    if not by_split:
        raise ValueError(f"{path}: no state.json, no dataset_dict.json and no .parquet file in it")
    return by_split[_chosen(path, split, list(by_split))]


class _DataFile(TypedDict):
    filename: str


def _listed(file: Path, key: str, kind: Any) -> Any:
    """What a directory's own list says under `key`."""
    content = parse_json(file.read_bytes(), file)
    found = content.get(key) if isinstance(content, dict) else None
    if complaint := misfit(found, kind, key):
        raise ValueError(f"{file}: {complaint}")
    return found


def _chosen(path: Path, split: str | None, names: list[str]) -> str:
    if split is None and len(names) == 1:
        return names[0]
    if split not in names:
        what = "holds several splits" if split is None else f"has no split {split!r}"
        raise ValueError(f"{path}: {what}; choose `split` from {', '.join(names)}")
    return split


def _split_of(file: Path, root: Path) -> str:
    """`train` of train-00000-of-00008.parquet and of train/0000.parquet, as the hub names them."""
    name, dash, _ = file.stem.partition("-")
    return name if dash or file.parent == root else file.parent.name


class _Packed:
    """A medium inside a table: the name of the file it is unpacked to."""

    def __init__(self, name: str) -> None:
        self.name = name


def _packed(row: int, at: int, path: str | None) -> _Packed:
    """Medium number `at` of a row; a thousand rows share a folder."""
    return _Packed(f"{row // 1000:06d}/{row:09d}-{at}{Path(path or '').suffix}")


def _name(value: Any) -> str:
    if isinstance(value, _Packed):
        return value.name
    raise TypeError(f"a value of type {type(value).__name__} is no annotation")


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    return str(folder / value.name) if isinstance(value, _Packed) else value


def _columns(file: TableFile, fields: Sequence[str], first: int) -> dict[str, list[Any]]:
    """The wanted columns of one file as plain values; `first` is the number of its first row."""
    table = file.without_bytes(fields)
    columns = {}
    for name in table.column_names:
        column, values = table.column(name), list[Any]()
        struct = struct_of(column.type)
        if struct is None or "path" not in struct.names:
            values = [_turned(value) for value in column.to_pylist()]
        else:
            packed = file.holds_media(name)
            for chunk in column.chunks:
                values += _media(chunk, packed, first + len(values))
        columns[name] = values
    return columns


def _media(chunk: pa.Array, packed: bool, first: int) -> list[Any]:
    """Per row of a media column nothing, a path or a packed medium, or a list of them."""
    lists, items = not pa.types.is_struct(chunk.type), items_of(chunk)
    paths = pc.struct_field(items, "path").to_pylist()
    told = zip(items.is_valid().to_pylist(), paths, strict=True)
    lengths = pc.list_value_length(chunk).to_pylist() if lists else [1] * len(chunk)
    values: list[Any] = []
    for row, length in enumerate(lengths, first):
        made = []
        for at in range(length or 0):
            valid, path = next(told)
            made.append(_packed(row, at, path) if packed and valid else path)
        values.append(made if lists else made[0])
    return values


def _turned(value: Any) -> Any:
    """A list of objects, where a table keeps it as an object of lists."""
    if isinstance(value, dict) and value and all(isinstance(v, list) for v in value.values()):
        return [dict(zip(value, items, strict=True)) for items in zip(*value.values(), strict=True)]
    return value


def _write(path: Path, content: bytes) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(content)
        os.replace(temporary, path)
