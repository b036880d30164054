"""Vision towers: grids, normalisation, the feature layer, and what a clip's frames may see."""

import pytest
import torch
from transformers import Dinov2Model, SiglipVisionModel, VideoMAEModel

from ablate.axes import Tower
from ablate.models.encoders import ENCODERS, build_tower, dinov2, siglip, videomae
from ablate.towers import PUBLIC, TINY, fused_grid, tower_shape, weights_hash

IMAGE_TOWERS = [Tower.SIGLIP, Tower.DINOV2]


def clips(count: int = 2, frames: int = 4) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, frames, 3, 32, 32), generator=random, dtype=torch.uint8)


def test_every_tower_is_registered() -> None:
    assert set(ENCODERS) == set(Tower)


@pytest.mark.parametrize("tower", TINY)
def test_features_lie_on_the_planned_grid(tower: Tower) -> None:
    shape = TINY[tower]
    features = build_tower(shape)(clips())
    assert features.shape == (2, *shape.grid(4), shape.hidden)


def test_the_papers_grids() -> None:
    assert PUBLIC[Tower.SIGLIP].grid(4) == (4, 27, 27)
    assert PUBLIC[Tower.DINOV2].grid(4) == (4, 16, 16)
    assert PUBLIC[Tower.VIDEOMAE].grid(16) == (8, 14, 14)
    assert PUBLIC[Tower.INTERNVIDEO2].grid(4) == (4, 16, 16)
    assert fused_grid([(4, 27, 27), (8, 14, 14)]) == (8, 27, 27)


@pytest.mark.parametrize(
    ("module", "model", "last"),
    [
        (siglip, SiglipVisionModel, "post_layernorm"),
        (dinov2, Dinov2Model, "layernorm"),
        (videomae, VideoMAEModel, "layernorm"),
    ],
    ids=["siglip", "dinov2", "videomae"],
)
def test_features_are_the_hidden_state_before_the_final_norm(module, model, last: str) -> None:
    """The published forward pass, its final norm taken out, on pixels normalised by hand."""
    shape = TINY[Tower(module.__name__.rsplit(".", 1)[-1])]
    torch.manual_seed(0)
    tower = build_tower(shape)
    torch.manual_seed(0)
    whole = model(module.vision_config(shape)).eval()
    setattr(whole, last, torch.nn.Identity())
    frames = clips()
    mean, std = torch.tensor(shape.mean).view(3, 1, 1), torch.tensor(shape.std).view(3, 1, 1)
    normal = (frames / 255 - mean) / std
    hidden = whole(normal if shape.video else normal.flatten(0, 1)).last_hidden_state
    expected = hidden[:, shape.prefix_tokens :].reshape(2, *shape.grid(4), shape.hidden)
    torch.testing.assert_close(tower(frames), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("tower", IMAGE_TOWERS)
def test_image_towers_see_every_frame_alone(tower: Tower) -> None:
    built, frames = build_tower(TINY[tower]), clips(1)
    changed = frames.clone()
    changed[:, 0] = 255 - changed[:, 0]
    difference = (built(frames) - built(changed)).abs().amax(dim=(2, 3, 4))[0]
    assert difference[0] > 0 and not difference[1:].any()


def test_the_video_tower_sees_its_frames_together() -> None:
    built, frames = build_tower(TINY[Tower.VIDEOMAE]), clips(1)
    changed = frames.clone()
    changed[:, 0] = 255 - changed[:, 0]
    assert ((built(frames) - built(changed)).abs().amax(dim=(2, 3, 4)) > 0).all()


def test_a_short_clip_takes_the_first_positions_of_the_video_tower() -> None:
    built = build_tower(TINY[Tower.VIDEOMAE])
    assert built(clips(1, frames=2)).shape == (1, 1, 4, 4, 48)


@pytest.mark.parametrize(("frames", "word"), [(6, "at most 4"), (3, "multiples of 2")])
def test_clips_that_do_not_fit_the_video_tower_are_refused(frames: int, word: str) -> None:
    with pytest.raises(ValueError, match=f"videomae: clips of {frames} frames.*{word}"):
        build_tower(TINY[Tower.VIDEOMAE])(clips(1, frames))


def test_an_unknown_encoder_names_the_choices() -> None:
    with pytest.raises(ValueError, match=r"unknown encoder 'resnet'; choose from .*siglip, "):
        ENCODERS["resnet"]


def test_a_tower_without_a_sibling_names_those_that_have_one() -> None:
    with pytest.raises(ValueError, match=r"clip: no sibling .*; choose from siglip"):
        tower_shape(Tower.CLIP, tiny=True)


def test_weights_hash_follows_the_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ablate.towers.shape.WEIGHTS", tmp_path)
    with pytest.raises(ValueError, match=r"siglip: no weights at .*make encoders"):
        weights_hash(Tower.SIGLIP)
    hashes = set()
    for content in (b"a", b"b"):
        (tmp_path / "siglip.safetensors").write_bytes(content)
        hashes.add(weights_hash(Tower.SIGLIP))
    assert len(hashes) == 2
