"""Answers of an examination that has not ended, kept so that a kill costs little."""

import json
import time
from pathlib import Path
from typing import Any

from ablate.store import write_json

Rows = list[dict[str, Any]]


class Answers:
    """Rows of per-question results by part of the examination, in one file of `folder`."""

    def __init__(self, folder: Path, seconds: float) -> None:
        """Take up what an earlier attempt kept.

        Args:
            folder: of the score.
            seconds: most that a kill may cost.
        """
        self.path, self.every = folder / "answers.json", seconds
        self.parts: dict[str, Rows] = {}
        self._before = 0.0
        self._begun = self._last = time.monotonic()
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            self.parts, self._before = kept["parts"], kept["seconds"]

    @property
    def seconds(self) -> float:
        """Time that all attempts took."""
        return self._before + time.monotonic() - self._begun

    def keep(self, part: str, rows: Rows) -> None:
        """Take in the rows of a part so far; write them when it is time."""
        self.parts[part] = rows
        if time.monotonic() - self._last >= self.every:
            write_json(self.path, {"seconds": self.seconds, "parts": self.parts})
            self._last = time.monotonic()

    def remove(self) -> None:
        """Drop what only an unfinished examination needs."""
        self.path.unlink(missing_ok=True)
