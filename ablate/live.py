"""A sweep in the terminal: a live table where someone watches, a line for every event elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablate.console import cell_name, human_time
from ablate.failures import Failure
from ablate.pace import Pace
from ablate.plan import Plan
from ablate.spec import Cell

SILENCE = 30.0
"""Most seconds between two lines of progress where the output is not a terminal."""
SHOWN = 8
"""Most failures the live table holds: the latest; all are listed when the sweep has ended."""


class SweepView:
    """What a sweep has done, is at and has left; a `Listener` of the launcher.

    Args:
        plan: of the study.
        cells: that the sweep runs.
        axes: that tell the designs apart.
        slots: cells at a time.
        console: where it is shown.
    """

    def __init__(
        self,
        plan: Plan,
        cells: Sequence[Cell],
        axes: tuple[str, ...],
        slots: int,
        console: Console,
    ) -> None:
        self.axes, self.slots, self.console = axes, slots, console
        self.expected = {price.cell.score_id: price.seconds for price in plan.price(cells)}
        self.total = len(self.expected)
        self.running: dict[str, tuple[Cell, float]] = {}
        """Cell and when it began."""
        self.paces: dict[str, Pace] = {}
        """By training: cells of one training share it."""
        self.spent: dict[str, float] = {}
        self.failures: list[tuple[Cell, Failure]] = []
        self.others: list[Cell] = []
        """Cells that were left to other sweeps."""
        self.began = self.last_line = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator["SweepView"]:
        """Show the table while the sweep runs, if the output is a terminal."""
        if not self.console.is_terminal:
            yield self
            return
        with Live(self, console=self.console, refresh_per_second=4, vertical_overflow="crop"):
            yield self

    def started(self, cell: Cell) -> None:
        """A cell begins."""
        self.running[cell.score_id] = (cell, time.monotonic())

    def stepped(self, cell: Cell, pace: Pace) -> None:
        """A running training has made progress."""
        self.paces[cell.train_id] = pace
        if time.monotonic() - self.last_line > SILENCE:
            self._say()

    def finished(self, cell: Cell) -> None:
        """A cell has its record."""
        took = self._ended(cell)
        self._say(f"done    {cell_name(cell, self.axes)}  {human_time(took)}")

    def failed(self, cell: Cell, failure: Failure) -> None:
        """A cell has none, and why."""
        self._ended(cell)
        self.failures.append((cell, failure))
        self._say(f"failed  {cell_name(cell, self.axes)}: {failure}")

    def left(self, cell: Cell) -> None:
        """A cell was left to another process that is at it."""
        self.running.pop(cell.score_id, None)
        self.others.append(cell)

    def _ended(self, cell: Cell) -> float:
        _, began = self.running.pop(cell.score_id, (cell, time.monotonic()))
        self.spent[cell.score_id] = time.monotonic() - began
        return self.spent[cell.score_id]

    def seconds_left(self) -> float | None:
        """Wall time left: what is expected of the rest, at the pace of what was done."""
        if not self.spent:
            return None
        rate = sum(self.spent.values()) / sum(self.expected[key] for key in self.spent)
        known = self.spent.keys() | {cell.score_id for cell in self.others}
        waiting = sum(seconds for key, seconds in self.expected.items() if key not in known)
        return max(0.0, (waiting - self._part_done()) * rate / self.slots)

    def _part_done(self) -> float:
        """Expected seconds of the running cells that have been worked off."""
        parts = [
            self.expected[key] * pace.share
            for key, (cell, _) in self.running.items()
            if (pace := self.paces.get(cell.train_id))
        ]
        return sum(parts)

    @property
    def counts(self) -> str:
        """How many cells are in which state, and the time left."""
        done = len(self.spent) - len(self.failures)
        left = self.total - len(self.spent) - len(self.running) - len(self.others)
        told = [f"{done}/{self.total} done", f"{len(self.running)} running"]
        told += [f"{len(self.failures)} failed", f"{left} waiting"]
        if self.others:
            told.append(f"{len(self.others)} run by another sweep")
        if (remaining := self.seconds_left()) is not None:
            told.append(f"{human_time(remaining)} left")
        return ", ".join(told)

    def _say(self, event: str = "") -> None:
        """A line for those who do not watch."""
        self.last_line = time.monotonic()
        if not self.console.is_terminal:
            line = f"[{self.last_line - self.began:4.0f} s] {self.counts}  {event}"
            self.console.print(Text(line.rstrip()), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        """The table as it stands now."""
        share = sum(self.expected[key] for key in self.spent) + self._part_done()
        everything = max(1e-9, sum(self.expected.values()))
        parts: list[RenderableType] = [
            Text(f"{self.counts}, {human_time(time.monotonic() - self.began)} so far"),
            # A bar alone does not end its line.
            Padding(ProgressBar(everything, share, width=min(60, self.console.width)), 0),
        ]
        if self.running:
            rows = [
                (cell_name(cell, self.axes), self.paces.get(cell.train_id),
                 human_time(time.monotonic() - began))
                for cell, began in self.running.values()
            ]  # fmt: skip
            parts.append(running_table(rows, "for"))
        latest = self.failures[-SHOWN:]
        parts += [
            Text(f"failed {cell_name(cell, self.axes)}: {why}", style="red", no_wrap=True,
                 overflow="ellipsis")
            for cell, why in latest
        ]  # fmt: skip
        if more := len(self.failures) - len(latest):
            parts.append(Text(f"{more} more failed before", style="red"))
        return Group(*parts)


def running_table(rows: Sequence[tuple[str, Pace | None, str]], last: str) -> Table:
    """Running cells with how far they have come.

    Args:
        rows: name, pace and one more fact of each.
        last: name of that fact.
    """
    cells = []
    for name, pace, fact in rows:
        step, loss, rate = "starting", "-", "-"
        if pace is not None:
            step = f"{pace.step:,} of {pace.steps:,}" if pace.step < pace.steps else "examining"
            loss = f"{pace.loss:.3f}"
            rate = "-" if pace.samples_per_second is None else f"{pace.samples_per_second:,.0f}"
        cells.append((name, step, loss, rate, fact))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, title in enumerate(("running", "step", "loss", "samples/s", last)):
        widest = max(len(title), *(len(row[at]) for row in cells))
        # Where there is no room, names are cut and no figure is.
        table.add_column(
            title, justify="right" if at else "left", no_wrap=True, overflow="ellipsis",
            min_width=widest if at else None,
        )  # fmt: skip
    for row in cells:
        table.add_row(*map(Text, row))
    return table
