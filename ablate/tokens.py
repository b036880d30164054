"""The only arithmetic of visual tokens: for the plan, the prompt and the splice's check."""

from ablate.data.sampling import clip_count
from ablate.spec import Design

VISUAL, CLIP_START, CLIP_END = -200, -201, -202
"""Placeholder ids in a prompt; negative, so that no tokenizer can produce them."""
IGNORED = -100
"""Label of positions that carry no loss."""
TIMESTAMP_TOKENS = 10
"""Planned length of `clip from 00:04-00:08:`; the realised count is recorded."""


def tokens_per_clip(design: Design) -> int:
    """Visual tokens that the connector makes of one clip."""
    return design.sampling.frames_per_clip * design.connector.tokens_per_frame


def context_per_clip(design: Design) -> int:
    """Positions one clip takes in the context: its visual tokens and what stands around them."""
    around = 2 * design.integration.separators + TIMESTAMP_TOKENS * design.integration.timestamps
    return tokens_per_clip(design) + around


def visual_tokens(design: Design, duration: float) -> int:
    """Visual tokens of a video of `duration` seconds."""
    return clip_count(design.sampling, duration) * tokens_per_clip(design)


def max_context(design: Design) -> int:
    """Positions that the longest video takes, without question and answer."""
    return design.sampling.max_clips * context_per_clip(design)
