"""Speeds: a planted one is found again, clips are paid for once, and the plan's error is told."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

import experiments
from ablate.bill import accuracies, bills, kept_features
from ablate.cost import expected_workload, flops
from ablate.plan import Counts, make_plan
from ablate.speed import (
    ON_CPU,
    ON_GPU,
    Phases,
    Speed,
    Trial,
    fit_speed,
    keep_speeds,
    kept_speeds,
    phases_of,
)
from ablate.store import RunStore

COUNTS = Counts(train_videos=100, questions=50, test_videos=10)
CELLS = experiments.load("smoke").cells("d", "e")
PLANTED = Speed(0.01, 5e9, 2e9, 3e9, "CPU", "planted")


def _trial(cell, speed: Speed) -> Trial:
    """How long the parts of a cell take at a speed."""
    work = expected_workload(cell, COUNTS.train_videos, COUNTS.questions, COUNTS.test_videos)
    phases = phases_of(cell, work, flops(cell, work))
    return Trial(
        phases,
        phases.steps * speed.step + phases.train / speed.train,
        phases.evaluate / speed.evaluate,
        sum(phases.load.values()) / speed.load,
    )


def test_a_planted_speed_is_found_from_two_designs() -> None:
    few, many = CELLS[0], max(CELLS, key=lambda cell: _trial(cell, PLANTED).phases.train)
    found = fit_speed([_trial(few, PLANTED), _trial(many, PLANTED)], "CPU", "planted")
    assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(PLANTED))


@given(st.floats(-0.9, 9), st.floats(-0.9, 9))
def test_no_trial_makes_a_speed_that_is_not_positive(one: float, other: float) -> None:
    trials = [_trial(CELLS[0], PLANTED), _trial(CELLS[3], PLANTED)]
    noisy = [
        dataclasses.replace(trial, train=trial.train * (1 + noise))
        for trial, noise in zip(trials, (one, other), strict=True)
    ]
    found = fit_speed(noisy, "CPU", "noisy")
    assert found.step >= 0 and found.train > 0
    total = sum(found.step * t.phases.steps + t.phases.train / found.train for t in noisy)
    assert total == pytest.approx(sum(t.train for t in noisy), rel=0.25)


def test_phases_hold_every_flop_once() -> None:
    for cell in (CELLS[0], *experiments.load("schedules").cells("d", "e")[::3]):
        work = expected_workload(cell, 100, 50, 10)
        parts = flops(cell, work)
        phases = phases_of(cell, work, parts)
        held = phases.train + phases.evaluate + sum(phases.load.values())
        assert held == pytest.approx(sum(parts.values()))
        assert bool(phases.load) != cell.design.schedule.trains_vision


def test_clips_that_cells_share_are_paid_for_once(tmp_path) -> None:
    plan = make_plan(CELLS, RunStore(tmp_path), COUNTS)
    speed = dataclasses.replace(PLANTED, train=1e30, evaluate=1e30, step=0.0)
    plan = dataclasses.replace(plan, speeds={"10K": speed, "30K": speed})
    paid = [price for price in plan.price(plan.cells) if price.seconds > 1e-9]
    looks = {
        (cell.design.sampling, tower) for cell in CELLS for tower in cell.design.encoder.towers
    }
    assert 0 < len(paid) <= len(looks) < len(CELLS)
    assert all(sum(price.flops.values()) > 0 for price in plan.price(plan.cells))


def test_speeds_are_kept_by_size_and_used_by_the_next_plan(tmp_path) -> None:
    store = RunStore(tmp_path)
    before = sum(p.seconds for p in make_plan(CELLS, store, COUNTS).price(CELLS))
    keep_speeds(store, {"10K": PLANTED})
    keep_speeds(store, {"30K": dataclasses.replace(PLANTED, micro_batch=4)})
    assert kept_speeds(store)["30K"].micro_batch == 4 and len(kept_speeds(store)) == 2
    plan = make_plan(CELLS, store, COUNTS)
    assert plan.speed(CELLS[0]).device == "planted"
    assert sum(p.seconds for p in plan.price(CELLS)) != pytest.approx(before)


def test_bills_sum_prices_by_kind_of_device(tmp_path) -> None:
    study = experiments.load("connectors")
    cells = study.cells("d", "e", sizes=("100K", "0.5B", "3B"))
    keep_speeds(RunStore(tmp_path), {"0.5B": dataclasses.replace(ON_GPU, device="a GPU")})
    plan = make_plan(cells, RunStore(tmp_path), COUNTS)
    found = {bill.kind: bill for bill in bills(plan)}
    assert set(found) == {"CPU", "GPU"}
    assert found["GPU"].probed == ("a GPU",) and found["GPU"].assumed == ("3B",)
    assert sum(bill.seconds for bill in found.values()) == pytest.approx(
        sum(price.seconds for price in plan.price(plan.unfinished))
    )
    assert plan.speed(cells[-1]) == ON_CPU


def test_the_error_of_a_plan_is_told_once_a_size_is_done(tmp_path) -> None:
    store = RunStore(tmp_path)
    plan = make_plan(CELLS, store, COUNTS)
    expected = {price.cell.score_id: price.seconds for price in plan.price(CELLS)}
    small = [cell for cell in CELLS if cell.size.name == "10K"]
    left = [cell for cell in CELLS if cell.size.name == "30K"][-1]  # its clips are known by then
    for cell in set(CELLS) - {left}:
        took = 2 * expected[cell.score_id]
        store.finish(cell, {"cost": {"seconds": {"evaluate": 0.0, "train": took, "total": took}}})
    (one,) = accuracies(make_plan(CELLS, store, COUNTS), store)
    assert (one.size, one.cells, one.probed) == ("10K", len(small), False)
    assert one.error == pytest.approx(-0.5)


def test_features_are_kept_once_for_all_sizes_that_share_them(tmp_path) -> None:
    study, store = experiments.load("connectors"), RunStore(tmp_path)

    def kept(*sizes: str) -> int:
        return kept_features(make_plan(study.cells("d", "e", sizes=sizes), store, COUNTS))

    assert kept("10K") == kept("10K", "30K", "100K") > 0
    assert kept("0.5B") == kept("0.5B", "3B") > 1000 * kept("10K")
    # One clip of the public pair, in half precision.
    clip = 2 * (4 * 27 * 27 * 1152 + 4 * 16 * 16 * 1408)
    assert kept("0.5B") % clip == 0


def test_no_phase_costs_nothing() -> None:
    assert PLANTED.seconds(Phases(0, 0.0, 0.0, {})) == 0
