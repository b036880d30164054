"""The bench of training steps runs where there is no GPU, no Ray and no video library."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ablate.sizes import size_row
from ablate.tokens import VISUAL
from bench import training

ROOT = Path(__file__).parents[2]
ROW = dataclasses.replace(size_row("100K"), name="tiny")
"""Tiny towers and language model."""
DESIGN = dataclasses.replace(
    training.DESIGN, sampling=dataclasses.replace(training.DESIGN.sampling, max_clips=2)
)


def test_a_batch_is_what_the_flops_are_counted_of() -> None:
    batch = training.make_batch(ROW, DESIGN, 3)
    text = training.QUESTION + training.ANSWER
    assert batch.answer_tokens == 3 * training.ANSWER
    assert [row.length for row in batch.rows] == [2 * 64 + text] * 3
    assert int((batch.input_ids == VISUAL).sum()) == 3 * 2 * 64
    one = training.make_batch(ROW, DESIGN, 1)
    counted = training.step_flops(ROW, DESIGN, one)
    assert training.step_flops(ROW, DESIGN, batch) == pytest.approx(3 * counted)


def test_both_ways_train_the_same_model(monkeypatch) -> None:
    """Same first loss: what is timed side by side is the same work."""
    losses: list[float] = []
    entropy = torch.nn.functional.cross_entropy

    def heard(*arguments, **options):
        value = entropy(*arguments, **options)
        losses.append(
            float(value.detach()) / (training.ANSWER if options.get("reduction") == "sum" else 1)
        )
        return value

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", heard)
    monkeypatch.setattr(training, "WARM", 1)
    monkeypatch.setattr(training, "TIMED", 1)
    parts = training._parts

    def seeded(*arguments):
        torch.manual_seed(0)
        return parts(*arguments)

    monkeypatch.setattr(training, "_parts", seeded)
    training.compare(ROW, "cpu", batch=1, design=DESIGN)
    assert len(losses) == 4
    assert losses[0] == pytest.approx(losses[2], rel=0.02)


def test_a_batch_that_does_not_fit_is_cut_smaller(monkeypatch) -> None:
    tried: list[int] = []

    def full(size, device, batch, micro, design):
        tried.append(micro)
        if micro > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return micro

    monkeypatch.setattr(training, "_compare", full)
    assert training.compare(ROW, "cpu", batch=8) == 2 and tried == [8, 4, 2]
    monkeypatch.setattr(
        training,
        "_compare",
        lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory")),
    )
    with pytest.raises(torch.OutOfMemoryError):
        training.compare(ROW, "cpu", batch=8)


ABSENT = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("ray", "decord", "av"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from bench import training
from tests.bench.test_training import DESIGN, ROW

training.MATRIX["cpu"], training.WARM, training.TIMED = 64, 1, 1
print(training.compare(ROW, "cpu", batch=2, design=DESIGN))
"""


def test_it_runs_without_ray_and_video_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ABSENT], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "of the matrix product" in done.stdout and "plain loop" in done.stdout


@pytest.mark.parametrize("name", training.SIZES)
def test_every_row_is_a_public_one(name: str) -> None:
    size = size_row(name)
    assert size.weights is not None and not size.tiny_towers
    assert size.llm.context > training.CLIPS * 64 + training.QUESTION + training.ANSWER
