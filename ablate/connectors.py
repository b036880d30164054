"""Arithmetic of the connectors: pooled grid, parameters and FLOPs in closed form, without torch."""

import math

from ablate.axes import Connector, ConnectorKind
from ablate.towers import Grid

CONV_KERNEL = 3
FFN_MULTIPLE = 4
"""Width of the Perceiver's feed-forward part, as a multiple of the language model's."""
_MAX_HEADS, _MAX_HEAD_WIDTH, _GROUP = 16, 96, 4


def pooled_grid(tokens_per_clip: int, grid: Grid) -> Grid:
    """Grid (T, h, w) of `tokens_per_clip` tokens pooled from a clip's patch tokens (T, H, W).

    Time keeps its steps: frames of one tubelet share their tokens. Each step gets h x w tokens, as
    square as the count allows, with h <= w.

    Raises:
        ValueError: the patches are fewer along an axis than the tokens asked for.
    """
    steps, height, width = grid
    per_step, rest = divmod(tokens_per_clip, steps)
    if rest:
        raise ValueError(f"{tokens_per_clip} tokens a clip do not divide into {steps} time steps")
    h = max(d for d in range(1, math.isqrt(per_step) + 1) if per_step % d == 0)
    w = per_step // h
    if h > height or w > width:
        raise ValueError(
            f"{tokens_per_clip} tokens a clip make {h} x {w} a time step, "
            f"but the encoder gives only {height} x {width} patches"
        )
    return steps, h, w


def check_connector(connector: Connector, grid: Grid, frames_per_clip: int) -> None:
    """Refuse a connector that cannot make its tokens from a clip's patch tokens (T, H, W).

    Raises:
        ValueError: a pooling connector is asked for more tokens than there are patches.
    """
    if connector.kind is ConnectorKind.PERCEIVER:
        return
    try:
        pooled_grid(frames_per_clip * connector.tokens_per_frame, grid)
    except ValueError as error:
        raise ValueError(f"connector {connector.label}: {error}") from None


def conv_stride(pooled: Grid, grid: Grid) -> int:
    """Stride of the first convolution: 2 where the halved grid holds the pooled one, else 1."""
    return 2 if all(-(-g // 2) >= p for g, p in zip(grid[1:], pooled[1:], strict=True)) else 1


def perceiver_heads(llm_hidden: int) -> tuple[int, int, int]:
    """Query heads, key-value heads and head width: 16, 4 and 96 as released, fewer if narrow."""
    width = min(_MAX_HEAD_WIDTH, llm_hidden // _GROUP)
    heads = min(_MAX_HEADS, llm_hidden // width)
    kv_heads = max(d for d in range(1, max(1, heads // _GROUP) + 1) if heads % d == 0)
    return heads, kv_heads, width


def connector_parameters(
    connector: Connector, width_in: int, llm_hidden: int, tokens_per_clip: int
) -> int:
    """Exact parameter count of a connector from `width_in` (E) to `llm_hidden` (D)."""
    e, d = width_in, llm_hidden
    match connector.kind:
        case ConnectorKind.MLP:
            return e * d + d + d * d + d
        case ConnectorKind.CONV:
            return CONV_KERNEL**2 * (e * d + d * d)
        case ConnectorKind.PERCEIVER:
            norms = 4 * 3 * d
            return e * d + d + tokens_per_clip * d + _attention_weights(d) + _ffn_weights(d) + norms


def connector_flops(
    connector: Connector, width_in: int, llm_hidden: int, tokens_per_clip: int, grid: Grid
) -> float:
    """FLOPs of a connector on one clip of patch tokens on `grid` (T, H, W)."""
    e, d, q = width_in, llm_hidden, tokens_per_clip
    patches = math.prod(grid)
    match connector.kind:
        case ConnectorKind.MLP:
            return 2.0 * (patches * e * d + q * d * d)
        case ConnectorKind.CONV:
            stride = conv_stride(pooled_grid(q, grid), grid)
            positions = grid[0] * -(-grid[1] // stride) * -(-grid[2] // stride)
            return 2.0 * positions * connector_parameters(connector, e, d, q)
        case ConnectorKind.PERCEIVER:
            heads, kv_heads, width = perceiver_heads(d)
            keys = patches + q
            projections = 2 * d * width * (q * heads + keys * kv_heads)
            attention = 2 * q * keys * heads * width
            return 2.0 * (patches * e * d + projections + attention + q * _ffn_weights(d))


def integration_parameters(separators: bool, llm_hidden: int) -> int:
    """Learned start and end embeddings, where the design has them (paper Sec. 4.4)."""
    return 2 * llm_hidden * separators


def _attention_weights(d: int) -> int:
    heads, kv_heads, width = perceiver_heads(d)
    return 2 * d * width * (heads + kv_heads)


def _ffn_weights(d: int) -> int:
    return 3 * FFN_MULTIPLE * d * d
