"""One process at a time has the claim, whatever dies, sleeps or comes late."""

import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from ablate import lease
from ablate.lease import LeaseLost, Owner, claim, holder
from tests.claims import elsewhere, write_claim


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT", 0.05)
    monkeypatch.setattr(lease, "EXPIRY", 0.5)


def test_what_is_claimed_cannot_be_claimed_until_it_is_given_up(tmp_path) -> None:
    first = claim(tmp_path / "new")
    assert first is not None
    with first:
        assert claim(tmp_path / "new") is None
        owner = holder(tmp_path / "new")
        assert owner == first.owner and f"process {os.getpid()} on " in str(owner)
    assert holder(tmp_path / "new") is None
    second = claim(tmp_path / "new")
    assert second is not None and second.path.name == "lease.1"


def test_a_claim_that_is_renewed_never_expires(tmp_path) -> None:
    with claim(tmp_path) as held:
        until = time.monotonic() + 3 * lease.EXPIRY
        while time.monotonic() < until:
            assert claim(tmp_path) is None
            held.check()
            time.sleep(0.02)


def test_a_claim_from_another_machine_is_taken_over_when_it_falls_silent(tmp_path) -> None:
    path = write_claim(tmp_path, elsewhere(), number=4)
    assert claim(tmp_path) is None and holder(tmp_path) == elsewhere()
    os.utime(path, (time.time() - 2 * lease.EXPIRY,) * 2)
    assert holder(tmp_path) is None
    taken = claim(tmp_path)
    assert taken is not None and taken.path.name == "lease.5"


def test_a_clock_that_runs_ahead_expires_nothing(tmp_path, monkeypatch) -> None:
    write_claim(tmp_path, elsewhere())
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    assert claim(tmp_path) is None


def test_a_dead_owner_on_this_machine_is_replaced_at_once(tmp_path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom ablate.lease import claim\n"
        "claim(Path(sys.argv[1])).__enter__()\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9 and (tmp_path / "lease.0").exists()
    assert holder(tmp_path) is None and claim(tmp_path) is not None


def test_a_process_with_the_number_of_a_dead_owner_is_not_taken_for_it(tmp_path) -> None:
    mine = Owner.here()
    write_claim(tmp_path, Owner(mine.host, mine.space, mine.pid, mine.started - 1000, "0"))
    assert claim(tmp_path) is not None


def test_the_same_number_in_another_container_is_another_process(tmp_path) -> None:
    mine = Owner.here()
    write_claim(tmp_path, Owner(mine.host, "pid:[1]", 2**22 + 1, mine.started, "0"))
    assert claim(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "x"}'])
def test_a_claim_whose_maker_died_writing_it_expires(tmp_path, content: str) -> None:
    path = tmp_path / "lease.0"
    path.write_text(content)
    assert claim(tmp_path) is None
    os.utime(path, (time.time() - 2 * lease.EXPIRY,) * 2)
    assert claim(tmp_path) is not None


def test_an_owner_that_slept_learns_that_another_went_on(tmp_path) -> None:
    slept = claim(tmp_path)
    assert slept is not None  # its thread has not been started: nothing renews it
    slept.check()
    os.utime(slept.path, (time.time() - 2 * lease.EXPIRY,) * 2)
    with claim(tmp_path) as taken:
        with pytest.raises(LeaseLost, match="another process went on"):
            slept.check()
        with slept:  # gives up what it no longer has
            pass
        assert claim(tmp_path) is None
        taken.check()


def test_an_owner_that_cannot_renew_stops_in_time(tmp_path, monkeypatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("stale file handle")

    with claim(tmp_path) as held:
        monkeypatch.setattr(os, "utime", fails)
        time.sleep(lease.EXPIRY)
        with pytest.raises(LeaseLost):
            held.check()
        monkeypatch.undo()


def test_a_full_disk_leaves_no_claim(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="No space"):
        claim(tmp_path)
    assert os.listdir(tmp_path) == []


def _race(folder: Path, rounds: int) -> list[tuple[float, float]]:
    """When this process had the claim."""
    had = []
    for _ in range(rounds):
        held = claim(folder)
        if held is not None:
            with held:
                begun = time.monotonic()
                time.sleep(0.001)
                had.append((begun, time.monotonic()))
    return had


def test_many_processes_never_have_one_claim_together(tmp_path) -> None:
    # Spawned: this process holds threads.
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.map(_race, [tmp_path] * 4, [100] * 4)
        spans = sorted(span for had in found for span in had)
    assert len(spans) > 20
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert end <= start
