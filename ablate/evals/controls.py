"""Examines a model three times: with the videos, with a single frame and with the question only."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ablate.axes import Sampling, Still
from ablate.data.sources import Question
from ablate.data.tokenizer import Tokenizer
from ablate.data.viewer import Viewer
from ablate.evals.answers import Rows
from ablate.evals.examine import examine
from ablate.inputs import viewer_of
from ablate.models.lmm import VideoLMM
from ablate.spec import Design, Size


def examine_with_controls(
    model: VideoLMM,
    questions: Sequence[Question],
    design: Design,
    size: Size,
    tokenizer: Tokenizer,
    sampling: Sampling,
    cache: Path,
    *,
    answered: Mapping[str, Rows] | None = None,
    keep: Callable[[str, Rows], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Per-question results as `examine` gives them, by `video`, `single_frame`, `question_only`.

    Args:
        model: the trained model.
        questions: those of one video are best together.
        design: of the model.
        size: its row.
        tokenizer: of the language model.
        sampling: how videos are looked at.
        cache: folder that keeps frames and features.
        answered: results of the first questions of each, where an earlier attempt has them.
        keep: called with which of them it is and all its results so far, now and then.
    """

    def ask(part: str, sampling: Sampling, *, blind: bool = False) -> pd.DataFrame:
        return examine(
            model, questions, design, tokenizer, view(sampling), blind=blind,
            answered=(answered or {}).get(part, ()),
            keep=keep and (lambda rows: keep(part, rows)),
        )  # fmt: skip

    def view(sampling: Sampling) -> Viewer:
        return viewer_of(design, size, model, sampling, cache)

    return {
        "video": ask("video", sampling),
        "single_frame": ask("single_frame", Still(design.sampling.frames_per_clip)),
        "question_only": ask("question_only", sampling, blind=True),
    }
