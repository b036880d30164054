"""Ray itself: one that lives on this machine as long as a sweep, or a cluster that is there."""

import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

# Read by ray when it is imported: results live in the store, so Tune's own loggers are off.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
if "RAY_ADDRESS" in os.environ:
    # Ray asks for no token where an address is given, and clusters run what anyone sends them.
    os.environ.setdefault("RAY_AUTH_MODE", "token")
else:
    # Despite its name the switch that keeps a machine's own Ray on loopback, on every system.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    # Ray ends a worker when anyone's processes have filled the machine, and Tune 2.60 then ends the
    # whole sweep ("Caught unexpected exception"). Cells are placed by their memory instead.
    os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ablate.placement import Machine

ADDRESS = "RAY_ADDRESS"
"""Environment variable that names a cluster."""
_PATIENCE = 120.0
"""Seconds that a node has to answer."""
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


@contextmanager
def own(machine: Machine, folder: Path) -> Iterator[None]:
    """A quiet Ray on loopback without dashboard, which keeps its files in `folder`.

    Raises:
        ValueError: it did not start.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        ray.init(
            address="local",
            num_cpus=machine.cores,
            num_gpus=machine.gpus,
            _memory=round(machine.memory),
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(folder),
            **_QUIET,
        )
    except Exception as error:  # Ray raises bare ones where one of its processes dies
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"Ray did not start on this machine ({reason}); `ablate doctor` looks for the cause"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def existing() -> Iterator[None]:
    """The cluster at `RAY_ADDRESS`, by its token where it asks for one.

    Raises:
        ValueError: it cannot be reached.
    """
    address = os.environ[ADDRESS]
    try:
        ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{ADDRESS}: no cluster at {address} ({reason})") from None
    try:
        yield
    finally:
        ray.shutdown()


def running(machine: Machine, folder: Path) -> AbstractContextManager[None]:
    """The cluster at `RAY_ADDRESS` if there is one, else a Ray of this machine."""
    return existing() if ADDRESS in os.environ else own(machine, folder)


def nodes(store: Path) -> list[Machine]:
    """The machines of the cluster that can run cells, each asked whether it sees the store.

    Raises:
        ValueError: the cluster cannot be reached or has no such machine, or one of them cannot run
            this program or does not see the store.
    """
    mark = store.resolve() / f".seen-{os.getpid()}"
    mark.touch()
    try:
        with existing():
            alive = [n for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1]
            if not alive:
                raise ValueError(f"{ADDRESS}: no node of the cluster has a CPU to offer")
            asked = [
                # Zero CPUs: a node that is busy answers all the same.
                ray.remote(num_cpus=0)(_look)
                .options(scheduling_strategy=NodeAffinitySchedulingStrategy(n["NodeID"], False))
                .remote(str(mark), n["Resources"].get("GPU", 0) >= 1)
                for n in alive
            ]
            return [_machine(n, look, mark) for n, look in zip(alive, asked, strict=True)]
    finally:
        mark.unlink(missing_ok=True)


def _machine(node: dict[str, Any], look: ray.ObjectRef, mark: Path) -> Machine:
    name, has = node["NodeManagerHostname"], node["Resources"]
    try:
        sees, gpu_memory = ray.get(look, timeout=_PATIENCE)
    except Exception as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"node {name}: cannot run this program ({reason})") from None
    if not sees:
        raise ValueError(
            f"node {name}: does not see {mark.parent}; the store must lie where all nodes see it"
        )
    kind = next((key for key in has if key.startswith("accelerator_type:")), "")
    gpus = int(has.get("GPU", 0))
    return Machine(int(has["CPU"]), has["memory"], gpus, gpu_memory, gpu_kind=kind)


def _look(mark: str, gpus: bool) -> tuple[bool, float]:
    """On a node: whether it sees a file, and the bytes of its smallest GPU."""
    least = 0.0
    if gpus:
        command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        least = min(float(line) for line in told.split()) * 2**20
    return Path(mark).exists(), least
