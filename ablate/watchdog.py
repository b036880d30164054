"""Ends a process that makes no progress, and keeps where it hung."""

import faulthandler
import re
import time
from pathlib import Path
from types import TracebackType

from ablate.failures import Failure

_THREAD = re.compile(r"^(?:Current t|T)hread 0x[0-9a-f]+.*?\(most recent call first\):$", re.M)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.M)


class Watchdog:
    """Ends this process when it is not fed for `patience` seconds.

    Python's own fault handler does it from a thread that needs no interpreter lock, so a decoder
    that hangs inside a C library is no refuge. It writes every thread's stack to `path`, which is
    empty until then and gone when the block ends.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self.path, self.patience = path, patience
        self._fed = float("-inf")

    def __enter__(self) -> "Watchdog":
        self._file = self.path.open("w")
        self.feed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._file.close()
        self.path.unlink(missing_ok=True)

    def feed(self) -> None:
        """Say that there is progress; may be called as often as one likes."""
        if time.monotonic() - self._fed > self.patience / 100:
            faulthandler.dump_traceback_later(self.patience, exit=True, file=self._file)
            self._fed = time.monotonic()


def hang_in(path: Path) -> Failure | None:
    """Where the thread that was at work hung, if a watchdog left so in `path`."""
    try:
        stacks = _THREAD.split(path.read_text())[1:]
    except FileNotFoundError:
        return None
    for stack in stacks:
        frames = _FRAME.findall(stack)
        if any(file.endswith("ablate/worker.py") for file, _, _ in frames):
            ours = next(frame for frame in frames if "/ablate/" in frame[0])
            places = dict.fromkeys(
                f"{_short(f)}:{line} ({name})" for f, line, name in (frames[0], ours)
            )
            return Failure("timeout", f"no progress at {', called at '.join(places)}")
    return None


def _short(file: str) -> str:
    """The last three parts of a path."""
    return "/".join(Path(file).parts[-3:])
