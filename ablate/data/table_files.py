"""The two kinds of file in a Hugging Face directory, read by column and without their media."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

AT_ONCE = 64
"""Rows whose media are in memory together while they are unpacked."""


class TableFile(Protocol):
    """One data file of a directory."""

    form: str
    """What it is, in words."""
    rows: int
    columns: list[str]

    def without_bytes(self, fields: Sequence[str]) -> pa.Table:
        """The wanted columns that are there; the content of media is never touched."""
        ...

    def holds_media(self, name: str) -> bool:
        """Whether a column holds the content of any medium, and not paths alone."""
        ...

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows in portions, of the columns `names` alone, media included."""
        ...


def open_table(file: Path) -> TableFile:
    """The table in `file`.

    Raises:
        ValueError: it is missing, or neither an Arrow stream nor Parquet.
    """
    kind = _Parquet if file.suffix == ".parquet" else _Arrow
    with explained(file, kind.form):
        return kind(file)


@contextmanager
def explained(file: Path, form: str) -> Iterator[None]:
    """Whatever pyarrow says of a damaged file becomes one line that names it.

    Raises:
        ValueError: for it.
    """
    try:
        yield
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{file}: cannot be read as {form}: {reason}") from None


class _Arrow:
    """An Arrow stream, mapped into memory rather than read."""

    form = "an Arrow stream"

    def __init__(self, file: Path) -> None:
        self._table = pa.ipc.open_stream(pa.memory_map(str(file))).read_all()
        # Offsets of a damaged file may point anywhere, and are followed without a question.
        self._table.validate(full=True)
        self.rows, self.columns = self._table.num_rows, self._table.column_names

    def without_bytes(self, fields: Sequence[str]) -> pa.Table:
        return self._table.select([name for name in fields if name in self._table.column_names])

    def holds_media(self, name: str) -> bool:
        if name not in self._table.column_names:
            return False
        struct = struct_of(self._table.schema.field(name).type)
        if struct is None or "bytes" not in struct.names:
            return False
        items = [items_of(chunk) for chunk in self._table.column(name).chunks]
        return any(pc.struct_field(one, "bytes").null_count < len(one) for one in items)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self._table.select(list(names)).to_batches(AT_ONCE)


class _Parquet:
    """A Parquet file; whether it holds media is told by its counts of missing values."""

    form = "Parquet"

    def __init__(self, file: Path) -> None:
        self._file = pq.ParquetFile(file)
        self.rows = self._file.metadata.num_rows
        self.columns = self._file.schema_arrow.names

    def without_bytes(self, fields: Sequence[str]) -> pa.Table:
        leaves = [self._file.schema.column(at).path for at in range(len(self._file.schema))]
        wanted = [leaf for leaf in leaves if leaf.partition(".")[0] in fields]
        return self._file.read([leaf for leaf in wanted if not leaf.endswith(".bytes")])

    def holds_media(self, name: str) -> bool:
        meta = self._file.metadata
        groups = [meta.row_group(at) for at in range(meta.num_row_groups)]
        chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
        return any(
            chunk.statistics is None or chunk.statistics.null_count < chunk.num_values
            for chunk in chunks
            if chunk.path_in_schema.startswith(f"{name}.")
            and chunk.path_in_schema.endswith(".bytes")
        )

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self._file.iter_batches(AT_ONCE, columns=list(names))


def items_of(chunk: pa.Array) -> pa.StructArray:
    """The structures of a column one after the other, whether one a row or in lists."""
    return chunk if pa.types.is_struct(chunk.type) else chunk.flatten()


def struct_of(kind: pa.DataType) -> pa.StructType | None:
    """The structure that a column holds, one a row or in lists; None where it holds none."""
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return inner if pa.types.is_struct(inner) else None
