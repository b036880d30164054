"""Batches: padding, and their way to a device."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.fabric.utilities.apply_func import move_data_to_device

from ablate.data.collate import GlobalBatch, collate
from ablate.data.prompt import Prompt
from ablate.tokens import IGNORED

PAD = 9


def _batch(lengths, clips):
    """Samples of given length; clip tensors that carry their sample's index."""
    prompts = [
        Prompt(tuple(range(1, n + 1)), (IGNORED,) * (n // 2) + tuple(range(n // 2 + 1, n + 1)))
        for n in lengths
    ]
    owners = torch.repeat_interleave(torch.arange(len(clips)), torch.tensor(clips))
    towers = tuple(owners[:, None].expand(-1, width).float() for width in (2, 3))
    names = [f"s{index}" for index in range(len(lengths))]
    return collate(names, prompts, clips, PAD, features=towers)


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


def test_wrong_numbers_raise():
    with pytest.raises(ValueError, match="3 clips given, 2 belong"):
        collate(["a"], [Prompt((1,), (1,))], [2], PAD, features=(torch.zeros(3, 1),))


def test_lightning_moves_it_part_by_part():
    asked = []

    def micros():
        for length in (3, 2):
            asked.append(length)
            yield _batch([length], [1])

    moved = move_data_to_device(GlobalBatch(micros(), 2, 3), torch.device("meta"))
    assert (moved.count, moved.answer_tokens, asked) == (2, 3, [])
    for number, batch in enumerate(moved.micros, 1):
        assert len(asked) == number
        assert batch.input_ids.device.type == batch.features[1].device.type == "meta"
        assert batch.pixels is None
