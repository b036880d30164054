"""The closed form of peak memory against what autograd really keeps, and what it must depend on."""

import dataclasses

import pytest
import torch

from ablate.axes import ConnectorKind, Fps, Schedule, Stage
from ablate.cost import TEXT_TOKENS, parameters
from ablate.memory import peak_memory, planned_execution
from ablate.models.build import build_model
from ablate.sizes import LADDER, size_row
from ablate.spec import Cell, Design, Execution, Init
from ablate.tokens import VISUAL, tokens_per_clip
from tests.models.designs import PAIR, SINGLE, design

CLIPS = 2


def _cell(made: Design, size: str) -> Cell:
    return Cell(made, size_row(size), 3200, 0, data="d", eval_data="e", towers="t")


def _kept(cell: Cell, live: bool) -> int:
    """Bytes of distinct tensors that the backward pass of one sample holds, weights aside."""
    built = build_model(cell.design, cell.size, Init.RANDOM, 0)
    built.train_only(("vision", "connector", "llm") if live else ("connector", "llm"))
    own = {p.untyped_storage().data_ptr() for p in built.parameters()}
    found: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if (at := tensor.untyped_storage().data_ptr()) not in own:
            found[at] = tensor.untyped_storage().nbytes()
        return tensor

    frames = cell.design.sampling.frames_per_clip
    pixels = tuple(torch.zeros(CLIPS, frames, 3, 32, 32) for _ in built.encoders)
    visual = CLIPS * tokens_per_clip(cell.design)
    ids = torch.tensor([[VISUAL] * visual + [7] * TEXT_TOKENS])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        features = built.encode(pixels)
        positions = ids > 0
        logits = built(ids, torch.ones_like(ids), features, positions)
        loss = torch.nn.functional.cross_entropy(logits.float(), ids[positions])
    assert loss.requires_grad
    return sum(found.values())


@pytest.mark.parametrize("size", ["100K", "1M"])
@pytest.mark.parametrize("kind", ConnectorKind)
@pytest.mark.parametrize("live", [False, True], ids=["frozen", "live"])
def test_activations_are_what_autograd_keeps(kind, size: str, live: bool) -> None:
    vision = 1.0 if live else None
    made = dataclasses.replace(
        design(PAIR, kind, 4),
        sampling=Fps(2, 4, CLIPS),
        schedule=Schedule((Stage(1.0, vision=vision, connector=1.0, llm=1.0),)),
    )
    cell = _cell(made, size)
    planned = peak_memory(cell, Execution(micro_batch=1)).activations
    assert planned == pytest.approx(_kept(cell, live), rel=0.2)


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
def test_weights_gradients_and_moments_are_exact(size) -> None:
    cell = Cell(design(SINGLE), size, 3200, 0, data="d", eval_data="e", towers="t")
    counts = parameters(cell.design, cell.size)
    learning = counts["connector"] + counts["llm"]
    memory = peak_memory(cell)
    assert memory.weights == 4 * sum(counts.values())
    assert memory.gradients == 4 * learning and memory.optimizer == 8 * learning
    assert memory.total > 16 * learning
    half = peak_memory(cell, dataclasses.replace(planned_execution(size), precision="bf16-true"))
    assert half.total < memory.total


def test_memory_follows_micro_batch_context_and_what_learns() -> None:
    def total(schedule: Schedule, tokens: int = 4, micro: int = 1) -> float:
        made = dataclasses.replace(design(PAIR, tokens=tokens), schedule=schedule)
        return peak_memory(_cell(made, "3B"), Execution(micro_batch=micro)).total

    frozen = Schedule((Stage(1.0, connector=1.0),))
    joint = Schedule((Stage(1.0, connector=1.0, llm=1.0),))
    everything = Schedule((Stage(1.0, vision=1.0, connector=1.0, llm=1.0),))
    assert total(frozen) < total(joint) < total(everything)
    assert total(joint) < total(joint, tokens=16) < total(joint, tokens=16, micro=2)
    later = Schedule((dataclasses.replace(frozen.stages[0], share=0.5),
                      dataclasses.replace(joint.stages[0], share=0.5)))  # fmt: skip
    assert total(later) == total(joint)
