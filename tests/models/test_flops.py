"""The closed forms of FLOPs against what torch counts in the modules that are built."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ablate.axes import Connector, ConnectorKind
from ablate.connectors import component
from ablate.models.encoders import build_tower
from ablate.models.language import build_llm
from ablate.sizes import size_row
from ablate.towers import PUBLIC, TINY, TowerShape


def flops(module: torch.nn.Module, *inputs: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        module(*inputs)
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "shape",
    [pytest.param(s, id=f"{s.name}-{s.hidden}") for s in (*PUBLIC.values(), *TINY.values())],
)
def test_towers(shape: TowerShape) -> None:
    with torch.device("meta"):
        built = build_tower(shape)
        clip = torch.empty(1, 4, 3, shape.image_size, shape.image_size)
    built.positions = None if not hasattr(built, "positions") else built.positions.to("meta")
    assert flops(built, clip) == shape.forward_flops(4)


@pytest.mark.parametrize("grid", [(4, 8, 8), (2, 4, 4), (4, 27, 27)], ids=str)
@pytest.mark.parametrize("kind", ConnectorKind)
def test_connectors(kind: ConnectorKind, grid: tuple[int, int, int]) -> None:
    planned = component(Connector(kind, 4), 48, 64, frames_per_clip=4, grid=grid)
    with torch.device("meta"):
        built = planned.build()
        features = torch.empty(1, *grid, 48)
    assert flops(built, features) == planned.flops


@pytest.mark.parametrize("name", ["30K", "1M"])
def test_language_models(name: str) -> None:
    """The plan counts norms and biases as if they were multiplied: at most a few percent."""
    shape = size_row(name).llm
    ids = torch.zeros(1, 64, dtype=torch.long)
    built = build_llm(shape)
    built.set_attn_implementation("eager")  # torch does not count the fused kernel on a CPU
    with FlopCounterMode(display=False) as counter:
        built(input_ids=ids, use_cache=False)
    assert counter.get_total_flops() == pytest.approx(shape.forward_flops(64), rel=0.03)
