"""How long cells take: FLOPs by phase, at speeds that a probe measured or that are assumed.

Standard library only.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.cost import Workload
from ablate.encoders import clip_path
from ablate.rehearsal import is_rehearsal
from ablate.spec import Cell, Execution
from ablate.store import RunStore, write_json
from ablate.train.schedule import resolve


@dataclass(frozen=True)
class Phases:
    """Where the FLOPs of a cell are spent."""

    steps: int
    """Optimiser steps; 0 where the training is another cell's."""
    train: float
    """Connector and language model, and the towers where they learn."""
    evaluate: float
    load: Mapping[tuple[str, str], float]
    """Frozen towers, by half of the data and tower: clips are looked at once and then kept."""


@dataclass(frozen=True)
class Speed:
    """What one size reaches on one device."""

    step: float
    """Seconds of an optimiser step beside its FLOPs."""
    train: float
    """FLOPs per second."""
    evaluate: float
    """FLOPs per second."""
    load: float
    """FLOPs of frozen towers per second, with the time to read their frames."""
    kind: str
    """`CPU` or `GPU`."""
    device: str | None = None
    """What it was measured on; None where it is assumed."""
    micro_batch: int | None = None
    """Conversations of a forward pass that fitted; None for whole batches, or as it comes."""

    def seconds(self, phases: Phases) -> float:
        """What these FLOPs take."""
        return (
            phases.steps * self.step
            + phases.train / self.train
            + phases.evaluate / self.evaluate
            + sum(phases.load.values()) / self.load
        )


ON_CPU = Speed(0.012, 8e9, 8e9, 8e9, "CPU")
"""Assumed of a CPU thread."""
REHEARSED = Speed(60.0, 1e11, 1e11, 1e11, "CPU")
"""Assumed of two CPU cores that have bf16; a step moves the whole model and its moments."""
ON_GPU = Speed(0.012, 4e14, 4e14, 4e14, "GPU")
"""Assumed of a current data-centre GPU."""


def assumed(cell: Cell) -> Speed:
    """One CPU thread, all of a small CPU for a rehearsal, or one GPU for the rows that need it."""
    if cell.size.tiny_towers:
        return ON_CPU
    return REHEARSED if is_rehearsal(cell) else ON_GPU


def name_of(cell: Cell) -> str:
    """What the speed of a cell is kept under: its size, as it is trained."""
    return f"{cell.size.name} rehearsed" if is_rehearsal(cell) else cell.size.name


def phases_of(cell: Cell, work: Workload, parts: Mapping[str, float]) -> Phases:
    """Sorts a cell's FLOPs by part, of `ablate.cost.flops`, by phase."""
    path = clip_path(cell.design, cell.size)
    steps = sum(stage.steps for stage in resolve(cell))
    encode = {str(tower.name): parts.get(f"encode {tower.name}", 0.0) for tower in path.towers}
    train = parts.get("connector", 0.0) + parts.get("llm", 0.0)
    if cell.design.schedule.trains_vision:
        return Phases(steps, train + sum(encode.values()), parts["evaluate"], {})
    seen = {str(name): work.eval_clips * cost for name, cost in path.forward_flops.items()}
    load = {("train", name): cost for name, cost in encode.items()}
    load |= {("test", name): cost for name, cost in seen.items()}
    return Phases(steps, train, parts["evaluate"] - sum(seen.values()), load)


@dataclass(frozen=True)
class Trial:
    """FLOPs and the seconds they took."""

    phases: Phases
    train: float
    evaluate: float
    """With every clip kept from before."""
    load: float


def fit_speed(
    trials: Iterable[Trial], kind: str, device: str, micro_batch: int | None = None
) -> Speed:
    """The speed at which trials of one size ran.

    A step's own time and the rate of its FLOPs are told apart by least squares where trials differ
    in their FLOPs a step; else a step has no time of its own.
    """
    trials = list(trials)
    points = [
        (trial.phases.train / trial.phases.steps, trial.train / trial.phases.steps)
        for trial in trials
    ]
    step, rate = _line(points)
    return Speed(
        step,
        rate,
        sum(t.phases.evaluate for t in trials) / sum(t.evaluate for t in trials),
        _ratio(trials),
        kind,
        device,
        micro_batch,
    )


def _ratio(trials: list[Trial]) -> float:
    """FLOPs of frozen towers per second; those of training where none is frozen."""
    flops = sum(sum(trial.phases.load.values()) for trial in trials)
    seconds = sum(trial.load for trial in trials if trial.phases.load)
    if flops and seconds:
        return flops / seconds
    return sum(t.phases.train for t in trials) / sum(t.train for t in trials)


def _line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Seconds at no FLOPs and FLOPs per second; through the origin if not both are positive."""
    x = sum(flops for flops, _ in points) / len(points)
    y = sum(seconds for _, seconds in points) / len(points)
    spread = sum((flops - x) ** 2 for flops, _ in points)
    slope = sum((f - x) * (s - y) for f, s in points) / spread if spread > (0.05 * x) ** 2 else 0.0
    if slope <= 0 or y - slope * x < 0:
        return 0.0, x / y
    return y - slope * x, 1 / slope


# === what is kept in a store ===


def kept_speeds(store: RunStore) -> dict[str, Speed]:
    """What probes of this store found, by size."""
    if not _file(store).exists():
        return {}
    held: dict[str, Any] = json.loads(_file(store).read_text())
    return {name: Speed(**facts) for name, facts in held.items()}


def as_probed(how: Execution, cell: Cell, store: RunStore) -> Execution:
    """With the micro-batch that a probe of this store found to fit, if one did."""
    speed = kept_speeds(store).get(name_of(cell))
    if speed is None or speed.micro_batch is None:
        return how
    return dataclasses.replace(how, micro_batch=speed.micro_batch)


def keep_speeds(store: RunStore, speeds: Mapping[str, Speed]) -> None:
    """Keep what probes found beside what earlier ones found of other sizes."""
    held = kept_speeds(store) | dict(speeds)
    write_json(_file(store), {name: dataclasses.asdict(speed) for name, speed in held.items()})


def _file(store: RunStore) -> Path:
    return store.root / "speeds.json"
