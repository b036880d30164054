"""A released checkpoint becomes a model of ours: every tensor has its place, at every size."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import ablate.released as module
from ablate.axes import Encoder, Tower
from ablate.exported import load
from ablate.models.apollo import NAMES, connector_state
from ablate.models.build import build_model
from ablate.released import export_released
from ablate.spec import Init, Size
from experiments.apollo import ROWS, STUDY
from tests.mirror import publish_llm, publish_siglip, reduced_row

RECIPE = STUDY.grid.made({})
REDUCED = dataclasses.replace(RECIPE, encoder=Encoder((Tower.SIGLIP,)))


def _released(connector: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The released state of a connector of ours: its tensors under their names."""
    state, released = connector.state_dict(), {}
    for theirs, ours in NAMES.items():
        released[theirs] = state[ours]
    key, value = state["attention.key_value.weight"].chunk(2)
    layer = "resampler.layers.0.self_attn."
    released |= {f"{layer}k_proj.weight": key, f"{layer}v_proj.weight": value}
    released |= {f"proj.0.{end}": state[f"up.{end}"] for end in ("weight", "bias")}
    return {name: tensor.clone() for name, tensor in released.items()}


@pytest.mark.parametrize("name", ROWS)
def test_every_tensor_has_its_place_at_the_true_sizes(name: str) -> None:
    model = build_model(RECIPE, ROWS[name], Init.RANDOM, 0, meta=True)
    wanted = {key: value.shape for key, value in model.connector.state_dict().items()}
    made = connector_state({k: torch.empty_like(v) for k, v in _released(model.connector).items()})
    assert {key: value.shape for key, value in made.items()} == wanted
    # paper Table 7: 38.4M, 63.6M and 177M
    count = sum(shape.numel() for shape in wanted.values())
    assert count == pytest.approx({"1.5B": 38.4e6, "3B": 63.6e6, "7B": 177e6}[name], rel=0.005)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch, offline) -> tuple[Path, Path, Size, torch.nn.Module]:
    """A released folder, a mirror with the public tower, the row, and the true connector."""
    row, mirror, folder = reduced_row(monkeypatch), tmp_path / "mirror", tmp_path / "Apollo-t32"
    monkeypatch.setattr(module, "LADDER", (row,))
    publish_siglip(mirror)
    publish_llm(tmp_path, row)
    shutil.move(tmp_path / str(row.weights), folder / "llm")
    model = build_model(REDUCED, row, Init.RANDOM, 5)
    (folder / "mm_connector").mkdir()
    save_file(_released(model.connector), folder / "mm_connector" / "model.safetensors")
    return folder, mirror, row, model.connector


def test_language_model_and_connector_are_read(checkpoint, tmp_path) -> None:
    folder, mirror, row, connector = checkpoint
    export_released(folder, tmp_path / "model", REDUCED, str(mirror))
    back = load(tmp_path / "model")
    assert back.size == row and back.tokenizer.encode("red")
    for name, value in back.model.connector.state_dict().items():
        assert torch.equal(value, connector.state_dict()[name].bfloat16()), name
    torch.manual_seed(7)
    expected = module.language.build_llm(row.llm).state_dict()
    for name, value in back.model.llm.state_dict().items():
        assert torch.equal(value, expected[name].bfloat16()), name


def test_a_connector_of_another_design_is_named(checkpoint, tmp_path) -> None:
    folder, mirror, *_ = checkpoint
    other = dataclasses.replace(REDUCED, connector=STUDY.grid.axes["connector"][1])
    with pytest.raises(ValueError, match=r"released connector: latents has shape \(128,"):
        export_released(folder, tmp_path / "model", other, str(mirror))
    assert not (tmp_path / "model").exists()


def test_the_verb_needs_the_public_towers_and_says_so(checkpoint, tmp_path, call) -> None:
    folder, mirror, *_ = checkpoint
    code, _, err = call("export", folder, tmp_path / "model", "--weights", mirror)
    assert code == 2 and "internvideo2: no weights of" in err and err.count("\n") == 1
