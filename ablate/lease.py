"""A claim on a training that its owner renews, so that no two processes do the same work.

Asks of the filesystem only that a file can be created if it is not there, so a store may lie on any
path that all machines see. Claims on a folder are numbered, `lease.0`, `lease.1` ...: the highest
counts, and taking over means creating the next one, which only one process can.
"""

import json
import os
import secrets
import socket
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

HEARTBEAT = 5.0
"""Seconds between two renewals."""
EXPIRY = 60.0
"""Seconds without a renewal after which a claim may be taken over."""
_GIVEN_UP = 0
"""Time of the last renewal of a claim that its owner gave up."""


class LeaseLost(RuntimeError):
    """Another process has taken the claim over; what is written from here on would be its work."""


@dataclass(frozen=True)
class Owner:
    """A process that made a claim."""

    host: str
    space: str
    """Its process-id namespace: containers may share a host's name, but not its numbers."""
    pid: int
    started: float
    """Seconds since 1970, as processes are numbered anew."""
    token: str
    """Tells two claims of one process apart."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @classmethod
    def here(cls) -> "Owner":
        """This process, for a new claim."""
        import psutil

        host, space = _here()
        return cls(host, space, os.getpid(), psutil.Process().create_time(), secrets.token_hex(8))

    def has_ended(self) -> bool:
        """Whether the process is known to run no more; that of another machine never is."""
        import psutil

        if (self.host, self.space) != _here():
            return False
        try:
            process = psutil.Process(self.pid)
            zombie = process.status() == psutil.STATUS_ZOMBIE
            return zombie or abs(process.create_time() - self.started) > 2
        except psutil.NoSuchProcess:
            return True


class Lease:
    """A claim of this process; leaving its block gives it up.

    A thread renews it. Who holds it asks `check` before anything that must not happen twice: a
    machine that slept may find that another process went on.
    """

    def __init__(self, path: Path, owner: Owner) -> None:
        self.path, self.owner = path, owner
        self._renewed = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        # Setting its time needs no room on a full disk. The file stays: a number that is free again
        # could be claimed by one who looked long ago.
        os.utime(self.path, (_GIVEN_UP, _GIVEN_UP))

    def check(self) -> None:
        """Make sure that the claim still stands.

        Raises:
            LeaseLost: another process has taken it over, or may have, as it could not be renewed.
        """
        if self._taken_over() or time.monotonic() - self._renewed > EXPIRY - HEARTBEAT:
            raise LeaseLost(f"{self.path.parent}: another process went on with it")

    def _taken_over(self) -> bool:
        return self.path.with_name(f"lease.{_number(self.path) + 1}").exists()

    def _renew(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            try:
                if not self._taken_over():
                    os.utime(self.path)
                    self._renewed = time.monotonic()
            except OSError:
                continue  # a network filesystem that comes back in time costs nothing


def claim(folder: Path) -> Lease | None:
    """Claim what lies in `folder`, which is created where missing; None while another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    latest = _latest(folder)
    if latest is not None and _stands(folder / f"lease.{latest}"):
        return None
    owner = Owner.here()
    path = folder / f"lease.{0 if latest is None else latest + 1}"
    try:
        file = path.open("x")
    except FileExistsError:
        return None
    try:
        with file:
            json.dump(asdict(owner), file)
    except OSError as error:
        path.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None
    return Lease(path, owner)


def holder(folder: Path) -> Owner | None:
    """Who holds the claim on `folder`, if anyone does."""
    latest = _latest(folder)
    if latest is None or not _stands(folder / f"lease.{latest}"):
        return None
    return _owner(folder / f"lease.{latest}")


def _stands(path: Path) -> bool:
    """Whether the claim is someone's, and its owner is not known to have ended or fallen silent."""
    try:
        owner, renewed = _owner(path), path.stat().st_mtime
    except FileNotFoundError:  # a network filesystem that has not caught up
        return True
    if renewed == _GIVEN_UP or (owner is not None and owner.has_ended()):
        return False
    return _clock(path.parent) - renewed < EXPIRY


def _owner(path: Path) -> Owner | None:
    """Who made a claim; None for one whose maker has not written it yet, or died before."""
    try:
        return Owner(**json.loads(path.read_text()))
    except (FileNotFoundError, TypeError, json.JSONDecodeError):
        return None


def _clock(folder: Path) -> float:
    """Now, by the clock that stamps files in `folder`: a file server's may differ from ours."""
    probe = folder / f".clock-{secrets.token_hex(8)}"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
    except OSError:  # a store that may only be read
        return time.time()
    return now


def _here() -> tuple[str, str]:
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        space = ""
    return socket.gethostname(), space


def _latest(folder: Path) -> int | None:
    claims = (path for path in folder.glob("lease.*") if path.suffix[1:].isdecimal())
    return max(map(_number, claims), default=None)


def _number(path: Path) -> int:
    return int(path.name.removeprefix("lease."))
