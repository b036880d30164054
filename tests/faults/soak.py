"""Sweeps whose processes are killed again and again, and sweeps whose memory is watched.

    python -m tests.faults.soak kills --kills 100 --minutes 45
    python -m tests.faults.soak memory --cells 500
    python -m tests.faults.soak report

The first two print their figures and leave them in `build/soak/`; the last puts them into
`docs/reliability.md`.
"""

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import click
import pandas as pd
import psutil
from safetensors import safe_open

from ablate.store import RunStore
from ablate.world.generate import generate
from analysis.tables.load import load
from tests.cells import WORLD, new_store, silent
from tests.faults import sweeps

ROOT = Path(__file__).parents[2]
FIGURES, PAGE = ROOT / "build" / "soak", ROOT / "docs" / "reliability.md"
KINDS = ("driver", "worker", "Ray node", "data worker")
OPTIONS = ("--samples", "256", "--checkpoint", "0.2", "--data-workers", "1")
"""Cells of 32 steps, with a checkpoint every 0.2 s."""
LOOK_EVERY = 0.5
"""Seconds between two looks at all that is written."""
COMPARED = ("loss", "scores", "controls", "sampling", "cell", "size", "trainable_parameters")
"""What of a record must not depend on what was killed."""
_WORKER = "ray::ImplicitFunc"
"""How Ray names the processes that train."""
WINDOW = 50
"""Cells at the beginning that may still fill the memory, and at the end that are compared."""


@dataclass
class Kills:
    """What a soak did and found."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    minutes: float = 0.0
    sweeps: int = 0
    """Stores that were filled."""
    cells: int = 0
    """In all of them; each has one record, equal to that of an undisturbed sweep."""
    calls: int = 0
    """Of the program that this took."""
    taken_over: int = 0
    """Claims on trainings that another process took over from one that was killed."""
    lost: int = 0
    """Cells that were given up until the next call."""
    slowest_end: float = 0.0
    """Most seconds until all that a killed driver left had ended."""
    looks: int = 0
    """Times that all records and weights of a store were read while it was filled."""


class Soak:
    """One store after the other, filled by sweeps whose processes are killed.

    Args:
        folder: of the stores.
        options: of the sweeps, beside `OPTIONS`.
        gap: most seconds between two kills.
        seed: of what is killed when.
    """

    def __init__(self, folder: Path, options: tuple[str, ...], gap: float, seed: int) -> None:
        self.folder, self.options, self.gap = folder, (*OPTIONS, *options), (1.0, gap)
        self.random, self.found, self.looked = random.Random(seed), Kills(), 0.0
        generate(WORLD, folder / "world" / "data", 2, silent)
        self.expected = self._undisturbed()
        self.store = self._next_store()
        self.driver = self._call()

    def _undisturbed(self) -> dict[str, tuple[dict, pd.DataFrame]]:
        """Records and answers of a sweep that nobody disturbs, by score id."""
        store = self._next_store("undisturbed")
        driver = sweeps.start(store, *self.options)
        assert driver.wait() == 0, sweeps.said(store).read_text()
        return _results(store)

    def _next_store(self, name: str = "") -> Path:
        # Each with a cache of its own: nothing half-written there must be read either.
        name = name or f"sweep-{self.found.sweeps}"
        return new_store(self.folder / name, self.folder / "world", share_cache=False)

    def _call(self) -> subprocess.Popen:
        self.found.calls += 1
        return sweeps.start(self.store, *self.options)

    def run(self, kinds: list[str], seconds: float) -> Kills:
        """Kill a process of each of these kinds while time lasts, then let the sweep end."""
        begun = time.monotonic()
        left, due = list(kinds), begun + self.random.uniform(*self.gap)
        while True:
            now = time.monotonic()
            killing = bool(left) and now - begun < seconds
            if killing and now >= due and self._kill(left[0]):
                self.found.kills[left.pop(0)] += 1
                due = time.monotonic() + self.random.uniform(*self.gap)
            if self.driver.poll() is not None and self._ended() and not killing:
                break
            self._look()
            time.sleep(0.02)
        self.found.minutes = (time.monotonic() - begun) / 60
        return self.found

    def _ended(self) -> bool:
        """Go on after a driver has ended; whether its store was complete."""
        complete = len(sweeps.records(self.store)) == len(self.expected)
        if complete:
            self._check()
            self.store = self._next_store()
        else:
            failures = [json.loads(p.read_text()) for p in self.store.glob("runs/*/*/failure.json")]
            assert {one["kind"] for one in failures} <= {"lost"}, failures
            self.found.lost += len(failures)
        self.driver = self._call()
        return complete

    def _kill(self, kind: str) -> bool:
        """Kill a process of a kind, if there is one now."""
        running = [] if self.driver.poll() is not None else _tree(self.driver.pid)
        targets = [process for process in running if _kind(process, self.driver.pid) == kind]
        if not targets:
            return False
        with suppress(psutil.NoSuchProcess):
            self.random.choice(targets).send_signal(signal.SIGKILL)
        if kind == "driver":
            self._await_end(running)
        return True

    def _await_end(self, running: list[psutil.Process]) -> None:
        """Wait until nothing is left of a driver that was killed."""
        self.driver.wait()
        begun = time.monotonic()
        _, alive = psutil.wait_procs(running, timeout=60)
        while any(self.store.glob("tune-*")) and time.monotonic() - begun < 60:
            time.sleep(0.02)
        assert not alive and not any(self.store.glob("tune-*")), alive
        self.found.slowest_end = max(self.found.slowest_end, time.monotonic() - begun)

    def _look(self) -> None:
        """Read all that is whole, as anyone may at any time."""
        if time.monotonic() - self.looked < LOOK_EVERY:
            return
        for path in self.store.glob("runs/*/weights.safetensors"):
            with suppress(FileNotFoundError), safe_open(path, "pt") as weights:
                assert [weights.get_tensor(name) for name in weights.keys()]
        assert len(list(RunStore(self.store).records())) <= len(self.expected)
        for path in self.store.glob("runs/*/[!.]*.json"):
            with suppress(FileNotFoundError):
                json.loads(path.read_text())
        self.found.looks += 1
        self.looked = time.monotonic()

    def _check(self) -> None:
        """Every record is there once and equal to that of an undisturbed sweep."""
        found = _results(self.store)
        assert found.keys() == self.expected.keys()
        for score_id, (record, answers) in found.items():
            expected, expected_answers = self.expected[score_id]
            for key in COMPARED:
                assert record[key] == expected[key], (score_id, key)
            pd.testing.assert_frame_equal(answers, expected_answers)
        claims = [path for path in self.store.glob("runs/*/lease.*") if path.name != "lease.0"]
        self.found.taken_over += len(claims)
        self.found.cells += len(found)
        self.found.sweeps += 1


def _results(store: Path) -> dict[str, tuple[dict, pd.DataFrame]]:
    records = list(RunStore(store).records())
    assert len(records) == load(store).score_id.nunique()
    return {r["score_id"]: (r, pd.read_parquet(at / "questions.parquet")) for at, r in records}


def _tree(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kind(process: psutil.Process, driver: int) -> str | None:
    """Which of `KINDS` a process of a sweep is, if any."""
    try:
        name, parent = process.name(), process.parent()
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if process.pid == driver:
            return "driver"
        if name == "raylet":
            return "Ray node"
        if parent is not None and parent.name().startswith(_WORKER):
            return "data worker"
        return "worker" if name.startswith(_WORKER) else None
    except psutil.NoSuchProcess:
        return None


@dataclass
class Memory:
    """Resident memory of a sweep's whole process tree, in MB."""

    cells: int
    minutes: float
    early: float
    """Median while the `WINDOW` cells after the first `WINDOW` were run."""
    late: float
    """Median while the last `WINDOW` were."""
    peak: float
    growth: float
    """Of the late above the early, as a share."""


def watch_memory(folder: Path, cells: int, seconds: float) -> Memory:
    """Run a sweep of many cells, or as many as there is time for, and watch its memory."""
    generate(WORLD, folder / "world" / "data", 2, silent)
    store = new_store(folder / "store", folder / "world", share_cache=False)
    # Two sizes of six designs.
    driver = sweeps.start(store, "--samples", "64", "--seeds", str(-(-cells // 12)))
    begun, held = time.monotonic(), []
    try:
        while driver.poll() is None and time.monotonic() - begun < seconds:
            held.append((len(sweeps.records(store)), _resident(driver.pid)))
            time.sleep(1.0)
    finally:
        if driver.poll() is None:
            driver.send_signal(signal.SIGINT)
            driver.wait()
    done = len(sweeps.records(store))
    assert done >= 3 * WINDOW, sweeps.said(store).read_text()
    early = median(m for n, m in held if WINDOW <= n < 2 * WINDOW)
    # The last cells run while workers that are not needed any more end.
    late = median(m for n, m in held if done - WINDOW <= n < done - 2)
    peak = max(m for _, m in held)
    return Memory(done, (time.monotonic() - begun) / 60, early, late, peak, late / early - 1)


def _resident(pid: int) -> float:
    """MB that a process and all that it started hold."""
    held = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held / 1e6


@click.group()
def main() -> None:
    """Kill processes of sweeps, watch their memory, report."""


@main.command()
@click.option("--kills", type=click.IntRange(1), default=100, show_default=True)
@click.option("--minutes", type=float, default=45.0, show_default=True, help="Time to kill in.")
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="12 cells each."
)
@click.option("--gap", type=float, default=15.0, show_default=True, help="Most seconds between.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is killed when.")
def kills(kills: int, minutes: float, seeds: int, gap: float, seed: int) -> None:
    """Kill drivers, workers, Ray nodes and data workers in turn; compare what is left."""
    kinds = [KINDS[k % len(KINDS)] for k in range(kills)]
    random.Random(seed).shuffle(kinds)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soak = Soak(Path(folder), ("--seeds", str(seeds)), gap, seed)
        try:
            found = soak.run(kinds, 60 * minutes)
        finally:
            _end(soak.driver)
    _keep("kills", asdict(found))


def _end(driver: subprocess.Popen) -> None:
    """Ends a sweep, and waits for its end."""
    left = _tree(driver.pid)
    with suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    psutil.wait_procs(left, timeout=30)


@main.command()
@click.option("--cells", type=click.IntRange(3 * WINDOW), default=500, show_default=True)
@click.option("--minutes", type=float, default=45.0, show_default=True, help="Time to run in.")
def memory(cells: int, minutes: float) -> None:
    """Watch the memory of a sweep of many cells."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        _keep("memory", asdict(watch_memory(Path(folder), cells, 60 * minutes)))


def _keep(name: str, figures: dict) -> None:
    FIGURES.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=1)
    (FIGURES / f"{name}.json").write_text(text)
    print(text)


@main.command()
def report() -> None:
    """Put the figures into the page about reliability."""
    page = PAGE.read_text()
    for name, table in (("kills", _kills_table), ("memory", _memory_table)):
        if (path := FIGURES / f"{name}.json").exists():
            begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
            before, _, rest = page.partition(begin)
            after = rest.partition(end)[2]
            page = before + begin + table(json.loads(path.read_text())) + end + after
    PAGE.write_text(page)


def _kills_table(found: dict) -> str:
    killed = ", ".join(f"{count} {kind}" for kind, count in found["kills"].items())
    rows = {
        "processes killed": f"{sum(found['kills'].values())}: {killed}",
        "time": f"{found['minutes']:.0f} minutes",
        "sweeps filled, cells in each": f"{found['sweeps']}, {found['cells'] // found['sweeps']}",
        "records, each there once and equal to an undisturbed sweep's": found["cells"],
        "calls of `ablate sweep`": found["calls"],
        "trainings taken over from a process that was killed": found["taken_over"],
        "cells given up as lost until the next call": found["lost"],
        "longest until all that a killed driver left had ended": f"{found['slowest_end']:.1f} s",
        "times that everything was read while it was written": found["looks"],
    }
    return _table(rows)


def _memory_table(found: dict) -> str:
    rows = {
        "cells": found["cells"],
        "time": f"{found['minutes']:.0f} minutes",
        f"resident, cells {WINDOW} to {2 * WINDOW}": f"{found['early']:,.0f} MB",
        f"resident, last {WINDOW} cells": f"{found['late']:,.0f} MB",
        "growth": f"{100 * found['growth']:+.1f}%",
        "peak": f"{found['peak']:,.0f} MB",
    }
    return _table(rows)


def _table(rows: dict[str, object]) -> str:
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


if __name__ == "__main__":
    main()
