"""Lays out one sample: clips as placeholders, then questions and answers (paper Sec. 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.axes import ImagePath, IntegrationKind
from ablate.data.tokenizer import Tokenizer
from ablate.spec import Design
from ablate.tokens import CLIP_END, CLIP_START, IGNORED, PICTURE, VISUAL, tokens_per_clip

TimeRange = tuple[float, float]
"""Seconds at which the first and the last frame of a clip begin."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip


@dataclass(frozen=True)
class Clips:
    """What a prompt tells of the clips it shows."""

    spans: Sequence[TimeRange | None]
    """Per clip its time range, None for a picture."""
    duration: float | None = None
    """Seconds of the video; None for pictures and text."""


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
    clips: Clips,
    design: Design,
    tokenizer: Tokenizer,
) -> Prompt:
    """A training sample: loss on the answers and the end after each, nowhere else.

    Args:
        turns: questions and answers.
        clips: what is shown.
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


def answer_tokens(turns: Sequence[tuple[str, str]], tokenizer: Tokenizer) -> int:
    """Positions of a training sample that carry loss, whatever is shown."""
    return sum(len(_turn(question, answer, tokenizer)[1]) for question, answer in turns)


def build_option_prompt(
    question: str,
    options: Sequence[str],
    clips: Clips,
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


def in_words(number: int) -> str:
    """A number below 1,000 in English words; larger ones in digits."""
    if number >= 1000:
        return str(number)
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_ONES[hundreds]} hundred" + (f" {in_words(rest)}" if rest else "")
    if number < 20:
        return _ONES[number]
    tens, rest = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[rest]}" if rest else "")


def _turn(question: str, answer: str, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Ids of a question, and of its answer with the end: the only place that renders a turn."""
    asked = [*tokenizer.encode(question), *tokenizer.template.answer]
    return asked, [*tokenizer.encode(answer), tokenizer.end]


def _opening(clips: Clips, design: Design, tokenizer: Tokenizer) -> list[int]:
    """What stands before the first question."""
    return [*tokenizer.template.opening, *_clips(clips, design, tokenizer)]


def _clips(clips: Clips, design: Design, tokenizer: Tokenizer) -> list[int]:
    released = design.integration.kind is IntegrationKind.RELEASED and clips.duration is not None
    ids = tokenizer.encode(_preamble(clips, design)) if released else []
    for index, span in enumerate(clips.spans):
        if span is not None:
            ids += tokenizer.encode(_label(span, design, index))
        ids += _visual(span is None, design)
    return [*ids, *tokenizer.encode("\n\n")] if released else ids


def _visual(picture: bool, design: Design) -> list[int]:
    """Placeholders of one clip or picture."""
    split = picture and design.encoder.image_path is ImagePath.SPLIT
    visual = [PICTURE if split else VISUAL] * tokens_per_clip(design)
    return [CLIP_START, *visual, CLIP_END] if design.integration.separators else visual


def _label(span: TimeRange, design: Design, index: int) -> str:
    """What stands before a clip; released clips are parted by commas and line ends."""
    first, last = span
    if design.integration.timestamps:
        return f"clip from {clock(first)}-{clock(last)}:"
    if design.integration.kind is IntegrationKind.RELEASED:
        return (",\n" if index else "") + f"{first:.1f}-{last:.1f} seconds: "
    return ""


def _preamble(clips: Clips, design: Design) -> str:
    """The released sentence: how many clips, how long each, of how long a video."""
    assert clips.duration is not None and clips.spans[0] is not None
    frames = design.sampling.frames_per_clip
    first, last = clips.spans[0]
    seconds = (last - first) * frames / max(1, frames - 1)
    minutes, rest = divmod(int(clips.duration), 60)
    length = f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    count = in_words(len(clips.spans))
    return f"a series of {count}, {seconds:.1f} second clips from a {length} video:\n"
