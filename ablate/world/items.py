"""What one item of a dataset is: its file, written where missing, and its annotations."""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ablate.data.video import write_video
from ablate.world.kinds import CATEGORIES, Question
from ablate.world.questions import (
    pair_conversation,
    picture_conversation,
    text_conversation,
    video_conversation,
    video_question,
)
from ablate.world.recipe import Recipe
from ablate.world.scene import Scene, render, sample_scene

Entry = dict[str, Any]
"""One JSON object of an annotation file."""

_RATES = (
    (10, (8, 10, 12, 15, 24, 25, 30)), (60, (8, 10, 12)), (120, (6, 8)), (math.inf, (6,)),
)  # fmt: skip
"""Longest duration in seconds, and the frames a second that occur up to it."""
_PICTURE_SECONDS = 4.0
"""Duration of the scenes that pictures are taken from: flashes last half a second of it."""


@dataclass(frozen=True)
class Item:
    """One video, picture, pair of pictures or text."""

    recipe: Recipe
    split: str
    modality: str
    index: int
    folder: Path
    """Of the split; annotations name files relative to it."""


def make(item: Item) -> list[Entry]:
    """Writes the item's files where they are missing; returns its annotations."""
    rng = np.random.default_rng(item.recipe.entropy(item.split, item.modality, item.index))
    return list(_MAKERS[item.split, item.modality](item, rng))


def _train_video(item: Item, rng: np.random.Generator) -> Iterator[Entry]:
    scene, file = _video(item, rng)
    for k in range(item.recipe.conversations_per_video):
        yield {
            "id": f"video-{item.index:05d}-{k}",
            "video": file,
            "duration": scene.duration,
            "conversations": _turns("<video>\n", video_conversation(scene, rng)),
        }


def _test_video(item: Item, rng: np.random.Generator) -> Iterator[Entry]:
    scene, file = _video(item, rng)
    for category in CATEGORIES:
        question = video_question(scene, category, rng)
        yield {
            "question_id": f"{item.index:05d}-{category}",
            "video": file,
            "video_id": f"{item.index:05d}",
            "duration": scene.duration,
            "question": question.text,
            "options": question.options,
            "answer": question.answer,
            "category": question.category,
            "kind": question.kind,
        }


def _image(item: Item, rng: np.random.Generator) -> Iterator[Entry]:
    scene, time, file = _picture(item, f"{item.index:05d}", rng)
    asked = picture_conversation(scene, time, rng)
    yield {
        "id": f"image-{item.index:05d}",
        "image": file,
        "conversations": _turns("<image>\n", asked),
    }


def _image_set(item: Item, rng: np.random.Generator) -> Iterator[Entry]:
    first, early, one = _picture(item, f"{item.index:05d}-first", rng)
    same = first.digit_at(early) if rng.random() < 0.4 else None  # with chance, half are
    second, late, two = _picture(item, f"{item.index:05d}-second", rng, digit=same)
    asked = pair_conversation((first, second), (early, late), rng)
    yield {
        "id": f"images-{item.index:05d}",
        "image": [one, two],
        "conversations": _turns("<image>\n<image>\n", asked),
    }


def _text(item: Item, rng: np.random.Generator) -> Iterator[Entry]:
    sentence, asked = text_conversation(sample_scene(rng, _PICTURE_SECONDS), rng)
    yield {"id": f"text-{item.index:05d}", "conversations": _turns(f"{sentence} ", asked)}


def _turns(before: str, questions: list[Question]) -> list[dict[str, str]]:
    said = []
    for question in questions:
        said.append({"from": "human", "value": before + question.text})
        said.append({"from": "gpt", "value": question.reply})
        before = ""
    return said


def _video(item: Item, rng: np.random.Generator) -> tuple[Scene, str]:
    """A scene and its video file, relative to the item's folder."""
    seconds = item.recipe.seconds(item.split, item.index)
    rates = next(rates for longest, rates in _RATES if seconds <= longest)
    fps = rates[int(rng.integers(len(rates)))]
    frames = math.ceil(seconds * fps)
    scene = sample_scene(rng, frames / fps)
    file = f"videos/{item.index:05d}.mp4"
    if not (item.folder / file).exists():
        write_video(item.folder / file, render(scene, np.arange(frames) / fps), fps)
    return scene, file


def _picture(
    item: Item, name: str, rng: np.random.Generator, digit: str | None = None
) -> tuple[Scene, float, str]:
    """A scene, the second of its picture, and the file; the sign shows `digit` if given."""
    scene = sample_scene(rng, _PICTURE_SECONDS)
    if digit:
        scene = replace(scene, digits=(digit,))
    time = float(rng.uniform(0, _PICTURE_SECONDS))
    file = f"images/{name}.png"
    path = item.folder / file
    if not path.exists():
        pixels = Image.fromarray(render(scene, [time])[0])
        write_whole(path, lambda temporary: pixels.save(temporary, format="png"))
    return scene, time, file


def write_whole(path: Path, save: Callable[[Path], Any]) -> None:
    """Lets `save` write beside `path` and moves the whole file there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save(temporary)
    os.replace(temporary, path)


_MAKERS: dict[tuple[str, str], Callable[[Item, np.random.Generator], Iterator[Entry]]] = {
    ("train", "video"): _train_video,
    ("train", "image"): _image,
    ("train", "image_set"): _image_set,
    ("train", "text"): _text,
    ("test", "video"): _test_video,
}
