"""Which pairs of variants two sides order alike, per variant: all pairs in n log n steps."""

import numpy as np

from analysis.tables.pairs import Codes, Floats


def balance(x: Floats, y: Floats) -> Codes:
    """Per variant, the pairs with it that x and y order alike, minus those they order otherwise.

    Pairs that tie on either side count for neither.

    Args:
        x: one table of shape (n,), or many of shape (tables, n).
        y: the same shape.

    Returns:
        The same shape.
    """
    n = x.shape[-1]
    (order_x, below_x, upto_x), (order_y, below_y, upto_y) = _ranked(x), _ranked(y)
    rank = np.empty_like(order_y)
    np.put_along_axis(rank, order_y, np.broadcast_to(np.arange(n), rank.shape), axis=-1)
    ranks = np.take_along_axis(rank, order_x, axis=-1)
    # how many are smaller on both sides, or equal there on the second, the first, both
    both, below_upto, upto_below, upto_both = (
        _counts(ranks, left, under)
        for left, under in (
            (below_x, below_y), (below_x, upto_y), (upto_x, below_y), (upto_x, upto_y),
        )
    )  # fmt: skip
    alike = both + (n - upto_x - upto_y + upto_both)
    otherwise = (below_x - below_upto) + (below_y - upto_below)
    found: Codes = alike - otherwise
    return found


def lead(values: Floats) -> Codes:
    """Per value, how many others it exceeds minus how many exceed it: a rank, centred at 0."""
    _, below, upto = _ranked(values)
    return below - (len(values) - upto)


def untied_pairs(values: Floats) -> int:
    """Ordered pairs of different values."""
    _, below, upto = _ranked(values)
    return len(values) ** 2 - int((upto - below).sum())


def _ranked(values: Floats) -> tuple[Codes, Codes, Codes]:
    """The order of values along the last axis; how many are below each, and how many not above."""
    n = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=-1)
    rises = ordered[..., 1:] != ordered[..., :-1]
    first = np.zeros(ordered.shape, np.intp)
    first[..., 1:] = np.where(rises, np.arange(1, n), 0)
    after = np.full(ordered.shape, n)
    after[..., :-1] = np.where(rises, np.arange(1, n), n)
    below, upto = np.empty_like(first), np.empty_like(first)
    starts = np.maximum.accumulate(first, axis=-1)
    ends = np.minimum.accumulate(after[..., ::-1], axis=-1)[..., ::-1]
    np.put_along_axis(below, order, starts, axis=-1)
    np.put_along_axis(upto, order, ends, axis=-1)
    return order, below, upto


def _counts(ranks: Codes, prefix: Codes, bound: Codes) -> Codes:
    """How many of the first `prefix` ranks are smaller than `bound`, of every table.

    A wavelet matrix (Claude, Navarro and Ordonez 2015): ranks are split by their bits, highest
    first, and every query follows the bits of its bound. All tables lie in one matrix, the ranks
    of the next one above those of the last.

    Args:
        ranks: each number from 0 to n - 1 once in a table, shape (..., n).
        prefix: at most n, the same shape.
        bound: at most n, the same shape.
    """
    n = ranks.shape[-1]
    offset = n * np.arange(ranks.size // n).reshape(*ranks.shape[:-1], 1)
    matrix, limit = (ranks + offset).reshape(-1), (bound + offset).reshape(-1)
    start = np.broadcast_to(offset, ranks.shape).reshape(-1)
    end = (prefix + offset).reshape(-1)
    counts = np.zeros_like(end)
    for bit in reversed(range(ranks.size.bit_length())):
        ones = (matrix >> bit & 1).astype(bool)
        zeros_before = np.concatenate([[0], np.cumsum(~ones)])
        zeros_start, zeros_end = zeros_before[start], zeros_before[end]
        above = (limit >> bit & 1).astype(bool)
        counts += np.where(above, zeros_end - zeros_start, 0)
        start = np.where(above, zeros_before[-1] + start - zeros_start, zeros_start)
        end = np.where(above, zeros_before[-1] + end - zeros_end, zeros_end)
        matrix = np.concatenate([matrix[~ones], matrix[ones]])
    return counts.reshape(ranks.shape)
