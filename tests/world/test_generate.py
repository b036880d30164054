"""A whole small world on disk: the same every time, and finished after any interruption."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.data.annotations import read_conversations, read_questions
from ablate.data.sources import Source, pools
from ablate.world.generate import ANNOTATIONS, generate
from ablate.world.kinds import CATEGORIES
from ablate.world.recipe import RECIPES, fingerprint

RECIPE = replace(
    RECIPES["world-smoke"],
    train_videos=7, conversations_per_video=4, images=5, image_sets=4, texts=3, test_videos=4,
    longest=6.0,
)  # fmt: skip
CONVERSATIONS = {"video": 28, "image": 5, "multi_image": 4, "text": 3}


def make(root: Path, workers: int = 1) -> list[tuple[int, int]]:
    said: list[tuple[int, int]] = []
    assert generate(RECIPE, root, workers, lambda done, total: said.append((done, total))) == root
    return said


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def split_of(root: Path, split: str) -> Source:
    mark = fingerprint(RECIPE, split)
    return Source("world", root / mark / ANNOTATIONS[split], root / mark, fingerprint=mark)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    said = make(root)
    assert said == [(k, 23) for k in range(1, 24)]
    return root


def test_outside_readers_read_it(world: Path) -> None:
    conversations = read_conversations(split_of(world, "train"))
    assert {
        name: len(pool.conversations) for name, (pool,) in pools(conversations).items()
    } == CONVERSATIONS
    for conversation in conversations:
        assert 6 <= len(conversation.turns) <= 8
        assert all(media.path.stat().st_size for media in conversation.media)
        timed = [media.duration is not None for media in conversation.media]
        assert all(timed) if conversation.modality == "video" else not any(timed)
    questions = read_questions(split_of(world, "test"))
    assert [question.category for question in questions] == list(CATEGORIES) * 4
    assert all(question.video.path.stat().st_size for question in questions)
    assert len({question.video_id for question in questions}) == 4


def test_train_and_test_share_no_video(world: Path) -> None:
    train, test = (
        {
            digest
            for name, digest in digests(world / fingerprint(RECIPE, split)).items()
            if "mp4" in name
        }
        for split in ("train", "test")
    )
    assert len(train) == 7 and len(test) == 4 and not train & test


def test_nothing_is_made_twice(world: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*.*")}
    assert make(world) == []
    assert before == {path: path.stat().st_mtime_ns for path in world.rglob("*.*")}


@pytest.mark.parametrize(
    "lost", ["annotations.json", "videos/00002.mp4", "images/00001-second.png"]
)
def test_an_interrupted_generation_is_finished(world: Path, lost: str) -> None:
    whole = digests(world)
    folder = world / fingerprint(RECIPE, "train")
    kept = folder / "videos/00003.mp4"
    age = kept.stat().st_mtime_ns
    (folder / lost).unlink()
    half_written = folder / "videos/.00002-part.mp4"
    half_written.write_bytes(b"half")
    assert make(world)[-1] == (19, 19)
    half_written.unlink()
    assert digests(world) == whole
    assert kept.stat().st_mtime_ns == age


def test_other_workers_make_the_same_bytes(world: Path, tmp_path: Path) -> None:
    make(tmp_path, workers=2)
    assert digests(tmp_path) == digests(world)


def test_a_failure_leaves_no_annotations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", _full_disk)
    with pytest.raises(OSError, match="full"):
        make(tmp_path)
    assert not list(tmp_path.rglob("*.json")) and not list(tmp_path.rglob("[!.]*.mp4"))


def _full_disk(*_: object) -> None:
    raise OSError("disk full")
