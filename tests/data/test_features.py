"""Kept features are the bits that a live tower gives."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.data.cache import ArrayCache
from ablate.data.features import FeatureStore, TowerInput
from ablate.data.frames import Footage, View
from ablate.data.sources import Media

TOWER = TowerInput(View(8, (0, 0, 0)), (4, 2, 2), 6, "hash")
PIXELS = np.random.default_rng(0).integers(0, 255, (3, 4, 3, 8, 8), np.uint8)
WEIGHTS = torch.randn(48, 6, generator=torch.Generator().manual_seed(0))


def _footage(name="x"):
    return Footage((Media(Path(name), name, 6.0),), 4, (((0.0,) * 4, (2.0,) * 4, (4.0,) * 4),))


def _encode(pixels):
    """A linear patch tower; notes how many clips it was given."""
    assert pixels.shape == (1, 4, 3, 8, 8) and pixels.dtype == torch.uint8
    patches = pixels.float().unfold(3, 4, 4).unfold(4, 4, 4)  # (1, 4, 3, 2, 2, 4, 4)
    return patches.permute(0, 1, 3, 4, 2, 5, 6).flatten(4) @ WEIGHTS / 255


@pytest.fixture
def store(tmp_path):
    return FeatureStore(ArrayCache(tmp_path))


def test_kept_and_live_are_the_same_bits(store):
    assert store.load(TOWER, _footage()) is None
    live = store.make(TOWER, _footage(), PIXELS, _encode)
    kept = store.load(TOWER, _footage())
    assert live.dtype == np.float16 and live.shape == (3, 4, 2, 2, 6)
    assert live.tobytes() == kept.tobytes()
    alone = torch.stack([_encode(torch.from_numpy(clip)[None])[0] for clip in PIXELS])
    np.testing.assert_array_equal(live, alone.half().numpy())


def test_other_weights_footage_or_view_are_other_features(store):
    store.make(TOWER, _footage(), PIXELS, _encode)
    for tower, footage in (
        (TowerInput(TOWER.view, TOWER.grid, TOWER.width, "other"), _footage()),
        (TowerInput(View(8, (9, 9, 9)), TOWER.grid, TOWER.width, "hash"), _footage()),
        (TOWER, _footage("y")),
    ):
        assert store.load(tower, footage) is None


def test_nothing_to_see_needs_no_tower(store):
    nothing = store.load(TOWER, Footage((), 4, None))
    assert nothing.shape == (0, 4, 2, 2, 6) and nothing.dtype == np.float16


def test_a_tower_must_keep_its_word(store):
    with pytest.raises(ValueError, match=r"shape \(1, 4, 2, 2, 5\), not \(1, 4, 2, 2, 6\)"):
        store.make(TOWER, _footage(), PIXELS, lambda clip: _encode(clip)[..., :5])
    with pytest.raises(ValueError, match="half precision"):
        store.make(TOWER, _footage(), PIXELS, lambda clip: _encode(clip) * 1e6)
    assert store.load(TOWER, _footage()) is None


def test_towers_run_without_gradients(store):
    learned = torch.nn.Parameter(torch.ones(()))
    made = []

    def encode(clip):
        made.append(_encode(clip) * learned)
        return made[-1]

    store.make(TOWER, _footage(), PIXELS, encode)
    assert not any(feature.requires_grad for feature in made)
