"""Why a cell has no score: the kinds, and what is told of an error in one line."""

import errno
import traceback
from dataclasses import dataclass
from pathlib import Path

KINDS = {
    "memory": "out of memory",
    "diverged": "the loss stopped being a number",
    "data": "a file of the data cannot be used",
    "disk": "no space left in the store",
    "timeout": "no progress for a given time; the line says where",
    "lost": "the worker process, one that read data for it, or its machine died",
    "bug": "an error of the program, with file and line",
}
"""What each kind means."""

NEXT = {
    "memory": "run fewer cells at a time, or on a machine with more memory, and sweep again",
    "diverged": "a lower learning rate makes another cell; `--retry` tries the same one again",
    "data": "`ablate data check` names every such file; mend or leave it out, and sweep again",
    "disk": "make room where the store lies, and sweep again",
    "lost": "sweep again: training goes on from its last checkpoint",
    "bug": "report it with this line, and sweep again when it is mended",
}
"""What to do about each kind."""

_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")
_NO_SPACE = ("no space left on device", "disk quota exceeded")
_PACKAGE = Path(__file__).parent
_Place = tuple[Path, int | None]
"""A file and a line."""


@dataclass(frozen=True)
class Failure:
    """Why a cell has no score."""

    kind: str
    """One of `KINDS`."""
    reason: str

    @property
    def is_certain(self) -> bool:
        """Whether the same cell fails again: training repeats itself, files and machines differ."""
        return self.kind == "diverged"

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


def explain(error: Exception) -> Failure:
    """The kind of an error and one line that says where it came from.

    An error that knows its kind carries it as `kind`. What the data package refuses is about the
    files it read; all that is left is a bug, with the place in this program where it surfaced.
    """
    text = " ".join(_words(error).split()) or type(error).__name__
    places = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if (kind := _kind(error, text.lower(), places)) is not None:
        return Failure(kind, text)
    return Failure("bug", f"{type(error).__name__}{_where(places)}: {text}")


def _kind(error: Exception, said: str, places: list[_Place]) -> str | None:
    if getattr(error, "kind", None) in KINDS:
        return error.kind  # type: ignore[attr-defined]
    if isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY):
        return "memory"
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or any(words in said for words in _NO_SPACE):
        return "disk"
    if said.startswith("dataloader worker"):
        return "lost"
    from_data = places and _PACKAGE / "data" in places[-1][0].parents
    return "data" if from_data and isinstance(error, ValueError | OSError) else None


def _where(places: list[_Place]) -> str:
    """The innermost line of this program, else of any."""
    ours = [(path, line) for path, line in places if _PACKAGE in path.parents]
    if ours:
        path, line = ours[-1]
        return f" at {path.relative_to(_PACKAGE.parent)}:{line}"
    return f" at {places[-1][0].name}:{places[-1][1]}" if places else ""


def _words(error: Exception) -> str:
    """What an error says, without the number of a system error."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
