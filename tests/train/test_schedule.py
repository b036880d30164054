"""A schedule's shares become whole steps, at least one a stage, that add up."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import Schedule, Stage
from ablate.sizes import size_row
from ablate.spec import Cell
from ablate.train.schedule import resolve, total_steps
from experiments.baseline import CONNECTOR_FIRST, JOINT, THREE_STAGES
from experiments.baseline_tiny import BASE

SIZE = dataclasses.replace(size_row("10K"), batch=16, lr_vision=1.0, lr_connector=2.0, lr_llm=4.0)


def _cell(schedule: Schedule, samples: int, **changes) -> Cell:
    design = dataclasses.replace(BASE, schedule=schedule)
    return Cell(design, SIZE, samples, 0, data="d", eval_data="e", towers="t", **changes)


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [(JOINT, [600]), (CONNECTOR_FIRST, [180, 420]), (THREE_STAGES, [60, 120, 420])],
)
def test_shares_of_a_full_run(schedule: Schedule, steps: list[int]) -> None:
    assert [stage.steps for stage in resolve(_cell(schedule, 9600))] == steps


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=5),
    st.integers(0, 60),
)
def test_every_stage_has_a_step_and_nothing_is_lost(parts: list[int], more: int) -> None:
    shares = [part / sum(parts) for part in parts]
    schedule = Schedule(tuple(Stage(share, llm=1.0) for share in shares))
    steps = len(parts) + more
    stages = resolve(_cell(schedule, steps * SIZE.batch))
    assert [stage.index for stage in stages] == list(range(len(parts)))
    assert all(stage.steps >= 1 for stage in stages)
    assert sum(stage.steps for stage in stages) == steps
    assert [stage.start for stage in stages[1:]] == [stage.stop for stage in stages[:-1]]
    assert (stages[0].start, stages[-1].stop) == (0, steps * SIZE.batch)
    for stage, share in zip(stages, shares, strict=True):
        assert abs(stage.steps - share * steps) <= len(parts)


def test_rates_are_multiples_of_the_size_row_and_the_scale() -> None:
    schedule = Schedule((Stage(0.5, vision=0.5), Stage(0.5, connector=1.0, llm=3.0)))
    first, second = resolve(_cell(schedule, 64, lr_scale=10.0))
    assert first.rates == {"vision": 5.0}
    assert second.rates == {"connector": 20.0, "llm": 120.0}


def test_a_half_batch_is_dropped_and_declared_steps_win() -> None:
    assert total_steps(_cell(JOINT, 5 * SIZE.batch - 1)) == 4
    assert total_steps(_cell(JOINT, 9600, steps=7)) == 7
    assert resolve(_cell(JOINT, 9600, steps=7))[-1].stop == 7 * SIZE.batch


def test_fewer_steps_than_stages_are_refused() -> None:
    resolve(_cell(THREE_STAGES, 3 * SIZE.batch))
    with pytest.raises(ValueError, match="40 samples make 2 steps of 16, fewer than the 3 stages"):
        resolve(_cell(THREE_STAGES, 40))
