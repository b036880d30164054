"""Builds the model of a design at a size, with seeded first weights."""

import math
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from ablate.models.connectors import build_connector
from ablate.models.encoders import VisionTower, build_tower
from ablate.models.integration import Separators
from ablate.models.lmm import VideoLMM
from ablate.spec import Design, Init, LlmShape, Size
from ablate.towers import fused_grid, tower_shape, weights_hash

INIT_SCALE = 1.5
"""Spread of fresh language-model weights times the root of the width.

The usual fixed spread of 0.02 suits widths of thousands, where it is the same; at a width of 64 it
leaves attention flat, and question and picture unrelated, for hundreds of steps.
"""


def build_model(
    design: Design, size: Size, init: Init, seed: int, *, meta: bool = False
) -> VideoLMM:
    """The model of `design` at `size`, in evaluation mode.

    Rows that are trained from scratch have a fresh language model and the shipped tiny towers.
    Equal arguments give bit-identical weights; the global random state is left alone.

    Args:
        design: what to build; only encoder, connector, integration and the clip length matter.
        size: the language model, and whether the towers are tiny.
        init: whether published weights are loaded where the size row names them.
        seed: seed of all fresh weights.
        meta: shapes only, on torch's meta device.

    Raises:
        ValueError: a clip that a tower cannot take, more tokens than patches, or missing weights.
    """
    shapes = [tower_shape(tower, size.tiny_towers) for tower in design.encoder.towers]
    frames = design.sampling.frames_per_clip
    grid = fused_grid([shape.grid(frames) for shape in shapes])
    width = sum(shape.hidden for shape in shapes)
    if init is Init.PRETRAINED and size.weights and not meta:
        raise ValueError(
            f"no weights for {size.weights}: give a local directory or a hub id that can be "
            "reached, or start from random weights with INIT=random"
        )
    # Every part has a seed of its own: designs that differ in one part start alike in the others.
    with torch.device("meta" if meta else "cpu"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        towers = [build_tower(shape) for shape in shapes]
        torch.manual_seed(seed + 1)
        connector = build_connector(design.connector, width, size.llm.hidden, frames, grid)
        torch.manual_seed(seed + 2)
        separators = Separators(size.llm.hidden) if design.integration.separators else None
        torch.manual_seed(seed + 3)
        llm = build_llm(size.llm)
    if size.tiny_towers and not meta:
        for tower in towers:
            load_tower(tower)
    encoders = nn.ModuleDict({tower.shape.name: tower for tower in towers})
    return VideoLMM(encoders, connector, separators, llm).eval()


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


def load_tower(tower: VisionTower) -> None:
    """Load the shipped weights of a tiny tower; they are stored in half precision.

    Raises:
        ValueError: the file is missing.
    """
    weights_hash(tower.shape.name)
    stored = load_file(tower.shape.weights_path)
    tower.load_state_dict({name: value.float() for name, value in stored.items()})
