"""Scores the options of multiple-choice questions by the likelihood of their text."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ablate.data.collate import Batch
from ablate.models.lmm import VideoLMM


@dataclass(frozen=True)
class Row:
    """One sequence to run: a prompt extended by a stem that some options of a question share.

    Options of one token share the empty stem, so that a single row scores them all.
    """

    question: int
    """Index of the question."""
    stem: tuple[int, ...]
    """Tokens of the options but for the last."""
    options: tuple[int, ...]
    """Indices of the options."""
    last: tuple[int, ...]
    """Last token of each of these options."""


def rows_of(question: int, options: Sequence[Sequence[int]]) -> list[Row]:
    """The rows that score all options of one question."""
    stems: dict[tuple[int, ...], list[int]] = {}
    for index, ids in enumerate(options):
        stems.setdefault(tuple(ids[:-1]), []).append(index)
    return [
        Row(question, stem, tuple(found), tuple(options[index][-1] for index in found))
        for stem, found in stems.items()
    ]


@torch.inference_mode()
def score_rows(
    model: VideoLMM, batch: Batch, rows: Sequence[Row], prompt_lengths: Sequence[int]
) -> list[list[float]]:
    """Summed log-likelihood, in nats, of every option of every row.

    Args:
        model: the trained model, in evaluation mode.
        batch: B sequences: each row's prompt followed by its stem.
        rows: B rows.
        prompt_lengths: B numbers of tokens before the stem.

    Returns:
        For each row one value per option.
    """
    positions = torch.zeros_like(batch.attention_mask, dtype=torch.bool)
    for index, (row, length) in enumerate(zip(rows, prompt_lengths, strict=True)):
        positions[index, length - 1 : length + len(row.stem)] = True
    features = batch.features if batch.pixels is None else model.encode(batch.pixels)
    logits = model(batch.input_ids, batch.attention_mask, features, positions=positions)
    logp = torch.log_softmax(logits.float(), dim=-1).cpu()
    values = []
    for row, part in zip(rows, logp.split([len(row.stem) + 1 for row in rows]), strict=True):
        stem = sum(float(part[at, token]) for at, token in enumerate(row.stem))
        values.append([stem + float(part[-1, token]) for token in row.last])
    return values
