"""Sweeps as processes of their own, to be killed and watched."""

import os
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("ablate")


def start(store: Path, *options: str, study: str = "smoke", **environment: str) -> subprocess.Popen:
    """A sweep in a process group of its own; what it says goes to a file of the store."""
    command = [str(PROGRAM), "sweep", "--study", study, "--store", str(store), *options]
    with said(store).open("a") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True,
            env=os.environ | environment,
        )  # fmt: skip


def said(store: Path) -> Path:
    return store / "output.txt"


def records(store: Path) -> dict[Path, int]:
    """When each record was written."""
    return {path: path.stat().st_mtime_ns for path in store.glob("runs/*/*/record.json")}


def weights(store: Path) -> dict[Path, int]:
    """Which file each training left: one that is written again is another one."""
    return {path: path.stat().st_ino for path in store.glob("runs/*/weights.safetensors")}


def wait_for_records(store: Path, count: int, driver: subprocess.Popen, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while len(records(store)) < count:
        assert driver.poll() is None, said(store).read_text()
        assert time.monotonic() < deadline, f"no {count} records after {seconds} s"
        time.sleep(0.05)
