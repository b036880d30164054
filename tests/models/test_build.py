"""Seeded building, and that every level of the model's axes changes what it computes."""

import pytest
import torch

from ablate.axes import ConnectorKind, IntegrationKind, Tower
from ablate.models.build import build_model
from ablate.sizes import size_row
from ablate.spec import Init
from ablate.towers import TINY
from tests.models.designs import PAIR, design, model, pixels, prompts


def test_the_same_seed_gives_bit_identical_weights_and_leaves_the_global_state_alone() -> None:
    torch.manual_seed(7)
    first = model(connector=ConnectorKind.PERCEIVER).state_dict()
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(1))
    second = model(connector=ConnectorKind.PERCEIVER).state_dict()
    assert all(torch.equal(second[name], value) for name, value in first.items())


def test_another_seed_gives_another_connector_and_language_model_but_the_same_towers() -> None:
    one, two = model(seed=1), model(seed=2)
    assert not torch.equal(one.connector.up.weight, two.connector.up.weight)
    assert not torch.equal(one.llm.lm_head.weight, two.llm.lm_head.weight)
    for a, b in zip(one.encoders.parameters(), two.encoders.parameters(), strict=True):
        assert torch.equal(a, b)


def test_designs_that_differ_in_one_part_start_alike_in_the_others() -> None:
    mlp, perceiver = model(), model(connector=ConnectorKind.PERCEIVER)
    for a, b in zip(mlp.llm.parameters(), perceiver.llm.parameters(), strict=True):
        assert torch.equal(a, b)


def test_public_weights_that_are_not_there_are_one_line_with_three_ways_out() -> None:
    with pytest.raises(
        ValueError, match=r"Qwen2.5-0.5B.*local directory.*hub id.*INIT=random"
    ) as e:
        build_model(design(), size_row("0.5B"), Init.PRETRAINED, seed=0)
    assert "\n" not in str(e.value)


def test_a_model_that_cannot_be_built_says_why() -> None:
    with pytest.raises(ValueError, match=r"connector mlp-16: .*4 x 8 a time step.*4 x 4 patches"):
        model(towers=(Tower.VIDEOMAE,), tokens=16)


@pytest.mark.parametrize("init", Init)
def test_models_are_built_in_evaluation_mode(init: Init) -> None:
    assert not build_model(design(), size_row("10K"), init, seed=0).training


LEVELS = {
    "encoder": [{"towers": (tower,)} for tower in TINY] + [{"towers": PAIR}],
    "connector": [{"connector": kind} for kind in ConnectorKind],
    "integration": [
        {"integration": IntegrationKind.PLAIN},
        {"integration": IntegrationKind.SEPARATORS},
    ],
}


@pytest.mark.parametrize("axis", LEVELS)
def test_every_level_changes_the_first_answer(axis: str) -> None:
    outputs = []
    for levels in LEVELS[axis]:
        built = model(**levels)
        ids, mask = prompts((2,), 16, separators=built.separators is not None)
        logits = built(ids, mask, built.encode(pixels(built, 2)))
        outputs.append(logits[0, int(mask.sum()) - 1])
    for index, one in enumerate(outputs):
        assert all(not torch.allclose(one, other) for other in outputs[:index])
