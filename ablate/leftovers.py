"""What a sweep that was killed leaves behind, and its end: by a watcher, or by the next sweep.

A sweep holds a folder `tune-<name>` of the store, as a run is held. Its own Ray, if it has one,
lives in a folder of the same name among the machine's temporary files, where every one of Ray's
processes writes: by that they are known, and no other process is touched.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ablate.lease import EXPIRY, claim, holder

_PREFIX = "tune-"
_PATIENCE = 10.0
"""Seconds that processes have to end."""


@contextmanager
def sweep_folder(store: Path) -> Iterator[Path]:
    """A folder for what Tune keeps of a sweep; gone when the block ends, or soon after a kill."""
    end_dead(store)
    folder = store.resolve() / f"{_PREFIX}{secrets.token_hex(4)}"
    # The watcher begins first and ends last: at no moment is there a folder that nobody watches.
    with _watched(folder):
        try:
            lease = claim(folder)
            assert lease is not None  # nobody else knows the folder
            with lease:
                yield folder
        finally:
            _end(folder)


def ray_folder(folder: Path) -> Path:
    """Where the Ray of a sweep lives: a short path, as the names of sockets are limited."""
    name = folder.name.removeprefix(_PREFIX)
    return Path(os.environ.get("RAY_TMPDIR", "/tmp")).resolve() / f"ablate-ray-{name}"


def end_dead(store: Path) -> None:
    """End what sweeps on `store` left whose driver has died, and remove their folders."""
    for folder in sorted(store.glob(f"{_PREFIX}*")):
        if folder.is_dir() and _is_dead(folder):
            _end(folder.resolve())


def _is_dead(folder: Path) -> bool:
    """Whether its sweep has ended; one without a claim may be about to make it."""
    try:
        begun = any(folder.glob("lease.*")) or time.time() - folder.stat().st_mtime > EXPIRY
    except FileNotFoundError:
        return False
    return begun and holder(folder) is None


def _end(folder: Path) -> None:
    """Kill what is left of the processes of a sweep and remove its folders."""
    deadline = time.monotonic() + _PATIENCE
    # What is about to start others may do so between a look and its end.
    while (left := processes(folder)) and time.monotonic() < deadline:
        for process in left:
            with suppress(OSError):
                os.kill(process, 9)
        time.sleep(0.05)
    for path in (ray_folder(folder), folder):
        shutil.rmtree(path, ignore_errors=True)


def processes(folder: Path) -> list[int]:
    """The processes of a sweep's Ray, by number: those that have files of it open to write."""
    import psutil

    home = ray_folder(folder)
    if not home.is_dir():
        return []
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # of other users, or gone meanwhile
            # Who only reads a log is no part of it.
            if process.pid != os.getpid() and any(
                getattr(file, "mode", "w") != "r" and home in Path(file.path).parents
                for file in process.open_files()
            ):
                found.append(process.pid)
    return found


@contextmanager
def _watched(folder: Path) -> Iterator[None]:
    """A process beside this one that cleans up if this one is killed."""
    command = [sys.executable, "-m", "ablate.leftovers", str(folder)]
    # In a session of its own: what ends this process' group must not end it too.
    watcher = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert watcher.stdin is not None
    try:
        yield
    finally:
        with suppress(OSError):
            watcher.stdin.write(b"done")
            watcher.stdin.close()
        watcher.wait()


def _watch(folder: Path) -> None:
    """Wait for the end of the process that started this one; nothing comes if it was killed."""
    if not sys.stdin.buffer.read():
        _end(folder)


if __name__ == "__main__":
    _watch(Path(sys.argv[1]))
