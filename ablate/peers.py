"""Starts and ends the processes that train a cell together with this one, on the same machine.

`python -m ablate.peers` is one of them. It is told what to do as JSON on its standard input and
leaves why it failed, if it did, as JSON on its standard output; the store is the first one's alone.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO

from torch import distributed

from ablate.failures import Failure, explain
from ablate.spec import Cell, from_dict, to_dict
from ablate.train.group import joined
from ablate.training import Alive, Job, train_cell

LAST_WORDS = 10.0
"""Most seconds that a peer has for saying why it failed, once the first process has noticed."""
_READY = "ready"
"""Counts the peers that have started."""


class PeerFailed(RuntimeError):
    """Another process of the cell failed; its kind and reason are those of the failure there."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.kind = failure.kind


@contextmanager
def peers(cell: Cell, job: Job, alive: Alive) -> Iterator[None]:
    """Train with the other processes of `job`, if it has several, until the block ends.

    Args:
        cell: what is trained.
        job: where and how.
        alive: called while they start.

    Raises:
        PeerFailed: one of them failed.
    """
    if (count := job.execution.processes) == 1:
        yield
        return
    with ExitStack() as ending:
        meeting = Path(
            ending.enter_context(tempfile.TemporaryDirectory(prefix="ablate-")), "meeting"
        )
        started = (_Peer(cell, job, rank, meeting) for rank in range(1, count))
        others = [ending.enter_context(closing(other)) for other in started]
        failed_at = float("inf")
        try:
            store = distributed.FileStore(str(meeting), count)
            while store.add(_READY, 0) < len(others):
                _raise_first(others, failed_at, wait=0)
                alive()
                time.sleep(0.1)
            with joined(store, 0, job.execution):
                try:
                    yield
                except Exception:
                    failed_at = time.time()
                    raise
            _raise_first(others, failed_at)
        except Exception:
            _raise_first(others, failed_at)
            raise


def _raise_first(others: Sequence["_Peer"], before: float, wait: float = LAST_WORDS) -> None:
    """Raise what failed first, of others that failed before a time: later ones only heard of it."""
    failures = [found for other in others if (found := other.failure(wait)) is not None]
    at, failure = min(failures, key=lambda found: found[0], default=(before, None))
    if failure is not None and at < before:
        raise PeerFailed(failure)


class _Peer:
    """One of the other processes."""

    def __init__(self, cell: Cell, job: Job, rank: int, meeting: Path) -> None:
        self.rank, self.count = rank, job.execution.processes
        self.said: IO[bytes] = tempfile.TemporaryFile()
        self.errors: IO[bytes] = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ablate.peers"],
            stdin=subprocess.PIPE, stdout=self.said, stderr=self.errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # What a terminal sends to all its processes is for the first to answer.
            start_new_session=True,
        )  # fmt: skip
        told = {
            "cell": to_dict(cell), "store": job.store, "execution": to_dict(job.execution),
            "rank": rank, "meeting": str(meeting), "first": os.getpid(),
        }  # fmt: skip
        assert self.process.stdin is not None
        with suppress(BrokenPipeError), self.process.stdin as pipe:
            pipe.write(json.dumps(told).encode())

    def failure(self, wait: float) -> tuple[float, Failure] | None:
        """When and why it failed, if it did and ends within `wait` seconds."""
        try:
            code = self.process.wait(wait)
        except subprocess.TimeoutExpired:
            return None
        if not code:
            return None
        self.said.seek(0)
        if said := self.said.read():
            at, kind, reason = json.loads(said)
            return at, Failure(kind, reason)
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        name, last = f"process {self.rank + 1} of {self.count}", f": {words[-1]}" if words else ""
        if code < 0:
            return 0.0, Failure("lost", f"{name} died of {signal.Signals(-code).name}{last}")
        return 0.0, Failure("bug", f"{name} ended with code {code}{last}")

    def close(self) -> None:
        """Make sure that it runs no more."""
        self.process.kill()
        self.process.wait()
        self.said.close()
        self.errors.close()


def main() -> None:
    """Be one of the other processes."""
    told = json.load(sys.stdin)
    # The first process ends this one, by a signal that cannot be held back; or has died.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_end_after, args=(told["first"],), daemon=True).start()
    said = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    cell, job = from_dict(told["cell"]), Job(told["store"], from_dict(told["execution"]))
    store = distributed.FileStore(told["meeting"], job.execution.processes)
    store.add(_READY, 1)
    code = 0
    try:
        with joined(store, told["rank"], job.execution):
            train_cell(cell, job, lambda step, loss: None, rank=told["rank"])
    except Exception as error:
        failure, code = explain(error), 1
        with said:
            json.dump([time.time(), failure.kind, failure.reason], said)
    # At once: torch's threads may abort a process that ends in an orderly way while they run.
    sys.stderr.flush()
    os._exit(code)


def _end_after(first: int) -> None:
    while os.getppid() == first:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main()
