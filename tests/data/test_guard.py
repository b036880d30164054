"""Work that hangs, crashes or eats memory is ended and named; the rest goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ablate.data.faults import Fault
from ablate.data.guard import Killed, Limits, guarded

ROOT = Path(__file__).parents[2]
FAST = Limits(seconds=3.0, memory=400 * 2**20)
PATIENT = Limits(seconds=60.0, memory=FAST.memory)
"""For what does not end by its time limit, however busy the machine is."""


def work(item: object) -> object:
    """What an item says: a number is doubled, a word is a misfortune."""
    if item == "hang":
        while True:
            pass
    if item == "sleep":
        time.sleep(600)
    if item == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if item == "eat":
        kept = []
        while True:
            kept.append(bytearray(b"x") * (16 * 2**20))
            time.sleep(0.001)
    if item == "ask":
        raise MemoryError
    return item * 2


def _outcomes(items: list, workers: int = 2, limits: Limits = FAST) -> dict:
    return {item: found for item, found in guarded(work, items, workers, limits)}


def test_everything_is_done_once_whatever_the_number_of_workers():
    for workers in (1, 3):
        assert _outcomes(list(range(20)), workers) == {n: 2 * n for n in range(20)}
    assert _outcomes([]) == {}


@pytest.mark.parametrize(
    ("item", "limits", "fault", "words"),
    [
        ("hang", FAST, Fault.TOO_SLOW, "more than 3 s"),
        ("sleep", FAST, Fault.TOO_SLOW, "more than 3 s"),
        ("crash", PATIENT, Fault.CRASHED, "(-11)"),
        ("eat", PATIENT, Fault.TOO_MUCH_MEMORY, "more than 0.390625 GiB"),
        ("ask", PATIENT, Fault.TOO_MUCH_MEMORY, "asked for more memory"),
    ],
)
def test_a_misfortune_costs_one_item(item, limits, fault, words):
    found = _outcomes([1, item, 2, 3], limits=limits)
    killed = found.pop(item)
    assert found == {1: 2, 2: 4, 3: 6}
    assert isinstance(killed, Killed) and killed.fault is fault and words in killed.reason


def test_stopping_early_leaves_no_process():
    before = {child.pid for child in psutil.Process().children()}
    running = guarded(work, [1, "sleep", "sleep"], 3, Limits(seconds=600))
    assert next(running) == (1, 2)
    running.close()
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_killed_parent_takes_a_hanging_process_with_it(tmp_path):
    code = (
        "from ablate.data.guard import Limits, guarded\n"
        "from tests.data.test_guard import work\n"
        "if __name__ == '__main__':\n"
        "    for item, found in guarded(work, [1, 'hang'], 1, Limits()):\n"
        "        print(found, flush=True)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=environment, cwd=ROOT
    )
    assert parent.stdout is not None and parent.stdout.readline() == b"2\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
