"""Batches: padding, and micro-batches whose clips follow their sample."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.fabric.utilities.apply_func import move_data_to_device

from ablate.data.collate import collate
from ablate.data.prompt import Prompt
from ablate.tokens import IGNORED

PAD = 9


def _batch(lengths, clips, kind="features"):
    """Samples of given length; clip tensors that carry their sample's index."""
    prompts = [
        Prompt(tuple(range(1, n + 1)), (IGNORED,) * (n // 2) + tuple(range(n // 2 + 1, n + 1)))
        for n in lengths
    ]
    owners = torch.repeat_interleave(torch.arange(len(clips)), torch.tensor(clips))
    towers = tuple(owners[:, None].expand(-1, width).float() for width in (2, 3))
    names = [f"s{index}" for index in range(len(lengths))]
    return collate(names, prompts, clips, PAD, **{kind: towers})


samples = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3)), min_size=1, max_size=9)


@given(samples)
def test_padding_is_on_the_right_and_carries_nothing(sizes):
    lengths, clips = zip(*sizes, strict=True)
    batch = _batch(lengths, clips)
    assert batch.input_ids.shape == batch.labels.shape == (len(lengths), max(lengths))
    assert batch.attention_mask.sum(1).tolist() == list(lengths)
    padding = batch.attention_mask == 0
    assert (batch.input_ids[padding] == PAD).all()
    assert (batch.labels[padding] == IGNORED).all()
    assert batch.answer_tokens == int((batch.labels != IGNORED).sum())
    assert {x.dtype for x in (batch.input_ids, batch.labels, batch.attention_mask)} == {torch.int64}


@given(samples, st.integers(1, 10), st.sampled_from(["features", "pixels"]))
def test_micro_batches_are_the_batch(sizes, micro, kind):
    lengths, clips = zip(*sizes, strict=True)
    batch = _batch(lengths, clips, kind)
    parts = batch.split(micro)
    assert sum((part.ids for part in parts), ()) == batch.ids
    assert sum(part.answer_tokens for part in parts) == batch.answer_tokens
    assert max(len(part.rows) for part in parts) <= micro
    at = 0
    for part in parts:
        towers = getattr(part, kind)
        assert getattr(part, "pixels" if kind == "features" else "features") is None
        owners = [at + i for i, row in enumerate(part.rows) for _ in range(row.clips)]
        assert all(tower[:, 0].tolist() == owners for tower in towers)
        width = part.input_ids.shape[1]
        assert width == max(row.length for row in part.rows)
        whole = slice(at, at + len(part.rows)), slice(width)
        assert torch.equal(part.input_ids, batch.input_ids[whole])
        assert torch.equal(part.labels, batch.labels[whole])
        at += len(part.rows)


def test_wrong_numbers_raise():
    with pytest.raises(ValueError, match="3 clips given, 2 belong"):
        collate(["a"], [Prompt((1,), (1,))], [2], PAD, features=(torch.zeros(3, 1),))
    with pytest.raises(ValueError, match="at least one sample, not 0"):
        _batch([1], [0]).split(0)


def test_lightning_moves_it():
    batch = move_data_to_device(_batch([3, 2], [1, 0]), torch.device("meta"))
    assert batch.input_ids.device.type == batch.features[1].device.type == "meta"
    assert batch.pixels is None
    assert batch.answer_tokens == 3
