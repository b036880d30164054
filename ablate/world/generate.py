"""Writes a built-in dataset: video and picture files first, annotations last.

Every item is a function of the recipe and its index, every file appears whole or not at all, and a file
that exists is kept: an interrupted generation goes on where it stopped, also with other workers.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ablate.data.video import write_video
from ablate.world.questions import (
    CATEGORIES, Question, pair_conversation, picture_conversation, text_conversation,
    video_conversation, video_question,
)  # fmt: skip
from ablate.world.recipe import Recipe, fingerprint
from ablate.world.scene import Scene, render, sample_scene

Entry = dict[str, Any]
"""One JSON object of an annotation file."""

ANNOTATIONS = {"train": "annotations.json", "test": "questions.json"}

_TRAIN_DURATIONS = ((0.7, 2, 20), (0.93, 20, 120), (1.0, 120, 600))
_TEST_DURATIONS = ((0.4, 2, 10), (0.75, 10, 60), (1.0, 60, 600))
"""Cumulative share, shortest and longest duration in seconds; log-uniform in between."""
_RATES = ((10, (8, 10, 12, 15, 24, 25, 30)), (60, (8, 10, 12)), (math.inf, (6, 8)))
"""Longest duration in seconds, and the frames a second that occur up to it."""
_PICTURE_SECONDS = 4.0
"""Duration of the scenes that pictures are taken from: flashes last half a second of it."""
_CHUNK = 20


@dataclass(frozen=True)
class _Chunk:
    """Consecutive items that one process makes in one go."""

    recipe: Recipe
    split: str
    modality: str
    items: range
    folder: Path


def generate(
    recipe: Recipe, root: Path, workers: int, progress: Callable[[int, int], None]
) -> Path:
    """Makes both splits of `recipe` under `root`, in a folder named by their fingerprint each.

    Args:
        recipe: what to make.
        root: folder of all built-in datasets; created where missing.
        workers: processes, each with one thread; 1 stays in this process.
        progress: called with the number of items that are done and their total.

    Returns:
        `root`.
    """
    chunks: list[_Chunk] = []
    for split in ANNOTATIONS:
        folder = root / fingerprint(recipe, split)
        if not _complete(folder, split):
            for name in ("videos", "images") if split == "train" else ("videos",):
                (folder / name).mkdir(parents=True, exist_ok=True)
            chunks += _chunks(recipe, split, folder)
    total = sum(len(chunk.items) for chunk in chunks)
    entries: dict[str, list[Entry]] = {split: [] for split in ANNOTATIONS}
    done = 0
    for chunk, made in zip(chunks, _make_all(chunks, workers), strict=True):
        entries[chunk.split] += made
        done += len(chunk.items)
        progress(done, total)
    for split, made in entries.items():
        if made:
            path = root / fingerprint(recipe, split) / ANNOTATIONS[split]
            _write(path, lambda temporary, made=made: temporary.write_text(json.dumps(made)))
    return root


def _complete(folder: Path, split: str) -> bool:
    """Whether the annotations and every file they name are there."""
    path = folder / ANNOTATIONS[split]
    if not path.exists():
        return False
    for entry in json.loads(path.read_bytes()):
        media = entry.get("video") or entry.get("image") or []
        for name in [media] if isinstance(media, str) else media:
            if not (folder / name).exists():
                return False
    return True


def _chunks(recipe: Recipe, split: str, folder: Path) -> Iterator[_Chunk]:
    counts = {"video": recipe.test_videos}
    if split == "train":
        counts = {
            "video": recipe.train_videos, "image": recipe.images,
            "image_set": recipe.image_sets, "text": recipe.texts,
        }  # fmt: skip
    for modality, count in counts.items():
        for start in range(0, count, _CHUNK):
            items = range(start, min(start + _CHUNK, count))
            yield _Chunk(recipe, split, modality, items, folder)


def _make_all(chunks: list[_Chunk], workers: int) -> Iterator[list[Entry]]:
    """The entries of every chunk, in order."""
    if workers <= 1 or len(chunks) < 2:
        yield from map(_make, chunks)
        return
    # Spawned, not forked: the caller may hold threads and open decoders.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make, chunks)


def _make(chunk: _Chunk) -> list[Entry]:
    """Writes the files of a chunk and returns what the annotations say of them."""
    make = {
        ("train", "video"): _train_video, ("test", "video"): _test_video,
        ("train", "image"): _image, ("train", "image_set"): _image_set, ("train", "text"): _text,
    }[chunk.split, chunk.modality]  # fmt: skip
    entries: list[Entry] = []
    for index in chunk.items:
        rng = np.random.default_rng(chunk.recipe.entropy(chunk.split, chunk.modality, index))
        entries += make(chunk, index, rng)
    return entries


# === items ===


def _train_video(chunk: _Chunk, index: int, rng: np.random.Generator) -> Iterator[Entry]:
    scene, file = _video(chunk.folder, _TRAIN_DURATIONS, index, rng)
    for k in range(chunk.recipe.conversations_per_video):
        yield {
            "id": f"video-{index:05d}-{k}",
            "video": file,
            "duration": scene.duration,
            "conversations": _turns("<video>\n", video_conversation(scene, rng)),
        }


def _test_video(chunk: _Chunk, index: int, rng: np.random.Generator) -> Iterator[Entry]:
    scene, file = _video(chunk.folder, _TEST_DURATIONS, index, rng)
    for category in CATEGORIES:
        question = video_question(scene, category, rng)
        yield {
            "question_id": f"{index:05d}-{category}",
            "video": file,
            "video_id": f"{index:05d}",
            "duration": scene.duration,
            "question": question.text,
            "options": question.options,
            "answer": question.answer,
            "category": question.category,
            "kind": question.kind,
        }


def _image(chunk: _Chunk, index: int, rng: np.random.Generator) -> Iterator[Entry]:
    scene, time, file = _picture(chunk.folder, f"{index:05d}", rng)
    asked = picture_conversation(scene, time, rng)
    yield {"id": f"image-{index:05d}", "image": file, "conversations": _turns("<image>\n", asked)}


def _image_set(chunk: _Chunk, index: int, rng: np.random.Generator) -> Iterator[Entry]:
    first, early, one = _picture(chunk.folder, f"{index:05d}-first", rng)
    same = first.digit_at(early) if rng.random() < 0.5 else None
    second, late, two = _picture(chunk.folder, f"{index:05d}-second", rng, digit=same)
    asked = pair_conversation((first, second), (early, late), rng)
    yield {
        "id": f"images-{index:05d}",
        "image": [one, two],
        "conversations": _turns("<image>\n<image>\n", asked),
    }


def _text(chunk: _Chunk, index: int, rng: np.random.Generator) -> Iterator[Entry]:
    sentence, asked = text_conversation(sample_scene(rng, _PICTURE_SECONDS), rng)
    yield {"id": f"text-{index:05d}", "conversations": _turns(f"{sentence} ", asked)}


def _turns(before: str, questions: list[Question]) -> list[dict[str, str]]:
    said = []
    for question in questions:
        said.append({"from": "human", "value": before + question.text})
        said.append({"from": "gpt", "value": question.reply})
        before = ""
    return said


# === files ===


def _video(
    folder: Path,
    durations: tuple[tuple[float, float, float], ...],
    index: int,
    rng: np.random.Generator,
) -> tuple[Scene, str]:
    """A scene and its video file, relative to `folder`."""
    seconds = _duration(durations, index)
    rates = next(rates for longest, rates in _RATES if seconds <= longest)
    fps = rates[int(rng.integers(len(rates)))]
    frames = math.ceil(seconds * fps)
    scene = sample_scene(rng, frames / fps)
    file = f"videos/{index:05d}.mp4"
    if not (folder / file).exists():
        write_video(folder / file, render(scene, np.arange(frames) / fps), fps)
    return scene, file


def _duration(durations: tuple[tuple[float, float, float], ...], index: int) -> float:
    """Seconds of item `index`: golden-ratio steps keep the shares in every run of items."""
    u, below = (index + 0.5) * 0.6180339887 % 1.0, 0.0
    for share, shortest, longest in durations:
        if u < share:
            return shortest * (longest / shortest) ** ((u - below) / (share - below))
        below = share
    raise AssertionError("the last cumulative share is 1")


def _picture(
    folder: Path, name: str, rng: np.random.Generator, digit: str | None = None
) -> tuple[Scene, float, str]:
    """A scene, the moment of its picture in seconds, and the file; the sign shows `digit` if given."""
    scene = sample_scene(rng, _PICTURE_SECONDS)
    if digit:
        scene = replace(scene, digits=(digit,))
    time = float(rng.uniform(0, _PICTURE_SECONDS))
    file = f"images/{name}.png"
    if not (folder / file).exists():
        pixels = Image.fromarray(render(scene, [time])[0])
        _write(folder / file, lambda temporary: pixels.save(temporary, format="png"))
    return scene, time, file


def _write(path: Path, save: Callable[[Path], Any]) -> None:
    """Lets `save` write beside `path` and moves the whole file there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save(temporary)
    os.replace(temporary, path)
