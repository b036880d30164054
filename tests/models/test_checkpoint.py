"""Finding published weights, reading them safely, and towers that come back from a saved model."""

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    SiglipConfig,
    SiglipModel,
    VideoMAEConfig,
    VideoMAEForPreTraining,
    VJEPA2Config,
    VJEPA2Model,
)

from ablate.axes import Tower
from ablate.models.build import load_tower
from ablate.models.checkpoint import find, read
from ablate.models.encoders import build_tower
from ablate.towers import PUBLIC, VitShape

NAME = "maker/model"
pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the checkpoint lies in a mirror at `tmp_path`."""
    made = tmp_path / NAME
    made.mkdir(parents=True)
    return made


STATE = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}


def same(state: dict[str, torch.Tensor]) -> bool:
    return state.keys() == STATE.keys() and all(torch.equal(state[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "odd.pt", "x.pth.tar"])
def test_weights_are_found_by_their_usual_name_or_as_the_only_file(folder, tmp_path, name) -> None:
    if name.endswith(".safetensors"):
        save_file(STATE, folder / name)
    else:
        torch.save(STATE, folder / name)
    (folder / "config.json").write_text("{}")
    assert same(read(find("tower", NAME, tmp_path)))


def test_safetensors_are_preferred_and_a_declared_file_most(folder, tmp_path) -> None:
    torch.save({"old": torch.ones(1)}, folder / "pytorch_model.bin")
    save_file(STATE, folder / "model.safetensors")
    assert same(read(find("tower", NAME, tmp_path)))
    torch.save({"mine": torch.ones(1)}, folder / "mine.pt")
    assert list(read(find("tower", NAME, tmp_path, file="mine.pt"))) == ["mine"]


def test_the_parts_of_a_large_checkpoint_are_joined(folder, tmp_path) -> None:
    save_file({"a": STATE["a"]}, folder / "model-00001-of-00002.safetensors")
    save_file({"b": STATE["b"]}, folder / "model-00002-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
    assert same(read(find("tower", NAME, tmp_path)))
    (folder / parts["b"]).unlink()
    with pytest.raises(ValueError, match=r"model-00002-of-00002\.safetensors: no such file"):
        read(find("tower", NAME, tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": 3}'])
def test_a_damaged_index_is_one_line(folder, tmp_path, text: str) -> None:
    (folder / "model.safetensors.index.json").write_text(text)
    with pytest.raises(ValueError, match=r"index\.json: not an index of weights"):
        read(find("tower", NAME, tmp_path))


def test_weights_beside_an_optimiser_are_taken_out(folder, tmp_path) -> None:
    file = folder / "all.pt"
    torch.save({"target": STATE, "encoder": {}, "opt": {"lr": 1}, "epoch": 3}, file)
    assert same(read(file, ("target", "encoder")))
    assert read(file, ("encoder", "target")) == {}
    with pytest.raises(ValueError, match=r"all\.pt: 'target' is no tensor"):
        read(file)
    torch.save([STATE], file)
    with pytest.raises(ValueError, match=r"all\.pt: holds no tensors by name, but a list"):
        read(file, ("target",))


def test_files_that_could_run_code_are_refused(folder, tmp_path) -> None:
    class Harm:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "harmed",))

    torch.save({"a": Harm()}, folder / "model.pt")
    (folder / "bare.pt").write_bytes(pickle.dumps(Harm(), protocol=2))
    for name in ("model.pt", "bare.pt"):
        with pytest.raises(ValueError, match=rf"{name}: .*holds more than tensors.*safetensors"):
            read(folder / name)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "odd.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut short"])
def test_damaged_files_are_one_line(folder, tmp_path, name, content) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}: ") as caught:
        read(find("tower", NAME, tmp_path))
    assert "\n" not in str(caught.value)


def test_several_files_or_none_are_not_guessed(folder, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"holds no weights; want model\.safetensors"):
        find("tower", NAME, tmp_path)
    for name in ("one.pt", "two.pt"):
        torch.save(STATE, folder / name)
    with pytest.raises(ValueError, match=r"holds one\.pt, two\.pt; want three\.pt"):
        find("tower", NAME, tmp_path, file="three.pt")


@pytest.mark.parametrize("mirror", [True, False])
def test_missing_weights_are_one_line_with_three_ways(tmp_path, mirror: bool) -> None:
    with pytest.raises(ValueError, match=r"siglip: no weights of maker/model") as caught:
        find("siglip", NAME, tmp_path if mirror else None)
    told = str(caught.value)
    assert "\n" not in told and ("no folder given" in told) != mirror
    for way in ("WEIGHTS=DIR", "hub id can be reached", "INIT=random"):
        assert way in told


def test_weights_that_are_not_on_the_hub_say_where_they_are() -> None:
    shape = PUBLIC[Tower.VJEPA]
    assert shape.hub_id is not None
    with pytest.raises(ValueError, match=r"vjepa: .*fbaipublicfiles\.com/jepa/vith16-384/"):
        find("vjepa", shape.hub_id, None, file=shape.file, url=shape.url)


# === round trips: what transformers saves is what the tower loads ===


def small(tower: Tower, **changes) -> VitShape:
    sizes = {"hidden": 32, "heads": 4, "intermediate": 64, "layers": 2, "image_size": 32}
    return dataclasses.replace(PUBLIC[tower], **sizes | {"patch": 8} | changes)


def facts(shape: VitShape) -> dict[str, int]:
    """What the transformers configurations call alike, with the layer behind the feature."""
    return {
        "hidden_size": shape.hidden, "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers + 1, "image_size": shape.image_size,
        "patch_size": shape.patch,
    }  # fmt: skip


TEXT = {
    "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def siglip(shape: VitShape):
    vision = facts(shape) | {"intermediate_size": shape.intermediate}
    model = SiglipModel(SiglipConfig(vision_config=vision, text_config=TEXT))
    return model, model.vision_model


def clip(shape: VitShape):
    vision = facts(shape) | {"intermediate_size": shape.intermediate, "hidden_act": "quick_gelu"}
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config=TEXT))
    return model, model.vision_model


def dinov2(shape: VitShape):
    model = Dinov2Model(Dinov2Config(**facts(shape) | {"image_size": 48}, mlp_ratio=2))
    return model, model


def videomae(shape: VitShape):
    config = VideoMAEConfig(
        **facts(shape), intermediate_size=shape.intermediate, num_frames=shape.frames,
        decoder_hidden_size=16, decoder_num_hidden_layers=1, decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )  # fmt: skip
    model = VideoMAEForPreTraining(config)
    return model, model.videomae


def vjepa2(shape: VitShape):
    sizes = facts(shape) | {"num_hidden_layers": shape.layers, "crop_size": shape.image_size}
    del sizes["image_size"]
    config = VJEPA2Config(
        **sizes, mlp_ratio=2, frames_per_clip=shape.frames, pred_hidden_size=24,
        pred_num_hidden_layers=1, pred_num_attention_heads=2,
    )  # fmt: skip
    model = VJEPA2Model(config)
    return model, model.encoder


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
@pytest.mark.parametrize(
    ("tower", "make"),
    [
        (Tower.SIGLIP, siglip),
        (Tower.CLIP, clip),
        (Tower.DINOV2, dinov2),
        (Tower.VIDEOMAE, videomae),
        (Tower.VJEPA2, vjepa2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_saved_public_model_comes_back_as_the_tower(tmp_path, tower, make, safe) -> None:
    """The public class's own forward pass; DINOv2's positions are of a larger picture."""
    shape = small(tower, frames=4) if PUBLIC[tower].video else small(tower)
    torch.manual_seed(0)
    model, vision = make(shape)
    for parameter in model.parameters():  # biases and scales too
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.eval()
    folder = tmp_path / str(shape.hub_id)
    if safe:
        model.save_pretrained(folder)
    else:
        folder.mkdir(parents=True)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    ours = build_tower(shape).eval()
    load_tower(ours, find(tower, str(shape.hub_id), tmp_path))
    clips = torch.randint(0, 256, (2, 4, 3, 32, 32), dtype=torch.uint8)
    mean, std = torch.tensor(shape.mean).view(3, 1, 1), torch.tensor(shape.std).view(3, 1, 1)
    seen = (clips / 255 - mean) / std
    with torch.no_grad():
        told = vision(seen if shape.video else seen.flatten(0, 1), output_hidden_states=True)
        hidden = told.last_hidden_state if tower is Tower.VJEPA2 else told.hidden_states[-2]
        made = ours(clips)
    expected = hidden[:, shape.prefix_tokens :].reshape(made.shape)
    torch.testing.assert_close(made, expected, atol=2e-5, rtol=1e-5)


def test_names_from_before_transformers_5_are_understood(tmp_path) -> None:
    """As the published files of DINOv2 and VideoMAE have them."""
    for tower, make, renamed in (
        (Tower.DINOV2, dinov2, {
            "attention.q_proj": "attention.attention.query",
            "attention.k_proj": "attention.attention.key",
            "attention.v_proj": "attention.attention.value",
            "attention.o_proj": "attention.output.dense",
        }),
        (Tower.VIDEOMAE, videomae, {
            "attention.attention.query.bias": "attention.attention.q_bias",
            "attention.attention.value.bias": "attention.attention.v_bias",
        }),
    ):  # fmt: skip
        shape = small(tower, frames=4) if PUBLIC[tower].video else small(tower)
        state = make(shape)[0].state_dict()
        old = dict(state)
        for new_name, old_name in renamed.items():
            old = {key.replace(new_name, old_name): value for key, value in old.items()}
        assert old.keys() != state.keys()
        towers = [build_tower(shape), build_tower(shape)]
        for one, held in zip(towers, (state, old), strict=True):
            one.load_published(held)
        assert towers[0].fingerprint() == towers[1].fingerprint()
