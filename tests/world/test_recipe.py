from dataclasses import replace

import pytest

from ablate.world.recipe import RECIPES, Recipe, fingerprint

WORLD = RECIPES["world"]


def test_names_are_keys() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())


def test_every_fact_but_the_name_enters_the_fingerprint_of_its_split() -> None:
    def changed(split: str, **facts: object) -> bool:
        return fingerprint(replace(WORLD, **facts), split) != fingerprint(WORLD, split)  # type: ignore[arg-type]

    for field in ("train_videos", "conversations_per_video", "images", "image_sets", "texts"):
        assert changed("train", **{field: 7}) and not changed("test", **{field: 7})
    assert changed("test", test_videos=7) and not changed("train", test_videos=7)
    for split in ("train", "test"):
        for field in ("seed", "longest", "version"):
            assert changed(split, **{field: 7})
        assert not changed(split, name="other")
    assert fingerprint(WORLD, "train") != fingerprint(WORLD, "test")


def test_random_streams_are_disjoint() -> None:
    streams = [
        WORLD.entropy(split, modality, index)
        for split in Recipe.SPLITS
        for modality in Recipe.MODALITIES
        for index in range(50)
    ]
    assert len(set(streams)) == len(streams)
    smoke = RECIPES["world-smoke"]
    assert smoke.entropy("train", "video", 0) != WORLD.entropy("train", "video", 0)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (
            lambda: WORLD.entropy("dev", "video", 0),
            "split 'dev'; choose from train, test, pretrain",
        ),
        (lambda: WORLD.entropy("train", "audio", 0), "modality 'audio'; choose from video, image"),
        (lambda: WORLD.seconds("pretrain", 0), "split 'pretrain'; choose from train, test"),
        (lambda: fingerprint(WORLD, "pretrain"), "split 'pretrain'; choose from train, test"),
    ],
)
def test_unknown_words_are_named(call, named) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=named):
        call()


def test_durations_keep_their_shares_in_every_run_of_videos() -> None:
    for start in (0, 37, 200):
        test = [WORLD.seconds("test", index) for index in range(start, start + 100)]
        assert sum(s < 10 for s in test) == pytest.approx(40, abs=2)
        assert sum(s >= 60 for s in test) == pytest.approx(25, abs=2)
    train = [WORLD.seconds("train", index) for index in range(WORLD.train_videos)]
    assert min(train) < 2.1 and 500 < max(train) <= 600
    assert sum(2 <= s < 20 for s in train) / len(train) == pytest.approx(0.72, abs=0.01)
    assert sum(30 <= s < 120 for s in train) / len(train) > 0.1
    # Uniform frames must mean very different times between them.
    assert max(train) / min(train) > 100


def test_long_videos_are_cut() -> None:
    smoke = RECIPES["world-smoke"]
    assert max(smoke.seconds("test", index) for index in range(100)) == smoke.longest
