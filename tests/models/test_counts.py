"""The closed forms of the plan against the modules that are built, on the meta device."""

import pytest
import torch
from torch import nn

from ablate.axes import Connector, ConnectorKind, ImagePath, IntegrationKind
from ablate.connectors import component
from ablate.connectors.perceiver import Perceiver
from ablate.cost import parameters
from ablate.models.build import build_model
from ablate.models.encoders import build_tower
from ablate.models.language import build_llm
from ablate.sizes import LADDER, size_row
from ablate.spec import Init, Size
from ablate.towers import PUBLIC, TINY, TowerShape
from tests.models.designs import PAIR, design

EVERY_SHAPE = [
    pytest.param(s, id=f"{s.name}-{s.hidden}") for s in (*PUBLIC.values(), *TINY.values())
]


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("shape", EVERY_SHAPE)
def test_towers_have_the_parameters_that_are_planned(shape: TowerShape) -> None:
    with torch.device("meta"):
        assert count(build_tower(shape)) == shape.parameters


def test_tiny_towers_are_tiny() -> None:
    assert all(shape.parameters <= 70_000 and shape.image_size == 32 for shape in TINY.values())


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
def test_language_models_have_the_parameters_that_are_planned(size: Size) -> None:
    with torch.device("meta"):
        assert count(build_llm(size.llm)) == size.parameters


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
@pytest.mark.parametrize("kind", ConnectorKind)
def test_connectors_have_the_parameters_that_are_planned(kind: ConnectorKind, size: Size) -> None:
    planned = component(Connector(kind, 4), 2176, size.llm.hidden, 4, grid=(4, 27, 27))
    with torch.device("meta"):
        assert count(planned.build()) == planned.parameters


@pytest.mark.parametrize("kind", ConnectorKind)
@pytest.mark.parametrize("path", ImagePath)
@pytest.mark.parametrize("name", ["100K", "0.5B"])
def test_whole_designs_have_the_parameters_that_are_planned(name, path, kind) -> None:
    size = size_row(name)
    level = design(PAIR, kind, 4, IntegrationKind.BOTH, path)
    built = build_model(level, size, Init.PRETRAINED, seed=0, meta=True)
    counted = {part: sum(p.numel() for p in found) for part, found in built.parts().items()}
    assert counted == parameters(level, size)


@pytest.mark.parametrize(
    ("llm_hidden", "latents", "printed"), [(1536, 128, 38.4), (2048, 64, 63.6), (3584, 64, 177.0)]
)
def test_the_perceiver_has_the_parameters_that_the_paper_prints(
    llm_hidden: int, latents: int, printed: float
) -> None:
    """Trainable parameters of the alignment stage, paper Table 7, with SigLIP and InternVideo2."""
    perceiver = Connector(ConnectorKind.PERCEIVER, latents // 4)
    counted = component(perceiver, 1152 + 1408, llm_hidden, 4, (4, 27, 27)).parameters
    assert counted / 1e6 == pytest.approx(printed, rel=0.01)


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
def test_perceiver_heads_group_evenly(size: Size) -> None:
    heads, kv_heads, width = Perceiver(48, size.llm.hidden, 16, (4, 8, 8)).heads
    assert heads % kv_heads == 0 and heads * width <= size.llm.hidden
    assert (heads, kv_heads, width) == (16, 4, 96) or size.llm.hidden < 1536
