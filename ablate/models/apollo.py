"""Loads the connector of the released Apollo checkpoints (arXiv 2412.10360).

A released checkpoint is a folder with `llm/`, a Qwen2.5 checkpoint of transformers,
`mm_connector/`, whose names are translated here, and `vision_tower/`. The towers are not read: they
are SigLIP and InternVideo2 after the paper's second stage, under names of which no description was
at hand.
"""

import re

import torch
from torch import nn

State = dict[str, torch.Tensor]

_NORMS = {
    "resampler.layers.0.input_latents_norm": "norm_latents",
    "resampler.layers.0.input_context_norm": "norm_context",
    "resampler.layers.0.post_attention_layernorm": "norm_ffn",
    "resampler.norm": "norm_out",
}
_LAYER = "resampler.layers.0."
NAMES = {
    "resampler.latents": "latents",
    f"{_LAYER}self_attn.q_proj.weight": "attention.query.weight",
    f"{_LAYER}self_attn.o_proj.weight": "attention.out.weight",
    f"{_LAYER}mlp.gate_proj.weight": "ffn.gate.weight",
    f"{_LAYER}mlp.up_proj.weight": "ffn.up.weight",
    f"{_LAYER}mlp.down_proj.weight": "ffn.down.weight",
    **{f"{theirs}.norm.weight": f"{ours}.norm.weight" for theirs, ours in _NORMS.items()},
    **{f"{theirs}.norm.bias": f"{ours}.norm.bias" for theirs, ours in _NORMS.items()},
    # Spelled so in the code of the models.
    **{f"{theirs}.wheight": f"{ours}.scale" for theirs, ours in _NORMS.items()},
}
"""Released name -> name in `ablate.models.connectors.resampler.Resampler`."""
_KEY, _VALUE = (f"{_LAYER}self_attn.{which}_proj.weight" for which in "kv")


def load_connector(connector: nn.Module, released: State) -> None:
    """Load a released connector's weights into a Perceiver of ours.

    Raises:
        ValueError: a tensor is missing, has no place or another shape; a line names it.
    """
    state, wanted = connector_state(released), connector.state_dict()
    for name, value in state.items():
        if name not in wanted or value.shape != wanted[name].shape:
            ours = tuple(wanted[name].shape) if name in wanted else "none"
            raise ValueError(
                f"released connector: {name} has shape {tuple(value.shape)}, the design's {ours}"
            )
    connector.load_state_dict(state)


def connector_state(released: State) -> State:
    """The state of a `Resampler` from that of a released connector.

    Args:
        released: tensors of `mm_connector/`. The projection is one linear layer, whatever modules
            hold it: its names begin with `proj.` and end with `weight` or `bias`.

    Raises:
        ValueError: a tensor is missing or has no place; a line names it.
    """
    left = dict(released)
    made = {}
    for theirs, ours in NAMES.items():
        made[ours] = _take(left, theirs)
    # Key and value are one projection here.
    made["attention.key_value.weight"] = torch.cat([_take(left, _KEY), _take(left, _VALUE)])
    for end in ("weight", "bias"):
        found = [name for name in left if re.fullmatch(rf"proj\.(.+\.)?{end}", name)]
        if len(found) != 1:
            raise ValueError(
                f"released connector: {len(found)} tensors proj.*{end}, not one; "
                "only a projection of one linear layer is known"
            )
        made[f"up.{end}"] = left.pop(found[0])
    if left:
        raise ValueError(f"released connector: no place for {sorted(left)[0]!r}")
    return made


def _take(state: State, name: str) -> torch.Tensor:
    if name not in state:
        raise ValueError(f"released connector: lacks {name!r}")
    return state.pop(name)
