"""Connectors: token counts, pooling, and what each reads."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import Connector, ConnectorKind
from ablate.connectors import CONNECTORS, component
from ablate.connectors.base import pooled_grid
from ablate.models.connectors.entrance import FIRST_SPREAD
from ablate.models.connectors.steps import EveryStep

GRID = (4, 8, 8)
POOLING = [ConnectorKind.MLP, ConnectorKind.CONV]


def build(kind: ConnectorKind, tokens: int, grid=GRID, frames: int = 4):
    torch.manual_seed(0)
    return component(Connector(kind, tokens), 48, 32, frames, grid).build()


def test_every_connector_is_registered() -> None:
    assert set(CONNECTORS) == set(ConnectorKind)


@pytest.mark.parametrize("grid", [GRID, (2, 8, 8), (4, 6, 6)], ids=str)
@pytest.mark.parametrize("tokens", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", ConnectorKind)
def test_a_clip_becomes_the_planned_tokens(kind, tokens: int, grid) -> None:
    assert build(kind, tokens, grid)(torch.rand(3, *grid, 48)).shape == (3, 4 * tokens, 32)


@given(steps=st.integers(1, 8), per_step=st.integers(1, 64))
def test_pooled_tokens_are_all_made_as_square_as_can_be(steps: int, per_step: int) -> None:
    t, h, w = pooled_grid(steps * per_step, (steps, 64, 64))
    assert (t, h * w) == (steps, per_step)
    assert not any(per_step % side == 0 for side in range(h + 1, math.isqrt(per_step) + 1))


@pytest.mark.parametrize("kind", POOLING)
@pytest.mark.parametrize(("tokens", "grid"), [(32, (4, 4, 4)), (16, (2, 4, 4)), (8, (4, 2, 3))])
def test_more_tokens_than_patches_are_refused(kind, tokens: int, grid) -> None:
    with pytest.raises(ValueError, match=f"connector {kind}-{tokens}: .* patches"):
        build(kind, tokens, grid)


def test_the_perceiver_makes_any_number_of_tokens() -> None:
    assert build(ConnectorKind.PERCEIVER, 32, (2, 2, 2))(torch.rand(1, 2, 2, 2, 48)).shape[1] == 128


def pool(x: torch.Tensor, pooled: tuple[int, int, int]) -> torch.Tensor:
    return EveryStep(torch.nn.AdaptiveAvgPool2d(pooled[1:]))(x)


def test_pooling_averages_each_cell() -> None:
    x = torch.rand(2, 4, 8, 8, 3)
    expected = x.view(2, 4, 2, 4, 2, 4, 3).mean(dim=(3, 5)).flatten(1, 3)
    torch.testing.assert_close(pool(x, (4, 2, 2)), expected)


def test_the_mlp_averages_what_its_two_layers_make_of_every_patch() -> None:
    mlp, features = build(ConnectorKind.MLP, 4), torch.rand(2, *GRID, 48)
    every = mlp.out(torch.nn.functional.gelu(mlp.up(features)))
    torch.testing.assert_close(mlp(features), pool(every, (4, 2, 2)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", POOLING)
def test_pooled_tokens_read_their_own_frame_only(kind) -> None:
    built, features = build(kind, 4), torch.rand(1, *GRID, 48)
    changed = features.clone()
    changed[:, 0] += 1
    moved = (built(features) - built(changed)).abs().amax(dim=-1)[0].view(4, 4)
    assert (moved[0] > 0).all() and moved[1:].max() < 1e-6


def test_perceiver_tokens_read_the_whole_clip() -> None:
    built, features = build(ConnectorKind.PERCEIVER, 4), torch.rand(1, *GRID, 48)
    changed = features.clone()
    changed[:, 0] += 1
    assert ((built(features) - built(changed)).abs().amax(dim=-1) > 0).all()


def test_perceiver_attention_equals_its_formula() -> None:
    """Softmax over patches and latents, key-value heads shared by groups of query heads."""
    built = build(ConnectorKind.PERCEIVER, 4).attention
    latents, context = torch.rand(2, 16, 32), torch.rand(2, 20, 32)
    read = torch.cat([context, latents], 1)
    width, group = built.head_width, built.heads // built.kv_heads
    q = built.query(latents).view(2, 16, built.heads, width)
    k, v = built.key_value(read).view(2, 36, 2, built.kv_heads, width).unbind(2)
    k, v = k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)
    weights = torch.einsum("cqhd,cphd->chqp", q, k).div(math.sqrt(width)).softmax(-1)
    expected = built.out(torch.einsum("chqp,cphd->cqhd", weights, v).flatten(2))
    torch.testing.assert_close(built(latents, context), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [ConnectorKind.MLP, ConnectorKind.CONV])
def test_connectors_without_a_norm_meet_the_features_with_small_weights(kind) -> None:
    module = build(kind, 4)
    first = next(p for p in module.parameters() if p.dim() > 1)
    assert float(first.detach().std()) == pytest.approx(FIRST_SPREAD, rel=0.1)
