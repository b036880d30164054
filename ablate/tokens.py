"""The only arithmetic of visual tokens: for the plan, the prompt and the splice's check."""

from ablate.axes import IntegrationKind
from ablate.data.sampling import clip_count
from ablate.spec import Design, Size

VISUAL, CLIP_START, CLIP_END, PICTURE = -200, -201, -202, -203
"""Placeholder ids in a prompt; negative, so that no tokenizer can produce them."""
IGNORED = -100
"""Label of positions that carry no loss."""

_CLOSED_TEXT = {IntegrationKind.TIMESTAMPS: (0, 10), IntegrationKind.RELEASED: (27, 15)}
_SPELLED_TEXT = {IntegrationKind.TIMESTAMPS: (0, 15), IntegrationKind.RELEASED: (36, 18)}
"""Most tokens before the first clip and with every clip, of videos below 1,000 seconds: for the
closed tokenizer, and for public ones, which spell numbers digit by digit."""


def tokens_per_clip(design: Design) -> int:
    """Visual tokens that the connector makes of one clip."""
    return design.sampling.frames_per_clip * design.connector.tokens_per_frame


def integration_tokens(design: Design, size: Size) -> tuple[int, int]:
    """Positions before the first clip of a video and around every clip, visual tokens aside."""
    text = _CLOSED_TEXT if size.weights is None else _SPELLED_TEXT
    kind = design.integration.kind
    kind = IntegrationKind.TIMESTAMPS if design.integration.timestamps else kind
    before, around = text.get(kind, (0, 0))
    return before, around + 2 * design.integration.separators


def video_context(design: Design, size: Size, clips: float) -> float:
    """Positions a video of so many clips takes in the context."""
    before, around = integration_tokens(design, size)
    return before + clips * (tokens_per_clip(design) + around)


def picture_context(design: Design) -> int:
    """Positions one picture takes in the context: it has no times."""
    return tokens_per_clip(design) + 2 * design.integration.separators


def visual_tokens(design: Design, duration: float) -> int:
    """Visual tokens of a video of `duration` seconds."""
    return clip_count(design.sampling, duration) * tokens_per_clip(design)


def max_context(design: Design, size: Size) -> int:
    """Positions that the longest video takes, without question and answer."""
    return int(video_context(design, size, design.sampling.max_clips))
