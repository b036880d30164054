"""Work that may hang, crash or eat memory, in subprocesses that are killed when it does."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from ablate.data.faults import Fault

Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL = 0.02
"""Seconds between two looks at clock and memory."""
_ITEMS_PER_PROCESS = 500
"""decord grows over many files (decord issues 157 and 208): a process is replaced after so many."""
_START = 60.0
"""Seconds a process has for its imports."""
_READY = "ready"


@dataclass(frozen=True)
class Limits:
    """What one item may take."""

    seconds: float = 120.0
    memory: int = 2 * 2**30
    """Bytes that the process may hold, its libraries included."""


@dataclass(frozen=True)
class Killed:
    """Why there is no result."""

    fault: Fault
    reason: str


def guarded(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, limits: Limits
) -> Iterator[tuple[Item, Result | Killed]]:
    """Does `work` for every item in subprocesses; results come as they are ready.

    Args:
        work: a function of a module, so that a new process can import it.
        items: what is handed to it, one at a time.
        workers: most processes side by side.
        limits: of one item; whoever exceeds them is killed, and its process replaced.
    """
    left = iter(items)
    processes = [_Process(work, limits) for _ in range(min(workers, len(items)))]
    try:
        busy = [process for process in processes if process.take(left)]
        while busy:
            wait([process.connection for process in busy], timeout=_POLL)
            for process in list(busy):
                outcome = process.outcome()
                if outcome is not None:
                    yield outcome
                    if not process.take(left):
                        busy.remove(process)
    finally:
        for process in processes:
            process.stop()


class _Process(Generic[Item, Result]):
    """One subprocess and its replacements."""

    def __init__(self, work: Callable[[Item], Result], limits: Limits) -> None:
        self._work, self._limits = work, limits
        self._start()

    def take(self, items: Iterator[Item]) -> bool:
        """Begins with the next item; False if there is none."""
        try:
            self._item = next(items)
        except StopIteration:
            return False
        if self._process is None or self._done == _ITEMS_PER_PROCESS:
            self.stop()
            self._start()
        if not self._done:
            self._await_start()
        self._done += 1
        self._began = time.monotonic()
        self.connection.send(self._item)
        return True

    def outcome(self) -> tuple[Item, Result | Killed] | None:
        """What became of the item, once something has."""
        seconds, memory = self._limits.seconds, self._limits.memory
        # Before the answer is looked for: what comes late must not count by luck.
        if time.monotonic() - self._began > seconds:
            return self._killed(Fault.TOO_SLOW, f"took more than {seconds:g} s")
        if _resident(self._process.pid) > memory:
            return self._killed(Fault.TOO_MUCH_MEMORY, f"took more than {memory / 2**30:g} GiB")
        if self.connection.poll():
            try:
                return self._item, self.connection.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode
                return self._killed(Fault.CRASHED, f"the decoder ended its process ({code})")
        return None

    def _killed(self, fault: Fault, reason: str) -> tuple[Item, Killed]:
        self.stop()
        return self._item, Killed(fault, reason)

    def _start(self) -> None:
        # Spawned, not forked: the caller may hold threads and open decoders.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: Any = context.Process(target=_serve, args=(self._work, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._done = 0

    def _await_start(self) -> None:
        try:
            if self.connection.poll(_START) and self.connection.recv() == _READY:
                return
        except EOFError:
            pass
        raise RuntimeError("a checking process did not start")

    def stop(self) -> None:
        """Ends the subprocess, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.connection.close()
            self._process = None


def _serve(work: Callable[[Any], Any], connection: Connection) -> None:
    """Answers items until the other end is gone."""
    leave_with_parent()
    # Decoders print what their errors say anyway.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    connection.send(_READY)
    while True:
        try:
            item = connection.recv()
        except EOFError:
            return
        try:
            result = work(item)
        except MemoryError:
            result = Killed(Fault.TOO_MUCH_MEMORY, "asked for more memory than there is")
        connection.send(result)


def leave_with_parent(_: object = None) -> None:
    """End this process when its parent dies: one that hangs in a decoder must not outlive it."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _resident(pid: int) -> int:
    """Bytes that a process holds in memory; 0 once it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
