"""The plan's memory: activations against what autograd keeps, and what is exact."""

import dataclasses
import math

import pytest
import torch

from ablate.axes import Connector, ConnectorKind, Encoder, Schedule, Stage, Tower
from ablate.cost import TEXT_TOKENS, parameters
from ablate.data.collate import Batch, collate
from ablate.data.prompt import Prompt
from ablate.memory import _activations, _copies, peak_memory
from ablate.models.build import build_model
from ablate.models.precision import multiply, recompute
from ablate.sizes import LADDER, size_row
from ablate.spec import Cell, Execution, Format, Init, Precision
from ablate.tokens import IGNORED, VISUAL, tokens_per_clip
from ablate.train.module import answer_nll
from experiments.baseline_tiny import BASE

PAIR = Encoder((Tower.SIGLIP, Tower.VIDEOMAE))
EVERY = {kept: Precision(kept, kept, kept) for kept in Format}
BOTH = ("connector", "llm")


def a_cell(size: str = "1M", kind: ConnectorKind = ConnectorKind.MLP, stages=None) -> Cell:
    schedule = Schedule(tuple(stages or [Stage(1.0, connector=1.0, llm=1.0)]))
    design = dataclasses.replace(
        BASE, encoder=PAIR, connector=Connector(kind, 4), schedule=schedule
    )
    return Cell(design, size_row(size), 3200, 0, data="d", eval_data="e", towers="t")


def a_sample(cell: Cell, model) -> Batch:
    """One video at its most clips, all text learned."""
    clips = cell.design.sampling.max_clips
    random = torch.Generator().manual_seed(0)
    text = torch.randint(5, 300, (TEXT_TOKENS + 1,), generator=random).tolist()
    visual = [VISUAL] * (clips * tokens_per_clip(cell.design))
    prompt = Prompt((*visual, *text), (*[IGNORED] * (len(visual) + 1), *text[1:]))
    frames = torch.randint(0, 256, (clips, 4, 3, 32, 32), generator=random, dtype=torch.uint8)
    return collate(["a"], [prompt], [clips], 0, pixels=(frames,) * len(model.encoders))


def kept_by_autograd(cell: Cell, parts: tuple[str, ...], how: Execution) -> int:
    """Bytes of the distinct tensors that one sample keeps for the backward pass."""
    model = build_model(cell.design, cell.size, Init.RANDOM, 0, precision=how.precision)
    multiply(model, how.precision, "cpu")
    if how.checkpointing:
        recompute(model)
    model.train_only(parts)
    batch = a_sample(cell, model)
    features = 0
    if "vision" not in parts:
        with torch.no_grad():
            made = tuple(f.float() for f in model.encode(batch.pixels))
        batch = dataclasses.replace(batch, features=made, pixels=None)
        features = sum(f.nbytes for f in made)
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        answer_nll(model, batch)
    return features + sum(s.nbytes() for at, s in kept.items() if at not in weights)


@pytest.mark.parametrize("kept", Format)
@pytest.mark.parametrize("parts", [BOTH, ("connector",), ("vision", "connector")], ids="+".join)
@pytest.mark.parametrize("kind", ConnectorKind)
def test_activations_are_what_autograd_keeps(
    kind: ConnectorKind, parts: tuple[str, ...], kept: Format
) -> None:
    cell, how = a_cell(kind=kind), Execution(precision=EVERY[kept])
    planned = _activations(cell, parts, how)
    planned += _copies(parameters(cell.design, cell.size), parts, how)
    assert planned == pytest.approx(kept_by_autograd(cell, parts, how), rel=0.15)


def test_weights_gradients_and_moments_are_exact() -> None:
    stages = [Stage(0.5, connector=1.0), Stage(0.5, connector=1.0, llm=1.0)]
    cell = a_cell("0.5B", stages=stages)
    counts = parameters(cell.design, cell.size)
    learning = counts["connector"] + counts["llm"]
    for kept, size in ((Format.FP32, 4), (Format.MIXED, 4), (Format.BF16, 2)):
        memory = peak_memory(cell, Execution(precision=EVERY[kept]))
        assert memory.weights == size * sum(counts.values())
        assert (memory.gradients, memory.optimizer) == (size * learning, 2 * size * learning)


def test_parts_have_formats_of_their_own() -> None:
    cell = a_cell("0.5B")
    counts = parameters(cell.design, cell.size)
    frozen_small = peak_memory(cell, Execution(precision=Precision(vision=Format.BF16)))
    all_full = peak_memory(cell, Execution())
    assert all_full.weights - frozen_small.weights == 2 * counts["vision"]
    assert all_full.optimizer == frozen_small.optimizer


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
def test_computing_again_takes_less_and_larger_micro_batches_more(size) -> None:
    cell = a_cell(size.name)

    def activations(**how) -> float:
        return peak_memory(cell, Execution(**how)).activations

    assert activations(checkpointing=True) < activations()
    assert activations(micro_batch=1) < activations(micro_batch=2) <= activations()
    assert math.isfinite(peak_memory(cell).total)
