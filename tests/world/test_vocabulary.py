import re

import numpy as np

from ablate.world.kinds import CATEGORIES, Question
from ablate.world.questions import (
    pair_conversation,
    picture_conversation,
    text_conversation,
    video_conversation,
    video_question,
)
from ablate.world.scene import motion_phrases, phrases, sample_scene
from ablate.world.vocabulary import DIGITS, WORDS


def everything_said() -> set[str]:
    said: list[str] = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scene, other = sample_scene(rng, 9.0), sample_scene(rng)
        asked: list[Question] = [video_question(scene, category, rng) for category in CATEGORIES]
        asked += video_conversation(scene, rng) + picture_conversation(scene, 1.0, rng)
        asked += pair_conversation((scene, other), (0.0, 1.0), rng)
        sentence, about = text_conversation(scene, rng)
        said += [sentence, *phrases(scene, 2.0), *motion_phrases(scene)]
        for question in (*asked, *about):
            said += [question.text, *question.options]
    return {word for text in said for word in text.split()}


def test_words_are_exactly_what_is_said() -> None:
    single = set(DIGITS) | set(",.")
    assert everything_said() - single == set(WORDS)


def test_words_are_few_and_plain() -> None:
    assert len(WORDS) == len(set(WORDS)) <= 180
    assert all(re.fullmatch("[a-z]+", word) for word in WORDS)
