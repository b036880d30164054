"""The YAML file that describes data from outside: what is trained on, with weights, and examined.

    train:
      - name: shots                # unique; named in records and reports
        annotations: shots.jsonl   # LLaVA-style JSON or JSON lines, or a Hugging Face directory
        media: videos              # where its paths start; the annotations' own folder by default
        weight: 2                  # share of samples among the sources of a modality; 1 by default
    test:
      - name: held-out
        annotations: questions.json
        benchmark: questions       # format of the questions; the project's own by default

A Hugging Face directory that holds several splits needs `split`. Paths start at the YAML file.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.data.sources import Source
from ablate.plain import is_text

BENCHMARKS = ("questions",)
"""Formats of evaluation questions that can be read."""
_KEYS = {
    "train": ("name", "annotations", "media", "split", "weight"),
    "test": ("name", "annotations", "media", "split", "benchmark"),
}


@dataclass(frozen=True)
class Description:
    """Sources by what they are for."""

    train: tuple[Source, ...]
    test: tuple[Source, ...]


def read_description(path: Path, unpacked: Path) -> Description:
    """The sources that a YAML file names.

    Args:
        path: the file.
        unpacked: folder for media that lie inside tables.

    Raises:
        ValueError: one line naming the file, the key and the choices.
    """
    # Plans of the built-in world need no YAML.
    import yaml

    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    file = _File(path, unpacked)
    if not isinstance(content, dict):
        raise file.error("", f"must hold {' and '.join(_KEYS)}")
    file.check_keys("", content, tuple(_KEYS))
    return Description(*(file.sources(half, content.get(half)) for half in _KEYS))


@dataclass(frozen=True)
class _File:
    path: Path
    unpacked: Path

    def error(self, key: str, complaint: str) -> ValueError:
        return ValueError(f"{self.path}: {key}{': ' if key else ''}{complaint}")

    def check_keys(self, key: str, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
        for name in given:
            if name not in known:
                raise self.error(key, f"unknown key {name!r}; choose from {', '.join(known)}")

    def sources(self, half: str, entries: Any) -> tuple[Source, ...]:
        if not isinstance(entries, list) or not entries:
            raise self.error(half, f"must be a list of sources, not {entries!r}")
        found = tuple(self._source(half, f"{half}[{at}]", one) for at, one in enumerate(entries))
        names = [source.name for source in found]
        for at, name in enumerate(names):
            if name in names[:at]:
                raise self.error(f"{half}[{at}].name", f"{name!r} is used twice")
        return found

    def _source(self, half: str, key: str, entry: Any) -> Source:
        if not isinstance(entry, dict):
            raise self.error(key, f"must have the keys {', '.join(_KEYS[half])}, not {entry!r}")
        self.check_keys(key, entry, _KEYS[half])
        for needed in ("name", "annotations"):
            if needed not in entry:
                raise self.error(key, f"lacks {needed!r}")
        texts = {name: self._text(key, entry, name) for name in ("name", "annotations")}
        annotations = self._existing(f"{key}.annotations", texts["annotations"])
        folder = annotations if annotations.is_dir() else annotations.parent
        if "media" in entry:
            folder = self._existing(f"{key}.media", self._text(key, entry, "media"))
            if not folder.is_dir():
                raise self.error(f"{key}.media", f"{folder} is no folder")
        if "benchmark" in entry and entry["benchmark"] not in BENCHMARKS:
            choices = ", ".join(BENCHMARKS)
            raise self.error(
                f"{key}.benchmark", f"unknown {entry['benchmark']!r}; choose from {choices}"
            )
        split = self._text(key, entry, "split") if "split" in entry else None
        weight = self._weight(f"{key}.weight", entry.get("weight", 1))
        return Source(texts["name"], annotations, folder, weight, split, self.unpacked)

    def _text(self, key: str, entry: Mapping[str, Any], name: str) -> str:
        value = entry[name]
        if not isinstance(value, str) or not value.strip() or not is_text(value):
            raise self.error(f"{key}.{name}", f"must be text, not {value!r}")
        return value

    def _existing(self, key: str, value: str) -> Path:
        path = (self.path.parent / Path(value).expanduser()).resolve()
        if not path.exists():
            raise self.error(key, f"nothing at {path}")
        return path

    def _weight(self, key: str, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < math.inf:
            raise self.error(key, f"must be a positive number, not {value!r}")
        return float(value)
