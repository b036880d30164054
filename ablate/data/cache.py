"""Arrays on disk that are computed once: one `.npy` file per key.

Several processes may share a folder without locks: files appear whole, and two that compute the
same key write the same content.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class CacheUse:
    """How often a cache helped."""

    hits: int = 0
    misses: int = 0
    seconds: float = 0.0
    """Spent on computing what was missing."""

    def __add__(self, other: "CacheUse") -> "CacheUse":
        return CacheUse(
            self.hits + other.hits, self.misses + other.misses, self.seconds + other.seconds
        )


class ArrayCache:
    """A folder of arrays by key."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._use = CacheUse()

    def path(self, key: str) -> Path:
        """Where the array of `key` lies: folders of two characters keep listings short."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self.root / digest[:2] / f"{digest}.npy"

    def get(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of `key`, computed and kept if it is not there or cannot be read."""
        found = self.load(key)
        if found is not None:
            return found
        begun = time.perf_counter()
        array = compute()
        self._use += CacheUse(misses=1, seconds=time.perf_counter() - begun)
        self.save(key, array)
        return array

    def load(self, key: str) -> np.ndarray | None:
        """The array of `key`; None if it is not there, cut short or damaged."""
        try:
            with self.path(key).open("rb") as file:
                array = np.load(file, allow_pickle=False)
                if file.read(1):
                    return None
        except (OSError, ValueError, EOFError):
            return None
        self._use += CacheUse(hits=1)
        return array

    def save(self, key: str, array: np.ndarray) -> None:
        """Keeps `array` under `key`, whole or not at all."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, array, allow_pickle=False)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def take_use(self) -> CacheUse:
        """The use since the last call: workers hand it on with what they made."""
        use, self._use = self._use, CacheUse()
        return use
