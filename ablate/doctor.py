"""What this machine has for a sweep, and what to do where something is missing."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from ablate.disk import BUDGET, RESERVE, human_bytes
from ablate.lease import EXPIRY, claim
from ablate.store import write_json

RAY_SECONDS = 120.0
"""Most that starting and ending Ray may take; four seconds are usual."""
DECODE_SECONDS = 60.0
"""Most that reading the video may take, the imports aside."""
SHARED_MEMORY = 10**9
"""Bytes below which workers may run out of it: containers get 64 MB unless told otherwise."""
SKEW = EXPIRY / 2
"""Seconds by which the clock of the store's machine may differ."""


class State(StrEnum):
    """How it is."""

    OK = "ok"
    NOTE = "note"
    """Works, but not for everything or not as well as it could."""
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    state: State
    text: str
    """How it is, and what to do unless it is fine."""


def examine(store: Path) -> Iterator[Finding]:
    """Looks at everything; findings come in order as they are known.

    Args:
        store: folder of all results; nothing is left in it.
    """
    checks: tuple[Callable[[], Finding], ...] = (
        _versions, _decoder, _gpu, _threads, lambda: _disk(store), _shared_memory,
        lambda: _writing(store), _ray,
    )  # fmt: skip
    # What takes seconds waits for processes of its own.
    with ThreadPoolExecutor(len(checks)) as pool:
        yield from pool.map(lambda check: check(), checks)


def _versions() -> Finding:
    wrong = []
    for text in importlib.metadata.requires("ablate") or ():
        needed = Requirement(text)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        try:
            found = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(found, prereleases=True):
            wrong.append(f"{needed.name} is {found}, not {needed.specifier}")
    if wrong:
        told = f"{', '.join(wrong)}; `pip install -c constraints.txt -e .` brings the tested set"
        return Finding("versions", State.BLOCKED, told)
    own = importlib.metadata.version("ablate")
    torch = importlib.metadata.version("torch")
    told = f"ablate {own}, Python {platform.python_version()}, torch {torch}; all in range"
    return Finding("versions", State.OK, told)


def _decoder() -> Finding:
    from ablate.data.guard import Killed, Limits, guarded

    with tempfile.TemporaryDirectory() as folder:
        items = [Path(folder) / "probe.mp4"]
        ((_, said),) = guarded(_decode, items, 1, Limits(DECODE_SECONDS))
    if isinstance(said, Killed):
        said = said.reason
    if said is not None:
        told = f"{said}; `pip install --force-reinstall` brings the library anew"
        return Finding("decoder", State.BLOCKED, told)
    names = [name for name in ("av", "decord") if importlib.util.find_spec(name)]
    versions = " and ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    slower = "" if "decord" in names else "; with decord, sparse frames would be read sooner"
    return Finding(
        "decoder", State.OK, f"{versions} gave the frames of a video just written{slower}"
    )


def _decode(path: Path) -> str | None:
    """What goes wrong where a video is written and read by every decoder; None for nothing."""
    import numpy as np

    try:
        from ablate.data.video import write_video
        from ablate.data.video.with_pyav import PyavReader

        readers: list[Any] = [PyavReader]
        if importlib.util.find_spec("decord"):
            from ablate.data.video.with_decord import DecordReader

            readers.append(DecordReader)
        shades = [20 * number for number in range(8)]
        write_video(path, (np.full((32, 32, 3), shade, np.uint8) for shade in shades), 8)
        for kind in readers:
            reader = kind(path)
            for shade, frame in zip(shades, reader.frames(range(8)), strict=True):
                if abs(float(frame.mean()) - shade) > 4:
                    return f"{reader.name} gives wrong frames"
            reader.close()
    # A library that is not what it should be may fail in any way.
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())
    return None


def _gpu() -> Finding:
    command = (
        "import torch\n"
        "for at in range(torch.cuda.device_count()):\n"
        "    one = torch.cuda.get_device_properties(at)\n"
        "    torch.zeros(8, device=f'cuda:{at}').sum().item()\n"
        "    print(f'{one.name}, {one.total_memory / 1e9:.0f} GB')\n"
    )
    done = _python(command, DECODE_SECONDS)
    if done is None or done.returncode:
        why = "hangs" if done is None else _last_line(done.stderr)
        return Finding("gpu", State.BLOCKED, f"torch cannot use it: {why}; mind driver and build")
    if found := done.stdout.splitlines():
        return Finding("gpu", State.OK, "; ".join(found))
    if shutil.which("nvidia-smi"):
        told = "a driver is there, but torch sees none; install torch's build for its CUDA version"
        return Finding("gpu", State.NOTE, told)
    return Finding("gpu", State.NOTE, "none: sizes from 0.5B up need one, the others do not")


def _threads() -> Finding:
    cores, quota = len(os.sched_getaffinity(0)), _cpu_quota()
    if quota is not None and quota < cores - 0.5:
        told = (
            f"{cores} cores are seen, but {quota:g} granted: as many cells at a time share them; "
            f"`taskset -c 0-{max(0, round(quota) - 1)} ablate sweep` keeps to them"
        )
        return Finding("threads", State.NOTE, told)
    told = f"{cores} cores: as many cells at a time, a thread each"
    return Finding("threads", State.OK, told)


def _cpu_quota() -> float | None:
    """Cores that the control group grants; None for all."""
    try:
        share, _, period = Path("/sys/fs/cgroup/cpu.max").read_text().partition(" ")
        return None if share == "max" else int(share) / int(period)
    except (OSError, ValueError):
        return None


def _disk(store: Path) -> Finding:
    free = shutil.disk_usage(_existing(store)).free
    told = f"{human_bytes(free)} free where store {store} lies"
    if free < RESERVE:
        return Finding("disk", State.BLOCKED, f"{told}; make room, or choose another --store")
    if free < BUDGET:
        told += f", less than the {human_bytes(BUDGET)} that weights may take; --keep sets less"
        return Finding("disk", State.NOTE, told)
    return Finding("disk", State.OK, told)


def _shared_memory() -> Finding:
    path = Path("/dev/shm")
    if not path.is_dir():
        return Finding("shared memory", State.NOTE, "none: Ray falls back to files")
    usage = shutil.disk_usage(path)
    told = f"{human_bytes(usage.free)} of {human_bytes(usage.total)} free"
    if usage.free < SHARED_MEMORY:
        told += "; data workers may run out of it: start containers with `--shm-size 2g`"
        return Finding("shared memory", State.NOTE, told)
    return Finding("shared memory", State.OK, told)


def _writing(store: Path) -> Finding:
    """Does all that a store asks of its filesystem, in a folder that is removed again."""
    what, where = "store", _existing(store)
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=where) as name:
            folder = Path(name)
            write_json(folder / "record.json", {})
            skew = (folder / "record.json").stat().st_mtime - time.time()
            lease = claim(folder)
            if lease is None or claim(folder) is not None:
                told = f"{where}: a claim does not hold there; choose another --store"
                return Finding(what, State.BLOCKED, told)
            with lease:
                lease.check()
    except OSError as error:
        told = f"{where} cannot be written ({error.strerror}); choose another --store"
        return Finding(what, State.BLOCKED, told)
    if abs(skew) > SKEW:
        told = (
            f"{where}: its clock is {skew:+.0f} s from this machine's; set them by one time server"
        )
        return Finding(what, State.NOTE, told)
    made = "" if where == store else f", where {store} will be made,"
    return Finding(what, State.OK, f"{where}{made} can be written and claimed")


def _ray() -> Finding:
    begun = time.monotonic()
    done = _python("from ablate.doctor import start_ray\nstart_ray()", RAY_SECONDS)
    address = os.environ.get("RAY_ADDRESS")
    where = f"the cluster at RAY_ADDRESS={address}" if address else "a Ray of its own"
    if done is not None and done.returncode == 0:
        told = f"{where} begins and ends in {time.monotonic() - begun:.0f} s"
        return Finding("ray", State.OK, told)
    why = f"nothing in {RAY_SECONDS:.0f} s" if done is None else _last_line(done.stderr)
    load = f"the machine's load is {os.getloadavg()[0]:.0f}, /tmp needs room"
    advice = "is it up?" if address else load
    return Finding("ray", State.BLOCKED, f"{where} does not begin: {why}; {advice}")


def start_ray() -> None:
    """Begins a small Ray, or looks in on the cluster at `RAY_ADDRESS`, and leaves it again."""
    from ablate.cluster import running
    from ablate.placement import Machine

    with (
        tempfile.TemporaryDirectory() as folder,
        running(Machine(cores=1, memory=1e9), Path(folder)),
    ):
        pass


def _python(code: str, seconds: float) -> subprocess.CompletedProcess[str] | None:
    """Runs a fixed program in a process of its own; None if it did not end in time."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # With all that it has started.
            os.killpg(process.pid, signal.SIGKILL)
            return None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:200] if lines else "it ended without a word"


def _existing(path: Path) -> Path:
    """A folder, or the closest above it that is there."""
    whole = path.resolve()
    return next(one for one in (whole, *whole.parents) if one.is_dir())
