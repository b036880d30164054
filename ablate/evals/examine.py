"""Asks a trained model every question and keeps what it thinks of every option."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pandas as pd
import torch

from ablate.data.collate import collate
from ablate.data.prompt import Clips, Prompt, build_option_prompt
from ablate.data.sources import Question
from ablate.data.tokenizer import Tokenizer
from ablate.data.viewer import Seen, Viewer
from ablate.evals.likelihood import rows_of, score_rows
from ablate.evals.score import question_result
from ablate.models.lmm import Features, VideoLMM
from ablate.spec import Design
from ablate.tokens import IGNORED

QUESTIONS_AT_ONCE = 64


def examine(
    model: VideoLMM,
    questions: Sequence[Question],
    design: Design,
    tokenizer: Tokenizer,
    viewer: Viewer,
    *,
    blind: bool = False,
    answered: Sequence[dict[str, Any]] = (),
    keep: Callable[[list[dict[str, Any]]], None] | None = None,
) -> pd.DataFrame:
    """Per-question results.

    Args:
        model: the trained model.
        questions: those of one video are best together, as it is encoded once then.
        design: decides the prompt.
        tokenizer: of the language model.
        viewer: how videos are looked at.
        blind: ask the questions without their videos.
        answered: results of the first questions, where an earlier attempt has them.
        keep: called with all results so far, now and then.

    Returns:
        One row of `ablate.evals.score.question_result` per question.
    """
    model.eval()
    results = list(answered)
    for start in range(len(results), len(questions), QUESTIONS_AT_ONCE):
        chunk = questions[start : start + QUESTIONS_AT_ONCE]
        results += _examine_chunk(model, chunk, design, tokenizer, viewer, blind)
        if keep is not None:
            keep(results)
    return pd.DataFrame(results)


def _examine_chunk(
    model: VideoLMM,
    questions: Sequence[Question],
    design: Design,
    tokenizer: Tokenizer,
    viewer: Viewer,
    blind: bool,
) -> list[dict]:
    seen = {} if blind else _see(questions, viewer)
    clips = {key: one.clips for key, one in seen.items()}
    none = Clips([])
    prompts = [
        build_option_prompt(q.text, q.options, clips.get(q.video.key, none), design, tokenizer)
        for q in questions
    ]
    rows = [row for i, prompt in enumerate(prompts) for row in rows_of(i, prompt.options)]
    videos = [questions[row.question].video.key for row in rows]
    sequences = [prompts[row.question].input_ids + row.stem for row in rows]
    batch = collate(
        [questions[row.question].id for row in rows],
        [Prompt(ids, (IGNORED,) * len(ids)) for ids in sequences],
        [len(clips.get(video, none).spans) for video in videos],
        tokenizer.pad,
        features=_features(model, viewer, seen, [] if blind else videos),
    ).to(model.llm.device)
    lengths = [len(prompts[row.question].input_ids) for row in rows]
    logp = [[0.0] * len(question.options) for question in questions]
    for row, values in zip(rows, score_rows(model, batch, rows, lengths), strict=True):
        for option, value in zip(row.options, values, strict=True):
            logp[row.question][option] = value
    return [
        question_result(question, values, [len(ids) for ids in prompt.options])
        for question, values, prompt in zip(questions, logp, prompts, strict=True)
    ]


def _see(questions: Sequence[Question], viewer: Viewer) -> dict[str, Seen]:
    """Every distinct video once, by its key."""
    distinct = {question.video.key: question for question in questions}
    return {key: viewer.see("video", (question.video,)) for key, question in distinct.items()}


@torch.inference_mode()
def _features(
    model: VideoLMM, viewer: Viewer, seen: dict[str, Seen], videos: Sequence[str]
) -> Features:
    """Per tower features (C, T, H, W, E) of the clips of `videos` in order, each encoded once."""
    if not videos:
        return tuple(torch.zeros(0, *tower.grid, tower.width) for tower in viewer.towers)
    sights = viewer.tensors(list(seen.values()), list(model.encoders.values()))
    distinct = sights.features if sights.pixels is None else model.encode(sights.pixels)
    assert distinct is not None
    counts = [one.footage.clips for one in seen.values()]
    first = dict(zip(seen, accumulate([0, *counts]), strict=False))
    clips = [first[video] + k for video in videos for k in range(seen[video].footage.clips)]
    return tuple(features[clips] for features in distinct)
