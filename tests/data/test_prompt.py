"""Layout of prompts: lengths, order, and loss on answers alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import Fps, IntegrationKind, Uniform
from ablate.data.prompt import build_option_prompt, build_prompt, clock
from ablate.data.sampling import clip_times
from ablate.data.tokenizer import ClosedTokenizer
from ablate.tokens import (
    CLIP_END,
    CLIP_START,
    IGNORED,
    VISUAL,
    context_per_clip,
    max_context,
    visual_tokens,
)
from ablate.world.vocabulary import WORDS
from tests.data.designs import design

TOKENIZER = ClosedTokenizer()
TURNS = (("which colour is the ring ?", "red"), ("how many flashes ?", "two"))
kinds = st.sampled_from(list(IntegrationKind))
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
all_turns = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)
samplings = st.sampled_from([Uniform(8, 4), Fps(2, 4, 3), Fps(1, 2, 5)])


def _ranges(sampling, duration):
    return [(clip[0], clip[-1]) for clip in clip_times(sampling, duration)]


@given(samplings, kinds, st.floats(0.5, 600), st.sampled_from([1, 2, 16]), all_turns)
def test_video_positions_are_what_the_plan_counts(sampling, kind, duration, per_frame, turns):
    level = design(sampling, per_frame, kind)
    prompt = build_prompt(turns, _ranges(sampling, duration), level, TOKENIZER)
    text = sum(len(TOKENIZER.encode(f"{q} {a}")) + 1 for q, a in turns)
    clips = len(_ranges(sampling, duration))
    assert len(prompt.input_ids) - text == clips * context_per_clip(level) <= max_context(level)
    assert prompt.input_ids.count(VISUAL) == visual_tokens(level, duration)


@given(samplings, kinds, all_turns)
def test_loss_is_on_answers_and_their_ends_alone(sampling, kind, turns):
    prompt = build_prompt(turns, _ranges(sampling, 20), design(sampling, 4, kind), TOKENIZER)
    learned = [label for label in prompt.labels if label != IGNORED]
    expected = [i for _, a in turns for i in (*TOKENIZER.encode(a), TOKENIZER.end)]
    assert learned == expected
    assert prompt.answer_tokens == len(expected)
    pairs = zip(prompt.input_ids, prompt.labels, strict=True)
    assert all(label in (IGNORED, token) for token, label in pairs)
    assert min(learned) >= 0


def test_golden():
    turn = [("which way ?", "left")]
    spans = [(0.0, 1.5), (64.0, 65.5)]
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
    }.items():
        prompt = build_prompt(turn, spans, design(tokens_per_frame=2, integration=kind), TOKENIZER)
        assert list(prompt.input_ids) == ids + said


def test_pictures_have_no_time():
    level = design(integration=IntegrationKind.TIMESTAMPS)
    prompt = build_prompt(TURNS, [None, None], level, TOKENIZER)
    assert prompt.input_ids[:32] == (VISUAL,) * 32
    assert prompt.input_ids[32] == TOKENIZER.encode("which")[0]


@given(kinds, texts, st.lists(texts, min_size=2, max_size=4))
def test_an_option_continues_the_question_as_an_answer_does(kind, question, options):
    level, spans = design(integration=kind), [(0.0, 1.5)]
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
