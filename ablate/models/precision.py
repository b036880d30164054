"""What a model's numbers take: the formats of its parts, and activations kept or computed again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ablate.models.lmm import VideoLMM
from ablate.spec import Format, Precision
from ablate.towers import VitShape

_M = TypeVar("_M", bound=nn.Module)


@contextmanager
def kept_as(kept: Format) -> Iterator[Callable[[_M], _M]]:
    """Modules that are made inside have this format from the start, so that no larger copy exists.

    Gives a function that also casts the weights that were made in a format of their own. Buffers
    are left alone: rotary angles lose their meaning in bf16.
    """
    dtype = torch.bfloat16 if kept is Format.BF16 else torch.float32

    def keep(module: _M) -> _M:
        for parameter in module.parameters():
            parameter.data = parameter.data.to(dtype)
        return module

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield keep
    finally:
        torch.set_default_dtype(before)


def multiply(model: VideoLMM, precision: Precision, device: str) -> None:
    """Make the parts of mixed format multiply in bf16, wherever they are called from."""
    called: dict[str, list[nn.Module]] = {
        "vision": [*model.towers],
        "connector": [part for part in (model.connector, model.picture_connector) if part],
        "llm": [model.llm.model, model.llm.lm_head],
    }
    for tower in model.towers:
        tower.format = precision.vision
    for part, modules in called.items():
        if getattr(precision, part) is Format.MIXED:
            for module in modules:
                module.forward = torch.autocast(device, torch.bfloat16)(module.forward)


def recompute(model: VideoLMM) -> None:
    """Make transformer layers compute their activations again where gradients need them.

    Frozen layers that gradients pass through do so too. There is no dropout, so no number changes;
    convolutional towers are left alone, as their norms would count every batch twice.
    """
    towers = [tower.layers for tower in model.towers if isinstance(tower.shape, VitShape)]
    for layers in (*towers, model.llm.model.layers):
        for layer in layers:
            layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)
