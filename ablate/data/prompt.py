"""Lays out one sample: clips as placeholders, then questions and answers (paper Sec. 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.data.tokenizer import Tokenizer
from ablate.spec import Design
from ablate.tokens import CLIP_END, CLIP_START, IGNORED, VISUAL, tokens_per_clip

TimeRange = tuple[float, float]
"""Seconds at which the first and the last frame of a clip begin."""


@dataclass(frozen=True)
class Prompt:
    """A sequence of S positions."""

    input_ids: tuple[int, ...]
    """Token ids; negative ones are placeholders (`ablate.tokens`)."""
    labels: tuple[int, ...]
    """The ids that are learned, `IGNORED` elsewhere."""

    @property
    def answer_tokens(self) -> int:
        """Positions that carry loss."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class OptionPrompt:
    """A question's prompt and, apart, what each option would add to it."""

    input_ids: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]


def build_prompt(
    turns: Sequence[tuple[str, str]],
    clips: Sequence[TimeRange | None],
    design: Design,
    tokenizer: Tokenizer,
) -> Prompt:
    """A training sample: loss on the answers and the end after each, nowhere else.

    Args:
        turns: questions and answers.
        clips: per clip its time range, None for a picture.
        design: how many tokens a clip takes and what stands around them.
        tokenizer: of the language model.
    """
    ids = _opening(clips, design, tokenizer)
    labels = [IGNORED] * len(ids)
    for index, (question, answer) in enumerate(turns):
        asked, said = _turn(question, answer, tokenizer)
        if index:
            asked = [*tokenizer.template.question, *asked]
        ids += asked + said
        labels += [IGNORED] * len(asked) + said
    return Prompt(tuple(ids), tuple(labels))


def build_option_prompt(
    question: str,
    options: Sequence[str],
    clips: Sequence[TimeRange | None],
    design: Design,
    tokenizer: Tokenizer,
) -> OptionPrompt:
    """An evaluation question as in training, cut before the answer; no end follows an option."""
    asked, _ = _turn(question, "", tokenizer)
    said = tuple(tuple(_turn(question, option, tokenizer)[1][:-1]) for option in options)
    return OptionPrompt((*_opening(clips, design, tokenizer), *asked), said)


def clock(seconds: float) -> str:
    """`MM:SS` of a moment, the second it lies in; minutes go on beyond 59."""
    # Timestamps are exact to a millisecond only: 3.9999 is meant to be 4.
    minutes, rest = divmod(int(seconds + 1e-3), 60)
    return f"{minutes:02d}:{rest:02d}"


def _turn(question: str, answer: str, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Ids of a question, and of its answer with the end: the only place that renders a turn."""
    asked = [*tokenizer.encode(question), *tokenizer.template.answer]
    return asked, [*tokenizer.encode(answer), tokenizer.end]


def _opening(clips: Sequence[TimeRange | None], design: Design, tokenizer: Tokenizer) -> list[int]:
    """What stands before the first question."""
    return [*tokenizer.template.opening, *_clips(clips, design, tokenizer)]


def _clips(clips: Sequence[TimeRange | None], design: Design, tokenizer: Tokenizer) -> list[int]:
    ids: list[int] = []
    visual = [VISUAL] * tokens_per_clip(design)
    if design.integration.separators:
        visual = [CLIP_START, *visual, CLIP_END]
    for span in clips:
        if design.integration.timestamps and span is not None:
            first, last = span
            ids += tokenizer.encode(f"clip from {clock(first)}-{clock(last)}:")
        ids += visual
    return ids
