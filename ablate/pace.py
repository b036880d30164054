"""How far a training has come: told to who watches, and kept where every machine can read it."""

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

from ablate.spec import Cell

KEPT_EVERY = 2.0
"""Least seconds between two writings."""
WINDOW = 20.0
"""Seconds over which the rate is taken."""


@dataclass(frozen=True)
class Pace:
    """A training after a step."""

    step: int
    """Steps that are done; when all are, the model is being examined."""
    steps: int
    loss: float
    """Of that step, in nats per answer token."""
    samples_per_second: float | None = None
    """Over the last steps; None after the first one."""

    @property
    def share(self) -> float:
        """Of the training that is done."""
        return self.step / self.steps


class Meter:
    """Turns steps into a pace and keeps the latest as a file now and then.

    What an earlier attempt left is removed. What cannot be written is left out: nothing but a
    display depends on it.

    Args:
        cell: what is trained.
        folder: of its training.
    """

    def __init__(self, cell: Cell, folder: Path) -> None:
        self.batch, self.steps = cell.size.batch, cell.samples // cell.size.batch
        self.path = folder / "pace.json"
        self.recent: deque[tuple[float, int]] = deque()
        self.kept = -KEPT_EVERY
        self.path.unlink(missing_ok=True)

    def step(self, step: int, loss: float) -> Pace:
        """The step with index `step` is done."""
        now, done = time.monotonic(), step + 1
        self.recent.append((now, done))
        while now - self.recent[0][0] > WINDOW and len(self.recent) > 2:
            self.recent.popleft()
        (began, first), rate = self.recent[0], None
        if done > first and now > began:
            rate = (done - first) * self.batch / (now - began)
        pace = Pace(done, self.steps, loss, rate)
        if now - self.kept >= KEPT_EVERY or done == self.steps:
            self.kept = now
            self._keep(pace)
        return pace

    def _keep(self, pace: Pace) -> None:
        temporary = self.path.with_name(f".{self.path.name}")
        try:
            temporary.write_text(json.dumps(asdict(pace)))
            temporary.replace(self.path)
        except OSError:
            return


def last_pace(folder: Path) -> Pace | None:
    """What was kept last of the training in `folder`; None before its first step."""
    try:
        return Pace(**json.loads((folder / "pace.json").read_text()))
    except (OSError, TypeError, json.JSONDecodeError):
        return None
