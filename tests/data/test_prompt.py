"""Layout of prompts: lengths, order, and loss on answers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import Fps, ImagePath, IntegrationKind, Uniform
from ablate.data.prompt import Clips, build_option_prompt, build_prompt, clock, in_words
from ablate.data.sampling import clip_times
from ablate.data.tokenizer import ClosedTokenizer
from ablate.sizes import size_row
from ablate.tokens import (
    CLIP_END,
    CLIP_START,
    IGNORED,
    PICTURE,
    VISUAL,
    max_context,
    picture_context,
    video_context,
    visual_tokens,
)
from ablate.world.vocabulary import WORDS
from tests.data.designs import design

TOKENIZER, SIZE = ClosedTokenizer(), size_row("100K")
TURNS = (("which colour is the ring ?", "red"), ("how many flashes ?", "two"))
kinds = st.sampled_from(list(IntegrationKind))
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
all_turns = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)
samplings = st.sampled_from([Uniform(8, 4), Fps(2, 4, 3), Fps(1, 2, 5)])


def _clips(sampling, duration):
    spans = [(clip[0], clip[-1]) for clip in clip_times(sampling, duration)]
    return Clips(spans, duration)


@given(samplings, kinds, st.floats(0.5, 600), st.sampled_from([1, 2, 16]), all_turns)
def test_video_positions_are_what_the_plan_counts(sampling, kind, duration, per_frame, turns):
    level = design(sampling, per_frame, kind)
    clips = _clips(sampling, duration)
    prompt = build_prompt(turns, clips, level, TOKENIZER)
    text = sum(len(TOKENIZER.encode(f"{q} {a}")) + 1 for q, a in turns)
    taken, planned = len(prompt.input_ids) - text, video_context(level, SIZE, len(clips.spans))
    # Seconds take one to three digits: the released format is bounded, the others are exact.
    spare = 8 + 6 * len(clips.spans) if kind is IntegrationKind.RELEASED else 0
    assert planned - spare <= taken <= planned <= max_context(level, SIZE)
    assert prompt.input_ids.count(VISUAL) == visual_tokens(level, duration)


@given(samplings, kinds, all_turns)
def test_loss_is_on_answers_and_their_ends_alone(sampling, kind, turns):
    prompt = build_prompt(turns, _clips(sampling, 20), design(sampling, 4, kind), TOKENIZER)
    learned = [label for label in prompt.labels if label != IGNORED]
    expected = [i for _, a in turns for i in (*TOKENIZER.encode(a), TOKENIZER.end)]
    assert learned == expected
    assert prompt.answer_tokens == len(expected)
    pairs = zip(prompt.input_ids, prompt.labels, strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    assert min(learned) >= 0


def test_golden():
    turn = [("which way ?", "left")]
    clips = Clips([(0.0, 1.5), (64.0, 65.5)], 3725.5)
    encode = TOKENIZER.encode
    said = encode("which way ?") + encode("left") + [TOKENIZER.end]
    v = [VISUAL] * 8
    times = encode("clip from 00:00-00:01:"), encode("clip from 01:04-01:05:")
    for kind, ids in {
        IntegrationKind.PLAIN: v + v,
        IntegrationKind.SEPARATORS: [CLIP_START, *v, CLIP_END] * 2,
        IntegrationKind.TIMESTAMPS: [*times[0], *v, *times[1], *v],
        IntegrationKind.BOTH: [
            *times[0],
            CLIP_START,
            *v,
            CLIP_END,
            *times[1],
            CLIP_START,
            *v,
            CLIP_END,
        ],
        IntegrationKind.RELEASED: [
            *encode("a series of two, 2.0 second clips from a 1:02:05 video:\n"),
            *encode("0.0-1.5 seconds: "),
            *v,
            *encode(",\n64.0-65.5 seconds: "),
            *v,
            *encode("\n\n"),
        ],
    }.items():
        prompt = build_prompt(turn, clips, design(tokens_per_frame=2, integration=kind), TOKENIZER)
        assert list(prompt.input_ids) == ids + said


@given(kinds, st.sampled_from(list(ImagePath)), st.integers(1, 3))
def test_pictures_have_no_time(kind, path, count):
    level = design(integration=kind, image_path=path)
    prompt = build_prompt(TURNS, Clips([None] * count), level, TOKENIZER)
    placeholder = PICTURE if path is ImagePath.SPLIT else VISUAL
    picture = [placeholder] * 16
    if level.integration.separators:
        picture = [CLIP_START, *picture, CLIP_END]
    assert len(picture) == picture_context(level)
    assert list(prompt.input_ids[: count * len(picture)]) == picture * count
    assert prompt.input_ids[count * len(picture)] == TOKENIZER.encode("which")[0]


@given(kinds)
def test_a_video_is_told_alike_whichever_path_pictures_take(kind):
    one, other = (
        build_prompt(TURNS, _clips(Fps(2, 4, 3), 20), design(integration=kind, image_path=path),
                     TOKENIZER)
        for path in ImagePath
    )  # fmt: skip
    assert one == other


def test_the_released_format_is_spelled_in_whole_words():
    text = "a series of twelve, 2.0 second clips from a 0:10:00 video:"
    words = [TOKENIZER.vocabulary[token] for token in TOKENIZER.encode(text)]
    assert not any(word.startswith("##") for word in words) and "<unk>" not in words
    assert TOKENIZER.decode(TOKENIZER.encode("red\nblue\n")).split(" ") == [
        "red",
        "\n",
        "blue",
        "\n",
    ]


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (99, "ninety-nine"),
     (100, "one hundred"), (125, "one hundred twenty-five"), (1000, "1000")],
)  # fmt: skip
def test_numbers_in_words(number, words):
    assert in_words(number) == words


@given(kinds, texts, st.lists(texts, min_size=2, max_size=4))
def test_an_option_continues_the_question_as_an_answer_does(kind, question, options):
    level, spans = design(integration=kind), Clips([(0.0, 1.5)], 2.0)
    asked = build_option_prompt(question, options, spans, level, TOKENIZER)
    for option, ids in zip(options, asked.options, strict=True):
        trained = build_prompt([(question, option)], spans, level, TOKENIZER)
        assert trained.input_ids == (*asked.input_ids, *ids, TOKENIZER.end)
        assert len(asked.input_ids) == trained.labels.index(ids[0])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00"), (5.99, "00:05"), (59.9995, "01:00"), (61, "01:01"), (4000, "66:40")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text
