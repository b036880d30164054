"""The towers written here against the code that published them, and the keys of its checkpoints."""

import dataclasses

import pytest
import torch

from ablate.axes import Tower
from ablate.models.encoders import PublishedTower, build_tower
from ablate.models.encoders.internvideo2 import clip_sinusoids as internvideo2_positions
from ablate.models.encoders.vjepa import clip_sinusoids as vjepa_positions
from ablate.towers import PUBLIC, VitShape
from tests.models.published import drawn, features, keys, pixels

WRITTEN_HERE = [
    Tower.INTERNVIDEO2, Tower.LANGUAGEBIND_VIDEO, Tower.LANGUAGEBIND_IMAGE, Tower.VJEPA,
]  # fmt: skip
REDUCED = {
    Tower.INTERNVIDEO2: {"hidden": 32, "image_size": 28},
    Tower.LANGUAGEBIND_VIDEO: {"hidden": 32, "image_size": 28, "frames": 4},
    Tower.LANGUAGEBIND_IMAGE: {"hidden": 32, "image_size": 28},
    Tower.VJEPA: {"hidden": 36, "heads": 3, "intermediate": 144, "image_size": 32, "frames": 8},
}
"""The sizes of the outputs that are kept; two layers of four heads, where nothing else is said."""


def reduced(tower: Tower, **changes) -> VitShape:
    sizes = {"heads": 4, "intermediate": 64, "layers": 2} | REDUCED[tower] | changes
    return dataclasses.replace(PUBLIC[tower], **sizes)


def built(shape: VitShape) -> PublishedTower:
    tower = build_tower(shape).eval()
    assert isinstance(tower, PublishedTower)
    return tower


def checkpoint(shape: VitShape) -> dict[str, torch.Tensor]:
    """The drawn weights of a published checkpoint of this size, with one layer behind the feature.

    Keys are the published ones; the sizes follow the widths of the shape.
    """
    full = PUBLIC[shape.name]
    sizes = {
        full.hidden: shape.hidden, 3 * full.hidden: 3 * shape.hidden,
        full.intermediate: shape.intermediate,
        1 + full.side**2: 1 + shape.side**2,
        1 + 4 * full.side**2: 1 + 4 * shape.side**2,
        8 * full.side**2: (shape.frames or 0) // 2 * shape.side**2,
    }  # fmt: skip
    if shape.name is Tower.LANGUAGEBIND_VIDEO:
        sizes[8] = shape.frames or 0
    state = {}
    for key, wanted in keys(shape.name).items():
        numbers = [int(part) for part in key.split(".") if part.isdigit()]
        if not numbers or numbers[0] <= shape.layers:
            fitted = tuple(sizes.get(size, size) for size in wanted)
            text = key.startswith("text_model.")  # large, and left behind
            state[key] = torch.zeros(1) if text else drawn(key, fitted)
    return state


@pytest.mark.parametrize(
    ("tower", "name", "frames", "changes"),
    [
        (Tower.INTERNVIDEO2, "internvideo2", 4, {}),
        (Tower.INTERNVIDEO2, "internvideo2_8_frames_56_pixels", 8, {"image_size": 56}),
        (Tower.LANGUAGEBIND_VIDEO, "languagebind_video", 4, {}),
        (Tower.LANGUAGEBIND_IMAGE, "languagebind_image", 4, {}),
        (Tower.VJEPA, "vjepa", 8, {}),
        (Tower.VJEPA, "vjepa_4_frames", 4, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_features_equal_those_of_the_published_code(tower, name, frames, changes) -> None:
    """Worst difference measured, here and at full size: 3.6e-6 of the standard deviation."""
    ours = built(reduced(tower, **changes))
    ours.load_published(checkpoint(reduced(tower)))
    with torch.no_grad():
        made = ours(pixels(frames, ours.shape.image_size))
    theirs = features()[name]
    assert made.shape == theirs.shape
    assert (made - theirs).abs().max() < 1e-5 * theirs.std()


def test_fresh_positions_equal_those_of_the_published_code() -> None:
    theirs = features()
    torch.testing.assert_close(
        internvideo2_positions((4, 2, 2), 32), theirs["internvideo2_positions"], atol=1e-6, rtol=0
    )
    assert torch.equal(vjepa_positions((4, 2, 2), 36), theirs["vjepa_positions"])


@pytest.mark.parametrize("tower", WRITTEN_HERE)
def test_every_key_of_the_full_checkpoint_is_used_or_left_behind(tower: Tower) -> None:
    with torch.device("meta"):
        ours = build_tower(PUBLIC[tower])
        state = {key: torch.empty(shape) for key, shape in keys(tower).items()}
        assert isinstance(ours, PublishedTower)
        ours.load_published(state)
    used = ours.published.select(state, PUBLIC[tower])
    assert {name: value.shape for name, value in used.items()} == {
        name: value.shape for name, value in ours.state_dict().items()
    }


@pytest.mark.parametrize("key", ["vision_encoder.prompt", "vision_encoder.blocks.3.norm1.weight"])
def test_keys_of_another_model_are_refused(key: str) -> None:
    shape = reduced(Tower.INTERNVIDEO2)
    with pytest.raises(ValueError, match=f"internvideo2: the checkpoint holds '{key}'"):
        built(shape).load_published(checkpoint(shape) | {key: torch.zeros(1)})


def test_a_missing_key_and_a_shape_that_does_not_fit_are_named() -> None:
    shape = reduced(Tower.VJEPA)
    state = checkpoint(shape)
    del state["module.backbone.blocks.1.mlp.fc2.bias"]
    with pytest.raises(
        ValueError, match=r"vjepa: the checkpoint lacks 'layers\.1\.mlp\.fc2\.bias'"
    ):
        built(shape).load_published(state)
    wide = dataclasses.replace(shape, intermediate=72)
    with pytest.raises(ValueError, match=r"fc1\.weight' has shape \(144, 36\) .* not \(72, 36\)"):
        built(wide).load_published(checkpoint(shape))


def test_the_rest_of_a_multi_modal_checkpoint_is_left_behind() -> None:
    """Names of InternVideo2's stage-2 model beside the vision encoder."""
    shape = reduced(Tower.INTERNVIDEO2)
    others = (
        "text_encoder.bert.pooler.dense.bias",
        "vision_proj.weight",
        "text_proj.bias",
        "itm_head.weight",
        "temp",
    )
    state = checkpoint(shape)
    whole = state | {name: torch.zeros(1) for name in others}
    alone = {key.removeprefix("vision_encoder."): value for key, value in state.items()}
    one, two = built(shape), built(shape)
    one.load_published(whole)
    two.load_published(alone)
    assert one.fingerprint() == two.fingerprint()


def test_positions_that_fit_no_grid_are_refused() -> None:
    shape = reduced(Tower.INTERNVIDEO2)
    state = checkpoint(shape) | {"vision_encoder.pos_embed": torch.zeros(1, 1 + 4 * 5, 32)}
    with pytest.raises(ValueError, match="positions of 20 patches, which are not 4 square"):
        built(shape).load_published(state)


def test_languagebind_checkpoints_with_one_cls_token_for_all_frames_are_taken() -> None:
    shape = reduced(Tower.LANGUAGEBIND_VIDEO)
    stem, state = "vision_model.embeddings.", checkpoint(reduced(Tower.LANGUAGEBIND_VIDEO))
    new, old = built(shape), built(shape)
    state[stem + "class_embedding"] = state[stem + "class_embedding"][:1].expand(4, -1)
    new.load_published(state)
    state[stem + "class_embedding"] = state[stem + "class_embedding"][0]
    state[stem + "patch_embedding.weight"] = state[stem + "patch_embedding.weight"][:, :, 0]
    old.load_published(state)
    assert old.fingerprint() == new.fingerprint()


def test_the_fingerprint_follows_weights_and_shape() -> None:
    shape = reduced(Tower.VJEPA)
    tower = built(shape)
    before = tower.fingerprint()
    assert before == tower.fingerprint()
    again = built(dataclasses.replace(shape, mean=(0.5, 0.5, 0.5)))
    again.load_state_dict(tower.state_dict())
    assert again.fingerprint() != before
    with torch.no_grad():
        tower.layers[1].mlp.fc2.bias[3] += 1e-6
    assert tower.fingerprint() != before
