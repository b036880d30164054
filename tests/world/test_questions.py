"""Right answers, no answer that the question alone gives away, and conversations of fair length."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from ablate.world.kinds import CATEGORIES, PICTURE_KINDS, TEXT_KINDS, VIDEO_KINDS, Question
from ablate.world.questions import (
    pair_conversation,
    picture_conversation,
    text_conversation,
    video_conversation,
    video_question,
)
from ablate.world.scene import Scene, sample_scene
from ablate.world.vocabulary import COUNTS

SCENES = [sample_scene(np.random.default_rng(seed), 12.0) for seed in range(1500)]


def truth(scene: Scene, question: Question) -> str:
    """The answer, worked out from the question's text."""
    match question.text.split():
        case ["which", "digit", "is", which]:
            return scene.digits[{"first": 0, "shown": 0, "last": -1}[which]]
        case [*_, "camera", "turn"]:
            return scene.turn
        case ["where", "is", "the", shape]:
            return next(thing.corner for thing in scene.things if thing.shape == shape)
        case ["which", "colour", "is", "the", "flash"]:
            return scene.flashes[0].colour
        case ["which", "colour", "is", "the", shape]:
            return next(str(thing.colour) for thing in scene.things if thing.shape == shape)
        case [*_, "ball", "move"]:
            return scene.ball.direction
        case ["how", "fast", *_]:
            return scene.pace
        case ["how", "many", "flashes"]:
            return COUNTS[len(scene.flashes) - 1]
        case ["which", "flash", "is", which]:
            return scene.flashes[0 if which == "first" else -1].colour
    raise AssertionError(question.text)


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Question]]:
    """Questions about many scenes by kind, each checked against its scene."""
    by_kind = defaultdict(list)
    for seed, scene in enumerate(SCENES):
        rng = np.random.default_rng((1, seed))  # not the stream that made the scene
        for category in CATEGORIES:
            question = video_question(scene, category, rng)
            assert question.category == category
            assert question.reply == truth(scene, question)
            by_kind[question.kind].append(question)
    return by_kind


def test_every_kind_is_asked(asked: dict[str, list[Question]]) -> None:
    assert set(asked) == {kind.name for kind in VIDEO_KINDS}


def test_answers_are_balanced(asked: dict[str, list[Question]]) -> None:
    for kind, questions in asked.items():
        replies = Counter(question.reply for question in questions)
        offered = {option for question in questions for option in question.options}
        counts = [replies[option] for option in sorted(offered)]
        assert chisquare(counts).pvalue > 1e-4, (kind, replies)


def test_the_place_of_the_answer_tells_nothing(asked: dict[str, list[Question]]) -> None:
    for kind, questions in asked.items():
        places = Counter(question.answer for question in questions)
        counts = [places[k] for k in range(len(questions[0].options))]
        assert chisquare(counts).pvalue > 1e-4, (kind, places)


def test_the_question_alone_tells_nothing(asked: dict[str, list[Question]]) -> None:
    replies: dict[str, list[Question]] = defaultdict(list)
    for questions in asked.values():
        for question in questions:
            replies[question.text].append(question)
    for text, questions in replies.items():
        _, common = Counter(question.reply for question in questions).most_common(1)[0]
        chance, count = 1 / len(questions[0].options), len(questions)
        assert common / count < chance + 4 * (chance / count) ** 0.5, text


def test_questions_are_short_and_answers_one_word(asked: dict[str, list[Question]]) -> None:
    for questions in asked.values():
        for question in questions:
            assert len(question.text.split()) <= 6
            assert 3 <= len(question.options) == len(set(question.options)) <= 4
            assert not any(" " in option for option in question.options)


def test_a_conversation_asks_six_to_eight_different_questions() -> None:
    lengths: Counter[int] = Counter()
    for seed, scene in enumerate(SCENES[:200]):
        rng = np.random.default_rng(seed)
        video = video_conversation(scene, rng)
        assert len({question.category for question in video}) >= 4
        picture = picture_conversation(scene, 1.0, rng)
        pair = pair_conversation((scene, SCENES[-seed - 1]), (0.5, 2.0), rng)
        for talk in (video, picture, pair, text_conversation(scene, rng)[1]):
            assert len({question.text for question in talk}) == len(talk)
            lengths[len(talk)] += 1
    assert set(lengths) == {6, 7, 8}


def test_two_conversations_about_one_video_differ() -> None:
    rng = np.random.default_rng(0)
    texts = [tuple(q.text for q in video_conversation(SCENES[0], rng)) for _ in range(6)]
    assert len(set(texts)) > 3


def test_a_picture_is_asked_what_its_frame_shows() -> None:
    kinds = set()
    for seed, scene in enumerate(SCENES[:300]):
        time = float(np.random.default_rng(seed).uniform(0, 12))
        for question in picture_conversation(scene, time, np.random.default_rng(seed)):
            kinds.add(question.kind)
            if question.kind == "digit":
                assert question.reply == scene.digit_at(time)
            elif question.kind == "flash":
                assert question.reply == scene.flash_at(time)
            else:
                assert question.reply == truth(scene, question)
    assert kinds == {kind.name for kind in PICTURE_KINDS}


def test_two_pictures_are_compared() -> None:
    right: Counter[str] = Counter()
    for one, two in zip(SCENES[:300], SCENES[300:600], strict=True):
        rng = np.random.default_rng(len(right))
        for question in pair_conversation((one, two), (0.0, 0.0), rng):
            right[question.kind] += 1
            if question.kind == "same_digit":
                assert question.reply == ("yes" if one.digits[0] == two.digits[0] else "no")
            elif question.kind == "which_picture":
                *_, colour, shape = question.text.split()
                shows = [
                    any((t.colour, t.shape) == (colour, shape) for t in scene.things)
                    for scene in (one, two)
                ]
                assert shows == [question.reply == "first", question.reply == "second"]
            else:
                which, picture, _, *rest = question.text.split()
                assert picture == "picture"
                scene = {"first": one, "second": two}[which]
                scene = replace(scene, digits=scene.digits[:1])
                assert question.reply == truth(scene, replace(question, text=" ".join(rest)))
    assert right["same_digit"] == 300 and right["which_picture"] > 290


def test_a_text_holds_every_answer() -> None:
    kinds = set()
    for seed, scene in enumerate(SCENES[:200]):
        sentence, questions = text_conversation(scene, np.random.default_rng(seed))
        for question in questions:
            kinds.add(question.kind)
            assert question.reply in sentence.split()
            assert question.reply == truth(replace(scene, digits=scene.digits[:1]), question)
    assert kinds == {kind.name for kind in TEXT_KINDS}
