"""Questions and conversations about a video, a picture, two pictures, or a text."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np

from ablate.world.kinds import (
    CATEGORIES,
    PICTURE_KINDS,
    TEXT_KINDS,
    VIDEO_KINDS,
    Kind,
    Question,
    multiple_choice,
)
from ablate.world.scene import Scene, motion_phrases, phrases
from ablate.world.vocabulary import PICTURES

FEWEST_TURNS, MOST_TURNS = 6, 8
"""Question and answer pairs of one conversation."""


def video_question(scene: Scene, category: str, rng: np.random.Generator) -> Question:
    """One question of `category` about the whole video; its kind is drawn by fixed shares."""
    kinds = [kind for kind in VIDEO_KINDS if kind.category == category]
    shares = np.array([kind.share for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))].sure(scene, rng)


def video_conversation(scene: Scene, rng: np.random.Generator) -> list[Question]:
    """Six to eight different questions about one video: the categories in turn, in random order."""
    order = [CATEGORIES[k] for k in rng.permutation(len(CATEGORIES))]
    return _different((video_question(scene, category, rng) for category in cycle(order)), rng)


def picture_conversation(scene: Scene, time: float, rng: np.random.Generator) -> list[Question]:
    """Six to eight different questions about the frame of `scene` at `time` seconds."""
    return _different(_endless(_still(scene, time), PICTURE_KINDS, rng), rng)


def pair_conversation(
    scenes: tuple[Scene, Scene], times: tuple[float, float], rng: np.random.Generator
) -> list[Question]:
    """Six to eight different questions about two pictures: each alone, and both together."""
    stills = [_still(scene, time) for scene, time in zip(scenes, times, strict=True)]

    def ask() -> Iterable[Question]:
        alone = [_endless(still, PICTURE_KINDS, rng) for still in stills]
        while True:
            yield _same_digit(stills, rng)
            if question := _which_picture(stills, rng):
                yield question
            for k in rng.permutation(2):
                question = next(alone[k])
                yield replace(question, text=f"{PICTURES[k]} picture , {question.text}")

    return _different(ask(), rng)


def text_conversation(scene: Scene, rng: np.random.Generator) -> tuple[str, list[Question]]:
    """A sentence that describes `scene` in words, and six to eight different questions about it."""
    still = _still(scene, 0.0)
    facts = phrases(still, 0.0)[:4] + motion_phrases(still)
    sentence = " , ".join(facts[k] for k in rng.permutation(len(facts)))
    return f"{sentence} .", _different(_endless(still, TEXT_KINDS, rng), rng)


def _different(questions: Iterable[Question], rng: np.random.Generator) -> list[Question]:
    """The first six to eight questions with different texts."""
    count = int(rng.integers(FEWEST_TURNS, MOST_TURNS + 1))
    asked: dict[str, Question] = {}
    for question in questions:
        asked.setdefault(question.text, question)
        if len(asked) == count:
            break
    return list(asked.values())


def _endless(scene: Scene, kinds: Sequence[Kind], rng: np.random.Generator) -> Iterable[Question]:
    """Questions of `kinds` in random order, again and again."""
    while True:
        for k in rng.permutation(len(kinds)):
            if question := kinds[k].about(scene, rng):
                yield question


def _still(scene: Scene, time: float) -> Scene:
    """The scene as one of its frames shows it: one digit, and at most one flash."""
    flashes = tuple(flash for flash in scene.flashes if flash.start <= time < flash.end)
    return replace(scene, digits=(scene.digit_at(time),), flashes=flashes, cause=None)


def _which_picture(stills: Sequence[Scene], rng: np.random.Generator) -> Question | None:
    """Which of two pictures shows a thing that the other lacks."""
    seen = [{(t.colour, t.shape) for t in still.things if t.colour} for still in stills]
    k = int(rng.integers(2))
    only = sorted(seen[k] - seen[1 - k])
    if not only:
        return None
    colour, shape = only[int(rng.integers(len(only)))]
    asked = f"which picture shows the {colour} {shape}", PICTURES[k], PICTURES
    return multiple_choice("perception", "which_picture", asked, rng)


def _same_digit(stills: Sequence[Scene], rng: np.random.Generator) -> Question:
    same = stills[0].digits == stills[1].digits
    asked = "same digit in both pictures", "yes" if same else "no", ("yes", "no")
    return multiple_choice("ocr", "same_digit", asked, rng)
