"""Builds the model of a design at a size, with seeded or pretrained first weights."""

import math
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from ablate.cost import connector_of
from ablate.encoders import clip_path, picture_path
from ablate.models import checkpoint
from ablate.models.encoders import PublishedTower, VisionTower, build_tower
from ablate.models.integration import Separators
from ablate.models.lmm import VideoLMM
from ablate.models.precision import kept_as
from ablate.spec import FP32, Design, Init, LlmShape, Precision, Size
from ablate.towers import TowerShape

INIT_SCALE = 1.5
"""Spread of fresh language-model weights times the root of the width.

The usual fixed spread of 0.02 suits widths of thousands, where it is the same; at a width of 64 it
leaves attention flat, and question and picture unrelated, for hundreds of steps.
"""


def build_model(
    design: Design,
    size: Size,
    init: Init,
    seed: int,
    *,
    weights: str | None = None,
    precision: Precision = FP32,
    meta: bool = False,
) -> VideoLMM:
    """The model of `design` at `size`, in evaluation mode.

    Equal arguments give bit-identical weights; the global random state is left alone.

    Args:
        design: what to build; only encoder, connector, integration and the clip length matter.
        size: the language model, and whether the towers are tiny.
        init: where the towers' and the language model's weights come from.
        seed: seed of all fresh weights.
        weights: folder that mirrors hub ids; None to ask the hub.
        precision: what the parts' weights are kept in.
        meta: shapes only, on torch's meta device.

    Raises:
        ValueError: a clip that a tower cannot take, a split image path without an image tower, more
            tokens than patches, or missing weights.
    """
    clips, pictures = clip_path(design, size), picture_path(design, size)
    load = init is Init.PRETRAINED and not meta
    # Before anything large is built: what is missing is said at once.
    files = find_weights(design, size, weights) if load else None
    # Every part has a seed of its own: designs that differ in one part start alike in the others.
    with torch.device("meta" if meta else "cpu"), torch.random.fork_rng(devices=[]):
        towers = []
        for shape in clips.towers:
            torch.manual_seed(seed + zlib.crc32(shape.name.encode()))
            with kept_as(precision.vision) as keep:
                towers.append(keep(build_tower(shape)))
        with kept_as(precision.connector) as keep:
            torch.manual_seed(seed + 1)
            connector = keep(connector_of(design, size, clips).build())
            torch.manual_seed(seed + 2)
            separators = None
            if design.integration.separators:
                separators = keep(Separators(size.llm.hidden))
            torch.manual_seed(seed + 4)
            apart = keep(connector_of(design, size, pictures).build()) if pictures else None
        torch.manual_seed(seed + 3)
        with kept_as(precision.llm) as keep:
            llm = keep(build_llm(size.llm))
    if files is not None:
        for tower, file in zip(towers, files.towers, strict=True):
            load_tower(tower, file)
        if files.llm is not None:
            load_llm(llm, files.llm)
    encoders = nn.ModuleDict({tower.shape.name: tower for tower in towers})
    return VideoLMM(encoders, connector, separators, llm, apart).eval()


def build_llm(shape: LlmShape) -> PreTrainedModel:
    """A causal language model of this shape with fresh weights, on the current default device."""
    facts: dict[str, Any] = {
        "vocab_size": shape.vocab, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate, "tie_word_embeddings": shape.tied,
        "max_position_embeddings": shape.context, "attn_implementation": "sdpa",
        "initializer_range": INIT_SCALE / math.sqrt(shape.hidden),
        "bos_token_id": None, "eos_token_id": None,
    }  # fmt: skip
    if shape.qkv_bias:
        return Qwen2ForCausalLM(Qwen2Config(**facts))
    return LlamaForCausalLM(LlamaConfig(**facts))


def load_tower(tower: VisionTower, file: Path | None = None) -> None:
    """Load a tower's weights: of a published checkpoint, or those that come inside a package.

    Raises:
        ValueError: the weights are missing, cannot be read or do not fit.
    """
    if file is None:
        tower.load_shipped()
    else:
        assert isinstance(tower, PublishedTower)
        tower.load_published(checkpoint.read(file, tower.published.inside))


def load_llm(llm: PreTrainedModel, file: Path) -> None:
    """Load a published language model.

    Raises:
        ValueError: the weights cannot be read or do not fit.
    """
    state = checkpoint.read(file)
    wanted = llm.state_dict()
    tied = {"lm_head.weight"} if llm.config.tie_word_embeddings else set()
    if strangers := sorted((set(wanted) ^ set(state)) - tied):
        where = "lacks" if strangers[0] in wanted else "holds"
        raise ValueError(f"language model: {file} {where} {strangers[0]!r}")
    for name, value in state.items():
        if value.shape != wanted[name].shape:
            raise ValueError(
                f"language model: {name!r} has shape {tuple(value.shape)} in {file}, "
                f"not {tuple(wanted[name].shape)}"
            )
    llm.load_state_dict(state, strict=False)


class Files(NamedTuple):
    """Where published weights lie; None for what no hub id names."""

    llm: Path | None
    towers: tuple[Path | None, ...]


def find_weights(design: Design, size: Size, weights: str | None) -> Files:
    """Find the published weights that a pretrained cell starts from, without reading them.

    Raises:
        ValueError: weights that cannot be had.
    """
    llm = None
    if size.weights is not None:
        llm = checkpoint.find(f"size {size.name}", size.weights, weights)
    towers = clip_path(design, size).towers
    return Files(llm, tuple(_find_tower(shape, weights) for shape in towers))


def _find_tower(shape: TowerShape, weights: str | None) -> Path | None:
    if shape.hub_id is None:
        return None
    return checkpoint.find(shape.name, shape.hub_id, weights, file=shape.file, url=shape.url)
