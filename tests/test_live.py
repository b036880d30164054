"""What a terminal shows of a sweep: a table where someone watches, lines where no one does."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ablate import live, pace
from ablate.failures import Failure
from ablate.live import SweepView, running_table
from ablate.pace import Meter, Pace, last_pace
from ablate.plan import Counts, make_plan
from ablate.store import RunStore
from tests.cells import small_cell

CELLS = [small_cell(seed=seed) for seed in range(4)]
HALF = Pace(2, 4, 1.25, 310.0)


class Clock:
    """Stands in for `time`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(live, "time", found)
    monkeypatch.setattr(pace, "time", found)
    return found


def view(terminal: bool, tmp_path: Path) -> tuple[SweepView, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    plan = make_plan(CELLS, RunStore(tmp_path), Counts(10, 10, 2))
    return SweepView(plan, CELLS, ("sampling",), 2, console), out


def table(seen: SweepView) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(seen)
    return [line.rstrip() for line in out.getvalue().splitlines()]


# === a sweep someone watches ===


def test_the_table_shows_every_state(clock: Clock, tmp_path: Path) -> None:
    seen, _ = view(True, tmp_path)
    for cell in CELLS[:3]:
        seen.started(cell)
    seen.stepped(CELLS[0], HALF)
    clock.now += 30
    seen.failed(CELLS[1], Failure("diverged", "loss is nan at step 3"))
    lines = table(seen)
    assert lines[0].startswith("0/4 done, 2 running, 1 failed, 1 waiting, ")
    assert lines[0].endswith("left, 30 s so far")
    assert lines[2].split() == ["running", "step", "loss", "samples/s", "for"]
    assert lines[3].split()[-7:] == ["2", "of", "4", "1.250", "310", "30", "s"]
    assert lines[4].split()[-5:] == ["starting", "-", "-", "30", "s"]
    assert lines[5].endswith("seed 1: diverged: loss is nan at step 3")


def test_a_trained_cell_is_being_examined(tmp_path: Path) -> None:
    out = io.StringIO()
    rows = [("cell", Pace(4, 4, 1.0, 9.6), "3 s")]
    Console(file=out, width=80).print(running_table(rows, "for"))
    assert "examining" in out.getvalue() and " 10 " in out.getvalue()


def test_many_failures_do_not_fill_the_screen(clock: Clock, tmp_path: Path) -> None:
    seen, _ = view(True, tmp_path)
    seen.failures = [(CELLS[0], Failure("bug", f"number {k}")) for k in range(20)]
    lines = table(seen)
    assert len([line for line in lines if line.startswith("failed")]) == live.SHOWN
    assert lines[-1] == f"{20 - live.SHOWN} more failed before"


def test_the_live_table_prints_no_lines_of_its_own(clock: Clock, tmp_path: Path) -> None:
    seen, out = view(True, tmp_path)
    with seen.shown():
        seen.started(CELLS[0])
        seen.finished(CELLS[0])
    assert "1/4 done" in out.getvalue() and "done  " not in out.getvalue()


# === a sweep no one watches ===


def test_lines_come_with_events_and_after_a_long_silence(clock: Clock, tmp_path: Path) -> None:
    seen, out = view(False, tmp_path)
    with seen.shown():
        seen.started(CELLS[0])
        for _ in range(10):
            clock.now += 1
            seen.stepped(CELLS[0], HALF)
        assert out.getvalue() == ""
        clock.now += live.SILENCE
        seen.stepped(CELLS[0], HALF)
        assert out.getvalue().count("\n") == 1
        seen.finished(CELLS[0])
        seen.started(CELLS[1])
        seen.failed(CELLS[1], Failure("lost", "the worker process died"))
    first, done, failed = out.getvalue().splitlines()
    assert first.startswith("[  40 s] 0/4 done, 1 running")
    assert "done    10K" in done and done.endswith("  40 s")
    assert failed.endswith("seed 1: lost: the worker process died")
    assert "\x1b" not in out.getvalue()


def test_time_left_follows_the_pace_of_what_is_done(clock: Clock, tmp_path: Path) -> None:
    seen, _ = view(False, tmp_path)
    assert seen.seconds_left() is None
    seen.started(CELLS[0])
    clock.now += 60
    seen.finished(CELLS[0])
    first, *rest = (seen.expected[cell.score_id] for cell in CELLS)
    assert first > rest[0]  # it alone looks at clips that are new
    pace = 60 / first / 2  # on two slots
    assert seen.seconds_left() == pytest.approx(sum(rest) * pace)
    seen.started(CELLS[1])
    seen.stepped(CELLS[1], HALF)
    assert seen.seconds_left() == pytest.approx((rest[0] / 2 + rest[1] + rest[2]) * pace)
    seen.left(CELLS[2])
    assert seen.seconds_left() == pytest.approx((rest[0] / 2 + rest[2]) * pace)


# === how far a training has come ===


def test_the_pace_is_kept_now_and_then_and_at_the_end(clock: Clock, tmp_path: Path) -> None:
    cell = CELLS[0]
    meter = Meter(cell, tmp_path)
    assert last_pace(tmp_path) is None
    assert meter.step(0, 3.0) == Pace(1, 4, 3.0, None) == last_pace(tmp_path)
    clock.now += 0.5
    second = meter.step(1, 2.0)
    assert second.samples_per_second == pytest.approx(cell.size.batch / 0.5)
    assert last_pace(tmp_path) == Pace(1, 4, 3.0, None)
    clock.now += pace.KEPT_EVERY
    meter.step(2, 1.5)
    last = meter.step(3, 1.0)
    assert last_pace(tmp_path) == last and last.share == 1


def test_the_rate_forgets_what_is_long_ago(clock: Clock, tmp_path: Path) -> None:
    meter = Meter(small_cell(samples=16 * 100), tmp_path)
    for step in range(50):
        clock.now += 10 if step < 10 else 1
        found = meter.step(step, 1.0)
    assert found.samples_per_second == pytest.approx(16.0)


def test_a_resumed_training_counts_its_own_steps_only(clock: Clock, tmp_path: Path) -> None:
    meter = Meter(small_cell(samples=16 * 100), tmp_path)
    assert meter.step(60, 1.0).samples_per_second is None
    clock.now += 2
    assert meter.step(61, 1.0).samples_per_second == pytest.approx(8.0)


def test_a_damaged_or_unwritable_pace_is_no_pace(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "pace.json").write_text('{"step": 1')
    assert last_pace(tmp_path) is None
    (tmp_path / "pace.json").write_text(json.dumps({"other": 1}))
    assert last_pace(tmp_path) is None
    assert Meter(CELLS[0], tmp_path / "gone").step(0, 1.0).step == 1
