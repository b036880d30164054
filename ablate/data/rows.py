"""Rows of annotations, and the files that hold them: JSON and JSON lines."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.plain import is_text

Fields = dict[str, Any]
LINES = (".jsonl", ".ndjson")
"""Suffixes of files with one JSON object a line."""


@dataclass(frozen=True)
class Row:
    """One object of an annotation file."""

    name: str
    """Where it stands: an entry, a line or a row."""
    fields: Fields


@dataclass(frozen=True)
class Rows:
    """All of one annotation file or directory."""

    rows: tuple[Row, ...]
    fingerprint: str
    """Hash of the file, or of what was read of the directory."""


def read_file(path: Path) -> Rows:
    """The rows of a JSON or JSON lines file.

    Raises:
        ValueError: one line that names the file, and the line or entry where it is one's fault.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    read = _lines if path.suffix in LINES else _list
    return Rows(tuple(read(path, content)), hashlib.sha256(content).hexdigest()[:16])


def _list(path: Path, content: bytes) -> Iterator[Row]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        lines = ", or one object a line, which is named .jsonl" if content[:1] == b"{" else ""
        raise ValueError(f"{path}: not JSON{lines}: {error}") from None
    if not isinstance(found, list):
        raise ValueError(f"{path}: must hold a JSON list, not {type(found).__name__}")
    for index, fields in enumerate(found):
        yield _row(path, f"entry {index}", fields)


def _lines(path: Path, content: bytes) -> Iterator[Row]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}: line {number}: not JSON: {error}") from None
            yield _row(path, f"line {number}", fields)


def _row(path: Path, name: str, fields: Any) -> Row:
    if not isinstance(fields, dict):
        raise ValueError(f"{path}: {name} must be an object")
    if not is_text(json.dumps(fields, ensure_ascii=False)):
        raise ValueError(f"{path}: {name} holds half of a surrogate pair, which is no text")
    return Row(name, fields)
