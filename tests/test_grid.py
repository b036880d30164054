"""Cells are generated, never typed: each differs from the base in what its axes say."""

import dataclasses
from collections import Counter

import pytest

import experiments
from ablate.axes import Connector, Encoder, Fps, Schedule, Stage, Uniform
from ablate.failures import Failure
from ablate.grid import Comparison, Grid, Study
from ablate.plan import Counts, check_cell, make_plan
from ablate.spec import Design, Protocol
from ablate.store import RunStore
from experiments.baseline import SIGLIP, VIDEOMAE
from experiments.baseline_paper import BASE as PAPER
from experiments.baseline_paper import FPS_2 as FPS_PAPER
from experiments.baseline_tiny import FPS_1, FPS_2, UNIFORM_8
from tests.cells import BASE

AXES = {"sampling": (UNIFORM_8, FPS_2, FPS_1), "encoder": (SIGLIP, VIDEOMAE)}
COUNTS = Counts(train_videos=100, questions=50, test_videos=10)


def _study(**changes) -> Study:
    given = {
        "question": "?", "hypothesis": "!", "grid": Grid(BASE, AXES),
        "sizes": ("10K", "30K"), "samples": (640,),
    }  # fmt: skip
    return Study(**(given | changes))


def test_the_full_grid_is_the_product_of_its_levels() -> None:
    designs = Grid(BASE, AXES).designs()
    assert len(set(designs)) == 6
    for design in designs:
        rest = [axis for axis in Design.AXES if axis not in AXES]
        assert all(getattr(design, axis) == getattr(BASE, axis) for axis in rest)


@pytest.mark.parametrize("name", experiments.names())
def test_a_fraction_is_balanced(name: str) -> None:
    study = experiments.load(name)
    for grid in (study.grid, study.tiny.grid if study.tiny else study.grid):
        for axis, levels in grid.axes.items():
            used = Counter(getattr(design, axis) for design in grid.designs())
            assert len(used) == len(levels)
            assert max(used.values()) - min(used.values()) <= 1


# === settings, what follows, counterparts, protocols ===


def test_settings_are_crossed_with_the_axes() -> None:
    settings = (
        {"sampling": FPS_2, "connector": Connector("mlp", 4)},
        {"sampling": FPS_1, "connector": Connector("mlp", 2)},
    )
    grid = Grid(BASE, {"encoder": (SIGLIP, VIDEOMAE)}, settings=settings)
    assert grid.varied == ("sampling", "encoder", "connector")
    assert {(d.sampling, d.connector) for d in grid.designs()} == {
        (one["sampling"], one["connector"]) for one in settings
    }
    assert len(set(grid.designs())) == 4


def test_the_papers_21_designs() -> None:
    """Tables 14 and 15: tokens a second of the seven settings, and three mixtures for each."""
    designs = experiments.load("apollo21").grid.designs()
    assert len(set(designs)) == 21 and len({d.mixture for d in designs}) == 3
    rates = [d.sampling.fps * d.connector.tokens_per_frame for d in designs[::3]]
    assert rates == pytest.approx([6.4, 12.8, 12.8, 6.4, 6.4, 12.8, 12.8])
    assert [d.sampling.clip_seconds for d in designs[::3]] == pytest.approx([5, 5, 5, 5, 10, 5, 5])
    assert [d.schedule.trains_vision for d in designs[::3]] == [False, False, True] + [
        False
    ] * 3 + [True]


def test_clips_follow_the_video_tower_and_tokens_a_second_stay() -> None:
    study = experiments.load("encoders")
    assert study.axes == ("encoder",) and len(study.grid.designs()) == 19
    frames = {"internvideo2": 4, "languagebind_video": 8, "videomae": 16, "vjepa": 16}
    for design in study.grid.designs():
        native = [frames[tower] for tower in design.encoder.towers if tower in frames] or [4]
        assert [design.sampling.frames_per_clip] == native
        assert design.sampling.fps * design.connector.tokens_per_frame == 32  # paper Table 9


def test_small_rows_have_counterparts_and_samples_of_their_own() -> None:
    tiny = Comparison(Grid(BASE, {"sampling": (UNIFORM_8, FPS_2)}), samples=(320, 640))
    study = _study(grid=Grid(PAPER, {"sampling": (FPS_PAPER,)}), tiny=tiny, samples=(750_000,))
    small, large = (study.cells("d", "e", sizes=(size,)) for size in ("10K", "3B"))
    assert {c.design.sampling for c in small} == {UNIFORM_8, FPS_2}
    assert {c.samples for c in small} == {320, 640}
    assert [(c.design.sampling, c.samples) for c in large] == [(FPS_PAPER, 750_000)]
    assert {c.samples for c in study.cells("d", "e", sizes=("10K",), samples=(64,))} == {64}
    with pytest.raises(ValueError, match="varies sampling, but its tiny counterpart encoder"):
        _study(
            grid=Grid(BASE, {"sampling": (UNIFORM_8,)}),
            tiny=Comparison(Grid(BASE, {"encoder": (SIGLIP,)}), samples=(320,)),
        )


def test_protocols_share_a_training_and_none_is_scored_twice() -> None:
    grid = Grid(BASE, {"sampling": (UNIFORM_8, FPS_2)})
    study = _study(grid=grid, protocols=(Protocol(), Protocol(FPS_2)), sizes=("10K",), seeds=2)
    cells = study.cells("d", "e")
    trained = Counter(cell.train_id for cell in cells)
    tested = {(c.design.sampling, c.eval_protocol.sampling) for c in cells}
    assert sorted(trained.values()) == [1, 1, 2, 2] and len({c.score_id for c in cells}) == 6
    assert tested == {(UNIFORM_8, UNIFORM_8), (UNIFORM_8, FPS_2), (FPS_2, FPS_2)}
    prices = list(make_plan(cells, RunStore("/none"), COUNTS).price(cells))
    assert sum("llm" in price.flops for price in prices) == 4


def test_the_demo_is_what_it_says() -> None:
    study = experiments.load("demo")
    cells = study.cells("d", "e")
    designs = Counter(cell.design_id for cell in cells if cell.size.name == "100K")
    assert len(cells) == 48 and len(designs) == 12 and len(study.axes) == 3
    assert sorted(designs.values()) == [1] * 8 + [2] * 4


def test_cells_are_unique_and_the_target_comes_first() -> None:
    cells = _study(seeds=2).cells("d", "e")
    assert len({cell.score_id for cell in cells}) == len(cells) == 24
    assert cells[0].size.name == "30K"


def test_choices_on_the_command_line_replace_the_declared_ones() -> None:
    cells = _study(reseeded=2).cells("d", "e", sizes=("100K",), seeds=3, samples=(320, 640))
    assert len(cells) == 6 * 3 * 2
    assert {cell.size.name for cell in cells} == {"100K"}
    shared = {cell.score_id for cell in _study(sizes=("100K",)).cells("d", "e")}
    assert shared < {cell.score_id for cell in cells}


@pytest.mark.parametrize(
    ("make", "culprit"),
    [
        (lambda: Grid(BASE, {"sampler": (UNIFORM_8,)}), "sampler"),
        (lambda: Grid(BASE, {"sampling": (UNIFORM_8, Uniform(8))}), "twice"),
        (lambda: Grid(BASE, AXES, fraction=7), "7"),
        (lambda: Grid(BASE, AXES, settings=({"encoder": SIGLIP},)), "both alone and in settings"),
        (lambda: _study(protocols=(Protocol(FPS_2),)), "as trained"),
        (lambda: _study(sizes=("30K", "10K")), "ascending"),
        (lambda: _study(sizes=("20K",)), "20K"),
        (lambda: _study(reseeded=7), "reseeded"),
        (lambda: _study().cells("d", "e", sizes=("10K", "10K")), "same id"),
        (lambda: experiments.load("demos"), "demo"),
    ],
)
def test_bad_studies_are_refused_in_one_line(make, culprit: str) -> None:
    with pytest.raises(ValueError, match=culprit) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"encoder": VIDEOMAE, "sampling": Fps(2, 8, 1)}, "at most 4"),
        ({"encoder": VIDEOMAE, "sampling": Fps(2, 1, 4)}, "multiples of 2"),
        ({"connector": Connector("mlp", 128)}, "patches"),
        ({"sampling": Fps(2, 4, 40)}, "context of 512"),
        ({"encoder": Encoder(("siglip", "videomae")), "sampling": Uniform(16, 16)}, "at most 4"),
    ],
)
def test_impossible_combinations_have_a_reason(change: dict, culprit: str) -> None:
    cell = _study().cells("d", "e")[0]
    assert check_cell(cell) is None
    reason = check_cell(dataclasses.replace(cell, design=dataclasses.replace(BASE, **change)))
    assert reason is not None and culprit in reason and "\n" not in reason


def test_fewer_steps_than_stages_is_impossible() -> None:
    halves = Schedule((Stage(0.5, connector=1.0), Stage(0.5, llm=1.0)))
    cell = _study().cells("d", "e")[0]
    short = dataclasses.replace(cell, samples=8, design=dataclasses.replace(BASE, schedule=halves))
    assert "fewer than the 2 stages" in (check_cell(short) or "")


def test_a_plan_sorts_cells_by_their_state(tmp_path) -> None:
    store, cells = RunStore(tmp_path), _study().cells("d", "e")
    broken = dataclasses.replace(
        cells[3], design=dataclasses.replace(BASE, connector=Connector("mlp", 128))
    )
    store.begin(cells[0])
    store.finish(cells[0], {"score_id": cells[0].score_id})
    store.fail(cells[1], Failure("diverged", "loss is nan at step 3"))
    store.fail(cells[2], Failure("lost", "the worker process died"))
    store.begin(cells[3])
    plan = make_plan([*cells, broken], store, COUNTS)
    assert plan.state() == {"done": 1, "failed": 2, "missing": len(cells) - 3, "invalid": 1}
    assert set(plan.unfinished) == set(cells[1:])
    assert set(plan.to_run) == set(cells[2:])  # what diverged would diverge again
    store.finish(cells[1], {})
    assert make_plan(cells, store, COUNTS).state()["failed"] == 1


@pytest.mark.parametrize("name", experiments.names())
def test_every_study_is_priced_at_every_size(name: str, tmp_path) -> None:
    from ablate.sizes import NAMES

    study, store = experiments.load(name), RunStore(tmp_path)
    flops = []
    for size in NAMES:
        plan = make_plan(study.cells("d", "e", sizes=(size,)), store, COUNTS)
        known = ("exceed the context", "no sibling for the rows that are trained from scratch")
        assert all(any(why in invalid.reason for why in known) for invalid in plan.invalid)
        assert plan.cells and len(plan.invalid) <= len(plan.cells)
        prices = list(plan.price(plan.cells))
        flops.append(sum(sum(price.flops.values()) for price in prices))
        assert all(price.seconds > 0 for price in prices)
    assert flops == sorted(flops)
