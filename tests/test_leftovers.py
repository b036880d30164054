"""What a killed sweep leaves behind is ended, and nothing else is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.lease import Owner
from ablate.leftovers import end_dead, processes, ray_folder, sweep_folder
from tests.claims import elsewhere, write_claim

OPEN = (
    "import sys, time; file = open(sys.argv[1], sys.argv[2]); print(1, flush=True); time.sleep(600)"
)
SWEEP = """
import subprocess, sys, time
from pathlib import Path
from ablate.leftovers import ray_folder, sweep_folder
with sweep_folder(Path(sys.argv[1])) as folder:
    ray_folder(folder).mkdir()
    for name in "ab":
        worker = [sys.executable, "-c", sys.argv[2], ray_folder(folder) / name, "w"]
        subprocess.Popen(worker, stdout=subprocess.PIPE, start_new_session=True).stdout.readline()
    print(folder, flush=True)
    time.sleep(600)
"""
SLOW = """
import sys, time
from pathlib import Path
from ablate import leftovers
def slow(folder):
    folder.mkdir(exist_ok=True)
    print(folder, flush=True)
    time.sleep(600)
setattr(leftovers, sys.argv[2], slow)
with leftovers.sweep_folder(Path(sys.argv[1])):
    pass
"""
"""A sweep that stays in one step of its beginning or end."""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen]]:
    found: list[subprocess.Popen] = []
    yield found
    for process in found:
        process.kill()
        process.wait()


def _start(started, *command: object) -> tuple[subprocess.Popen, str]:
    """A process that has said its first line, and the line."""
    words = [sys.executable, "-c", *map(str, command)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _wait_until_gone(*paths: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while any(path.exists() for path in paths):
        assert time.monotonic() < deadline, f"still there: {paths}"
        time.sleep(0.05)


def test_a_watcher_ends_what_a_killed_sweep_left(tmp_path, started) -> None:
    driver, told = _start(started, SWEEP, tmp_path, OPEN)
    folder = Path(told)
    left = processes(folder)
    assert len(left) == 2
    driver.kill()
    driver.wait()
    _wait_until_gone(folder, ray_folder(folder))
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in left)


@pytest.mark.parametrize("step", ["claim", "_end"])
def test_a_watcher_is_there_while_a_sweep_begins_and_ends(tmp_path, started, step) -> None:
    driver, told = _start(started, SLOW, tmp_path, step)
    driver.kill()
    driver.wait()
    _wait_until_gone(Path(told))


def test_a_sweep_that_ends_leaves_no_process(tmp_path, started) -> None:
    with sweep_folder(tmp_path) as folder:
        ray_folder(folder).mkdir()
        late, _ = _start(started, OPEN, ray_folder(folder) / "log", "w")
    assert late.wait(timeout=5) == -signal.SIGKILL
    assert not ray_folder(folder).exists() and not folder.exists()


def test_the_next_sweep_does_it_if_the_watcher_was_killed_too(tmp_path, started) -> None:
    driver, told = _start(started, SWEEP, tmp_path, OPEN)
    folder = Path(told)
    watchers = subprocess.run(
        ["pgrep", "-P", str(driver.pid), "-f", "ablate.leftovers"], capture_output=True, text=True
    ).stdout.split()
    assert len(watchers) == 1
    os.kill(int(watchers[0]), signal.SIGKILL)
    driver.kill()
    driver.wait()
    assert len(processes(folder)) == 2
    with sweep_folder(tmp_path) as mine:
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == [mine]
        assert not ray_folder(folder).exists() and not processes(folder)
    assert not list(tmp_path.iterdir())


def test_a_sweep_that_runs_is_left_alone(tmp_path, started) -> None:
    _, told = _start(started, SWEEP, tmp_path, OPEN)
    end_dead(tmp_path)
    with sweep_folder(tmp_path):
        assert len(processes(Path(told))) == 2
    assert Path(told).is_dir()
    claimed = tmp_path / "tune-elsewhere"
    claimed.mkdir()
    write_claim(claimed, elsewhere())
    young = tmp_path / "tune-young"
    young.mkdir()
    end_dead(tmp_path)
    assert claimed.is_dir() and young.is_dir()
    os.utime(young, (0, 0))
    os.utime(claimed / "lease.0", (1, 1))
    end_dead(tmp_path)
    assert not claimed.exists() and not young.exists()


def test_who_only_reads_a_log_or_writes_elsewhere_lives_on(tmp_path, started) -> None:
    dead = tmp_path / "tune-dead0000"
    dead.mkdir()
    write_claim(dead, Owner(*_gone(started)))
    home = ray_folder(dead)
    home.mkdir()
    (home / "log").touch()
    reader, _ = _start(started, OPEN, home / "log", "r")
    other, _ = _start(started, OPEN, tmp_path / "log", "w")
    writer, _ = _start(started, OPEN, home / "log", "a")
    assert processes(dead) == [writer.pid]
    end_dead(tmp_path)
    assert writer.wait(timeout=5) == -signal.SIGKILL
    assert reader.poll() is None and other.poll() is None
    assert not home.exists() and not dead.exists()


def _gone(started) -> tuple[str, str, int, float, str]:
    """The description of a process of this machine that has ended."""
    process, _ = _start(started, "print(1, flush=True)")
    process.wait()
    here = Owner.here()
    return here.host, here.space, process.pid, here.started, "token"
