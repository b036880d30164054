"""Released connectors are read into the Perceiver: a forward pass written out from their names."""

import math

import pytest
import torch
from torch.nn import functional

from ablate.axes import Connector, ConnectorKind
from ablate.connectors import component
from ablate.models.apollo import connector_state

WIDTH, HEADS, KV_HEADS, HEAD, LATENTS, PATCHES = 64, 4, 1, 16, 8, (4, 3, 3)
IN = 40


def _released(proj: str = "proj.0") -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)

    def tensor(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random) / math.sqrt(shape[-1])

    layer = "resampler.layers.0."
    state = {
        f"{proj}.weight": tensor(WIDTH, IN),
        f"{proj}.bias": tensor(WIDTH),
        "resampler.latents": tensor(LATENTS, WIDTH),
        f"{layer}self_attn.q_proj.weight": tensor(HEADS * HEAD, WIDTH),
        f"{layer}self_attn.k_proj.weight": tensor(KV_HEADS * HEAD, WIDTH),
        f"{layer}self_attn.v_proj.weight": tensor(KV_HEADS * HEAD, WIDTH),
        f"{layer}self_attn.o_proj.weight": tensor(WIDTH, HEADS * HEAD),
        f"{layer}mlp.gate_proj.weight": tensor(4 * WIDTH, WIDTH),
        f"{layer}mlp.up_proj.weight": tensor(4 * WIDTH, WIDTH),
        f"{layer}mlp.down_proj.weight": tensor(WIDTH, 4 * WIDTH),
    }
    names = ("input_latents_norm", "input_context_norm", "post_attention_layernorm")
    for norm in (*(layer + name for name in names), "resampler.norm"):
        state |= {f"{norm}.{part}": tensor(WIDTH) for part in ("norm.weight", "norm.bias")}
        state[f"{norm}.wheight"] = 1 + tensor(WIDTH)
    return state


def _forward(state: dict[str, torch.Tensor], features: torch.Tensor) -> torch.Tensor:
    """The released connector on (C, T, H, W, E), step by step."""
    layer = "resampler.layers.0."

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = state[f"{name}.norm.weight"], state[f"{name}.norm.bias"]
        return functional.layer_norm(x, (WIDTH,), weight, bias) * state[f"{name}.wheight"]

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ state[f"{layer}{name}.weight"].T

    context = features.flatten(1, 3) @ state["proj.0.weight"].T + state["proj.0.bias"]
    latents = state["resampler.latents"].expand(len(features), -1, -1)
    x, seen = (
        norm(f"{layer}input_latents_norm", latents),
        norm(f"{layer}input_context_norm", context),
    )
    read = torch.cat([seen, x], dim=1)
    q = linear("self_attn.q_proj", x).unflatten(-1, (HEADS, HEAD)).transpose(1, 2)
    k, v = (
        linear(f"self_attn.{which}_proj", read)
        .unflatten(-1, (KV_HEADS, HEAD))
        .transpose(1, 2)
        .repeat_interleave(HEADS // KV_HEADS, dim=1)
        for which in "kv"
    )
    mixed = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(HEAD), dim=-1) @ v
    x = latents + linear("self_attn.o_proj", mixed.transpose(1, 2).flatten(2))
    y = norm(f"{layer}post_attention_layernorm", x)
    gated = functional.silu(linear("mlp.gate_proj", y)) * linear("mlp.up_proj", y)
    return norm("resampler.norm", x + linear("mlp.down_proj", gated))


def _perceiver() -> torch.nn.Module:
    level = Connector(ConnectorKind.PERCEIVER, LATENTS // 4)
    return component(level, IN, WIDTH, frames_per_clip=4, grid=PATCHES).build()


def test_a_released_connector_computes_the_same_here() -> None:
    perceiver, released = _perceiver(), _released()
    perceiver.load_state_dict(connector_state(released))
    features = torch.randn(2, *PATCHES, IN, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(perceiver(features), _forward(released, features))


@pytest.mark.parametrize("proj", ["proj", "proj.0", "proj.mlp.0"])
def test_the_projection_is_found_whatever_holds_it(proj: str) -> None:
    released = _released(proj)
    state = connector_state(released)
    assert state["up.weight"] is released[f"{proj}.weight"]
    assert state.keys() == _perceiver().state_dict().keys()


@pytest.mark.parametrize("name", ["resampler.latents", "resampler.norm.wheight", "proj.0.bias"])
def test_a_missing_tensor_is_named(name: str) -> None:
    released = _released()
    del released[name]
    with pytest.raises(ValueError, match="released connector") as caught:
        connector_state(released)
    assert name.split(".")[0] in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["proj.2.weight", "resampler.layers.1.mlp.up_proj.weight", "resampler.pos_embed"]
)
def test_a_tensor_without_a_place_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no place|2 tensors") as caught:
        connector_state({**_released(), name: torch.zeros(1)})
    assert "\n" not in str(caught.value)
