import json

import numpy as np
import pytest
from PIL import Image

from ablate.data.video import probe, read_frames
from ablate.world.items import Item, make
from ablate.world.recipe import RECIPES
from ablate.world.scene import render, sample_scene

RECIPE = RECIPES["world-smoke"]


@pytest.fixture
def item(tmp_path):  # type: ignore[no-untyped-def]
    for media in ("videos", "images"):
        (tmp_path / media).mkdir()
    return lambda split, modality, index: Item(RECIPE, split, modality, index, tmp_path)


def test_a_video_is_real_and_shows_its_scene(item, tmp_path) -> None:  # type: ignore[no-untyped-def]
    index = min(range(20), key=lambda k: RECIPE.seconds("train", k))
    entries = make(item("train", "video", index))
    assert len(entries) == RECIPE.conversations_per_video
    path = tmp_path / entries[0]["video"]
    facts = probe(path)
    assert facts.duration == pytest.approx(entries[0]["duration"], abs=1e-3)
    assert (facts.width, facts.height) == (32, 32)
    frames, times = read_frames(path, list(np.arange(0, facts.duration, 0.25)))
    rng = np.random.default_rng(RECIPE.entropy("train", "video", index))
    rng.integers(7)  # the frame rate is drawn first
    drawn = render(sample_scene(rng, entries[0]["duration"]), times)
    # H.264 costs about 4 grey levels of 255; another scene is 40 away.
    assert np.abs(frames.astype(int) - drawn).mean() < 6


def test_frame_rates_and_durations_vary(item, tmp_path) -> None:  # type: ignore[no-untyped-def]
    facts = [probe(tmp_path / make(item("test", "video", k))[0]["video"]) for k in range(14)]
    assert len({round(fact.fps, 3) for fact in facts}) >= 4
    assert max(f.duration for f in facts) > 10 * min(f.duration for f in facts)


def test_a_picture_is_a_whole_frame(item, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (entry,) = make(item("train", "image", 3))
    with Image.open(tmp_path / entry["image"]) as picture:
        assert picture.size == (32, 32) and picture.mode == "RGB"


def test_half_of_the_pairs_share_their_digit(item) -> None:  # type: ignore[no-untyped-def]
    said = [
        turn["value"]
        for k in range(120)
        for turn in make(item("train", "image_set", k))[0]["conversations"]
    ]
    after = [
        said[k + 1] for k, value in enumerate(said) if value.endswith("same digit in both pictures")
    ]
    assert len(after) == 120
    assert 40 <= after.count("yes") <= 80


def test_annotations_do_not_depend_on_the_files(item, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for split, modality in (("train", "image"), ("train", "image_set"), ("train", "text")):
        one, two = make(item(split, modality, 5)), make(item(split, modality, 5))
        assert json.dumps(one) == json.dumps(two)
        assert json.dumps(one) != json.dumps(make(item(split, modality, 6)))
