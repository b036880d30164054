"""Several processes train a cell as one does: same losses, everything written once, no one left."""

import dataclasses
import json
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from ablate.axes import Encoder, Integration, IntegrationKind, Mixture, Schedule, Stage, Tower
from ablate.data.dataset import open_training, pools_of
from ablate.data.module import Order, Share
from ablate.peers import peers
from ablate.spec import Cell, Execution, Format, Precision
from ablate.store import RunStore
from ablate.train.schedule import resolve
from ablate.training import train_cell
from tests.cells import BASE, SIZE, job, new_store, silent, small_cell

STEPS = 4
DESIGN = dataclasses.replace(
    BASE,
    encoder=Encoder((Tower.SIGLIP, Tower.INTERNVIDEO2)),
    integration=Integration(IntegrationKind.SEPARATORS),
    schedule=Schedule((Stage(0.5, vision=1.0, connector=1.0), Stage(0.5, connector=1.0, llm=1.0))),
    mixture=Mixture(text=50, image=0, multi_image=0, video=50),
)
CELL = small_cell(DESIGN, samples=2 * STEPS, size=dataclasses.replace(SIZE, batch=2))
"""Two conversations a step, so that a process of two has one: a video, or text alone."""


def _trained(cell: Cell, store: Path, **execution) -> tuple[list[float], dict]:
    """Losses and what training left; without an examination."""
    kept, losses, how = RunStore(store), [], job(store, **execution)
    kept.begin(cell)
    with peers(cell, how, silent):
        train_cell(cell, how, lambda _, loss: losses.append(loss))
    facts = kept.training(cell)
    assert facts is not None and [loss for _, loss in facts["loss"]] == losses
    return losses, facts


@pytest.fixture(scope="module")
def alone(smoke_store: Path, tmp_path_factory) -> tuple[Path, list[float], dict]:
    store = new_store(tmp_path_factory.mktemp("alone"), smoke_store)
    return store, *_trained(CELL, store)


def _modalities(store: Path) -> list[tuple[str, ...]]:
    """What the two processes see at every step."""
    stages = resolve(CELL)
    pools = pools_of(open_training(store / "data" / CELL.data))
    order = Order(CELL.stream("order"), CELL.design.mixture, stages, pools)
    return [tuple(order[2 * step + rank].modality for rank in (0, 1)) for step in range(STEPS)]


def test_a_process_sees_text_alone_where_the_other_sees_a_video(smoke_store) -> None:
    seen = _modalities(smoke_store)
    assert seen[:2].count(("text", "video")) + seen[:2].count(("video", "text")), seen
    assert seen[2:].count(("text", "video")) + seen[2:].count(("video", "text")), seen


@pytest.mark.parametrize("strategy", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
def test_two_processes_train_as_one(strategy: str, alone, store) -> None:
    before, expected, facts = alone
    losses, shared = _trained(CELL, store, processes=2, strategy=strategy)
    assert losses == pytest.approx(expected, abs=2e-5)
    # What both processes saw is counted once; no process leaves a file of its own.
    assert _rounded(shared["sampling"]) == _rounded(facts["sampling"])
    assert shared["workload"] == pytest.approx(facts["workload"])
    assert _files(store) == _files(before)
    assert shared["execution"]["processes"] == 2
    assert shared["execution"]["strategy"] == strategy
    ours, theirs = (load_file(RunStore(root).weights_path(CELL)) for root in (store, before))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, atol=1e-3, rtol=0, msg=name)
    assert _running() == []


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_formats_recomputing_and_micro_batches_stay(strategy: str, smoke_store, tmp_path) -> None:
    cell = small_cell(DESIGN, samples=4 * STEPS, size=dataclasses.replace(SIZE, batch=4))
    how = {
        "precision": Precision(Format.BF16, Format.FP32, Format.MIXED),
        "checkpointing": True, "micro_batch": 1,
    }  # fmt: skip
    expected, _ = _trained(cell, new_store(tmp_path / "alone", smoke_store), **how)
    store = new_store(tmp_path / "together", smoke_store)
    losses, _ = _trained(cell, store, processes=2, strategy=strategy, **how)
    assert losses == pytest.approx(expected, abs=0.03)
    kept = load_file(RunStore(store).weights_path(cell))
    formats = {name.split(".")[0]: value.dtype for name, value in kept.items()}
    assert formats["encoders"] == torch.bfloat16 and formats["connector"] == torch.float32


def _rounded(facts: dict) -> dict:
    return json.loads(json.dumps(facts, sort_keys=True), parse_float=lambda n: f"{float(n):.9g}")


def _files(store: Path) -> list[str]:
    folder = RunStore(store).run_dir(CELL)
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _running() -> list[int]:
    """Peers that this process has started and that have not ended."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "ablate.peers" in " ".join(child.cmdline())]


# === shares ===


def test_shares_are_equal_and_side_by_side() -> None:
    parts = [Share(index, 3).of(range(6, 12)) for index in range(3)]
    assert [list(part) for part in parts] == [[6, 7], [8, 9], [10, 11]]
    with pytest.raises(ValueError, match="3 processes cannot share a batch of 4"):
        Share(0, 3).of(range(4))


@pytest.mark.parametrize(("processes", "share"), [(1, 16), (2, 8), (16, 1)])
def test_a_batch_is_shared_evenly(processes: int, share: int) -> None:
    assert Execution(processes=processes).share(16) == share


def test_a_batch_that_cannot_be_shared_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"processes: 3 cannot share a batch of 16 evenly"):
        Execution(processes=3).share(16)
    with pytest.raises(ValueError, match="processes must be positive, not 0"):
        Execution(processes=0)
    with pytest.raises(ValueError, match="unknown strategy 'zero'; choose from ddp, fsdp"):
        Execution(strategy="zero")  # type: ignore[arg-type]
