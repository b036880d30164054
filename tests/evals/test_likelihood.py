"""Options are scored as if each had been run alone, with as few rows as possible."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.data.collate import collate
from ablate.data.prompt import Prompt
from ablate.evals.likelihood import Row, rows_of, score_rows
from ablate.models.lmm import VideoLMM
from ablate.tokens import IGNORED, VISUAL
from tests.models.designs import model, pixels

TOKENS = 16
"""Visual tokens of a clip."""


def test_options_of_one_token_share_a_row() -> None:
    assert rows_of(3, [(7,), (8,), (9,)]) == [Row(3, (), (0, 1, 2), (7, 8, 9))]


def test_options_that_share_all_but_the_last_token_share_a_row() -> None:
    assert rows_of(0, [(5, 7), (6,), (5, 8), (5, 7, 1)]) == [
        Row(0, (5,), (0, 2), (7, 8)),
        Row(0, (), (1,), (6,)),
        Row(0, (5, 7), (3,), (1,)),
    ]


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), min_size=1))
def test_every_option_is_in_one_row_that_spells_it(options: list[tuple[int, ...]]) -> None:
    rows = rows_of(0, options)
    spelled = {
        option: (*row.stem, last)
        for row in rows
        for option, last in zip(row.options, row.last, strict=True)
    }
    assert spelled == dict(enumerate(options))
    assert len({row.stem for row in rows}) == len(rows)


PROMPTS = ([VISUAL] * TOKENS + [11, 12, 13], [14, 15], [VISUAL] * (2 * TOKENS) + [16])
CLIPS = (1, 0, 2)
OPTIONS = (
    [(21,), (22,), (23,)],
    [(21, 24, 25), (22,), (21, 24, 26), (27, 28)],
    [(30, 31), (30,)],
)


def _alone(built: VideoLMM, question: int, option: tuple[int, ...], clips) -> float:
    """Log-likelihood of one option from a forward pass of its own over the whole sequence."""
    prompt = PROMPTS[question]
    ids = torch.tensor([prompt + list(option)])
    with torch.inference_mode():
        logp = built(ids, torch.ones_like(ids), clips).log_softmax(-1)[0]
    return sum(float(logp[len(prompt) + at - 1, token]) for at, token in enumerate(option))


@pytest.mark.parametrize("live", [False, True], ids=["features", "pixels"])
def test_scores_are_those_of_every_option_run_alone(live: bool) -> None:
    built = model()
    seen = [pixels(built, count, seed) for seed, count in enumerate(CLIPS)]
    rows = [row for k, options in enumerate(OPTIONS) for row in rows_of(k, options)]
    sequences = [PROMPTS[row.question] + list(row.stem) for row in rows]
    media = (torch.cat([seen[row.question][0] for row in rows]),)
    with torch.inference_mode():
        given_media = {"pixels": media} if live else {"features": built.encode(media)}
    batch = collate(
        [str(row.question) for row in rows],
        [Prompt(tuple(ids), (IGNORED,) * len(ids)) for ids in sequences],
        [CLIPS[row.question] for row in rows],
        0,
        **given_media,
    )
    values = score_rows(built, batch, rows, [len(PROMPTS[row.question]) for row in rows])
    scored = 0
    for row, found in zip(rows, values, strict=True):
        clips = built.encode(seen[row.question])
        for option, value in zip(row.options, found, strict=True):
            alone = _alone(built, row.question, OPTIONS[row.question][option], clips)
            assert value == pytest.approx(alone, abs=1e-4)
            scored += 1
    assert scored == sum(map(len, OPTIONS))
