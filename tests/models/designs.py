"""Designs, models and random batches that the tests of `ablate.models` share."""

import torch

from ablate.axes import (
    Connector,
    ConnectorKind,
    Encoder,
    ImagePath,
    Integration,
    IntegrationKind,
    Mixture,
    Schedule,
    Stage,
    Tower,
    Uniform,
)
from ablate.models.build import build_model
from ablate.models.lmm import VideoLMM
from ablate.sizes import size_row
from ablate.spec import Design, Init
from ablate.tokens import CLIP_END, CLIP_START, VISUAL

FRAMES = 4
SINGLE = (Tower.SIGLIP,)
PAIR = (Tower.SIGLIP, Tower.VIDEOMAE)


def design(
    towers: tuple[Tower, ...] = SINGLE,
    connector: ConnectorKind = ConnectorKind.MLP,
    tokens: int = 4,
    integration: IntegrationKind = IntegrationKind.PLAIN,
    image_path: ImagePath = ImagePath.UNIFIED,
) -> Design:
    return Design(
        Uniform(8, FRAMES),
        Encoder(towers, image_path),
        Connector(connector, tokens),
        Integration(integration),
        Schedule((Stage(1.0, connector=1.0, llm=1.0),)),
        Mixture(),
    )


def model(size: str = "10K", seed: int = 0, **levels) -> VideoLMM:
    return build_model(design(**levels), size_row(size), Init.PRETRAINED, seed)


def pixels(built: VideoLMM, clips: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    shape = (clips, FRAMES, 3, 32, 32)
    frames = torch.randint(0, 256, shape, generator=random, dtype=torch.uint8)
    return (frames,) * len(built.encoders)


def prompts(
    clips: tuple[int, ...],
    tokens_per_clip: int,
    separators: bool = False,
    placeholder: int = VISUAL,
):
    """One sequence per entry of `clips`, with that many clips, padded on the right."""
    clip = [placeholder] * tokens_per_clip
    if separators:
        clip = [CLIP_START, *clip, CLIP_END]
    rows = [[5] + clip * count + list(range(6, 11)) for count in clips]
    length = max(map(len, rows)) + 2
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask
