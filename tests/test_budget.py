"""Fair comparison: what designs are made equal in is equal, within one batch."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.axes import Connector, Mixture
from ablate.budget import Equal, matched, spent
from ablate.grid import Grid, Study
from ablate.sizes import size_row
from ablate.spec import Cell
from experiments.baseline import CONNECTOR_FIRST, JOINT, SIGLIP, SIGLIP_VIDEOMAE, all_at_once
from experiments.baseline_tiny import BASE, FPS_2, UNIFORM_8, mlp

AXES = {
    "connector": (mlp(1), mlp(4), mlp(16), Connector("perceiver", 4)),
    "sampling": (UNIFORM_8, FPS_2),
    "encoder": (SIGLIP, SIGLIP_VIDEOMAE),
    "schedule": (JOINT, CONNECTOR_FIRST, all_at_once()),
    "mixture": (Mixture(), Mixture(25, 25, 25, 25)),
}
DESIGNS = Grid(BASE, AXES).designs()


def _cell(design, samples: int, size: str = "100K") -> Cell:
    return Cell(design, size_row(size), samples, 0, data="d", eval_data="e", towers="t")


@settings(deadline=None)
@given(
    st.sampled_from(DESIGNS),
    st.sampled_from([Equal.TOKENS, Equal.FLOPS]),
    st.sampled_from([800, 3200, 9600]),
    st.sampled_from(["10K", "1M", "3B"]),
)
def test_every_design_spends_what_the_base_does_within_one_batch(design, equal, samples, size):
    base = _cell(BASE, samples, size)
    made = matched(_cell(design, samples, size), base, equal)
    batch = made.size.batch
    assert made.samples % batch == 0
    assert made.declared_samples == samples
    assert dataclasses.replace(made, samples=samples, matched_to=None) == _cell(
        design, samples, size
    )
    # Shares of the stages are rounded to steps, so that batches differ in what they cost.
    near = [
        spent(dataclasses.replace(made, samples=made.samples + k * batch), equal) for k in range(4)
    ]
    one_batch = max(after - before for before, after in itertools.pairwise(near))
    fewest = made.samples == batch * len(design.schedule.stages)
    assert fewest or abs(spent(made, equal) - spent(base, equal)) <= one_batch


def test_more_tokens_a_frame_get_fewer_samples() -> None:
    counts = [
        matched(_cell(dataclasses.replace(BASE, connector=mlp(k)), 3200), _cell(BASE, 3200), equal)
        for equal in (Equal.TOKENS, Equal.FLOPS)
        for k in (1, 4, 16)
    ]
    samples = [cell.samples for cell in counts]
    assert samples[0] > samples[1] == 3200 > samples[2]
    assert samples[3] > samples[4] == 3200 > samples[5]


@pytest.mark.parametrize("equal", Equal)
def test_a_study_resolves_samples_before_ids_are_made(equal: Equal) -> None:
    study = Study(
        question="?", hypothesis="!", grid=Grid(BASE, {"connector": (mlp(1), mlp(4))}),
        sizes=("100K",), samples=(3200,), equal=equal,
    )  # fmt: skip
    few, base = study.cells("d", "e")
    assert base.samples == 3200 and (few.samples == 3200) == (equal is Equal.SAMPLES)
    assert few.declared_samples == base.declared_samples == 3200
    alone = dataclasses.replace(_cell(few.design, few.samples), towers=few.towers)
    assert few.train_id == alone.train_id and few.score_id == alone.score_id
