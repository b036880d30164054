"""A listener that remembers what a sweep told it."""

from io import StringIO

from ablate.failures import Failure
from ablate.pace import Pace
from ablate.spec import Cell


class Heard:
    """Events in order, losses, and failures by score id."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.losses: list[float] = []
        self.failures: dict[str, Failure] = {}
        self.printed = StringIO()

    def started(self, cell: Cell) -> None:
        self.events.append(("started", cell.score_id))

    def stepped(self, cell: Cell, pace: Pace) -> None:
        self.losses.append(pace.loss)

    def finished(self, cell: Cell) -> None:
        self.events.append(("finished", cell.score_id))

    def failed(self, cell: Cell, failure: Failure) -> None:
        self.events.append(("failed", cell.score_id))
        self.failures[cell.score_id] = failure

    def left(self, cell: Cell) -> None:
        self.events.append(("left", cell.score_id))

    def of(self, event: str) -> set[str]:
        return {score_id for name, score_id in self.events if name == event}
