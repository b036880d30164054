"""Seeded building, and that every level of the model's axes changes what it computes."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from ablate.axes import ConnectorKind, IntegrationKind, Tower
from ablate.models.build import build_model
from ablate.sizes import size_row
from ablate.spec import Init, Size
from ablate.towers import TINY
from tests.mirror import publish_llm, publish_siglip, reduced_row
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


@pytest.fixture
def reduced(monkeypatch: pytest.MonkeyPatch) -> Size:
    return reduced_row(monkeypatch)


@pytest.mark.parametrize("missing", ["Qwen/Qwen2.5-0.5B-Instruct", "google/siglip-so400m"])
def test_public_weights_that_are_not_there_are_one_line_with_three_ways_out(
    reduced: Size, tmp_path: Path, offline: None, missing: str
) -> None:
    if missing != reduced.weights:
        publish_llm(tmp_path, reduced)
    with pytest.raises(ValueError, match=rf"{missing}.*local dir.*hub id.*INIT=random") as caught:
        build_model(design(), reduced, Init.PRETRAINED, seed=0, weights=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_pretrained_rows_load_their_language_model_and_towers(
    reduced: Size, tmp_path: Path, offline: None
) -> None:
    llm, siglip = publish_llm(tmp_path, reduced), publish_siglip(tmp_path)
    built = build_model(design(), reduced, Init.PRETRAINED, seed=0, weights=str(tmp_path))
    for part, published in ((built.llm, llm), (built.encoders["siglip"], siglip)):
        for name, value in part.state_dict().items():
            assert torch.equal(value, published[name]), name
    fresh = build_model(design(), reduced, Init.RANDOM, seed=0)
    for part in ("llm", "encoders"):
        pairs = zip(
            getattr(built, part).parameters(), getattr(fresh, part).parameters(), strict=True
        )
        assert any(not torch.equal(a, b) for a, b in pairs)


def test_a_language_model_that_is_not_the_rows_is_refused(
    reduced: Size, tmp_path: Path, offline: None
) -> None:
    publish_siglip(tmp_path)
    for shape, word in (
        ({"layers": 3}, "num_hidden_layers is 3, not 2"),
        ({"intermediate": 40}, "intermediate_size is 40"),
        ({"qkv_bias": False}, r"lacks 'model.layers.0.self_attn.k_proj.bias'"),
    ):
        other = dataclasses.replace(reduced, llm=dataclasses.replace(reduced.llm, **shape))
        shutil.rmtree(tmp_path / str(reduced.weights), ignore_errors=True)
        publish_llm(tmp_path, other)
        with pytest.raises(ValueError, match=word):
            build_model(design(), reduced, Init.PRETRAINED, seed=0, weights=str(tmp_path))


def test_random_towers_are_the_same_in_every_encoder_and_change_with_the_seed(
    reduced: Size,
) -> None:
    def prints(seed: int, *towers: Tower, size: Size = reduced) -> list[str]:
        built = build_model(design(towers), size, Init.RANDOM, seed)
        return [tower.fingerprint() for tower in built.towers]

    alone, pair = prints(0, Tower.VIDEOMAE), prints(0, *PAIR)
    assert pair[1] == alone[0] and pair[0] != pair[1] and prints(1, *PAIR) != pair
    shipped = model(towers=(Tower.SIGLIP,)).towers[0].fingerprint()
    assert prints(0, Tower.SIGLIP, size=size_row("10K")) != [shipped]


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
