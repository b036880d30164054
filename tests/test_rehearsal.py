"""Rehearsals: what is left of a study, what is true to it, and that none is taken for a result."""

import pytest

import experiments
from ablate.cost import parameters
from ablate.encoders import clip_path
from ablate.plan import check_cell
from ablate.rehearsal import CLIPS, DESIGNS, WORLD, is_rehearsal, rehearsed
from ablate.sizes import size_row
from ablate.spec import Cell, Init
from ablate.tasks import CATEGORIES
from ablate.world.recipe import RECIPES

NAMES = ("0.5B", "3B")


def cells(name: str, steps: int | None = None) -> list[Cell]:
    return rehearsed(experiments.load(name), NAMES, steps).cells("d", "e", init=Init.RANDOM)


@pytest.mark.parametrize("name", experiments.names())
def test_every_study_is_rehearsed_by_a_few_designs_that_can_be_trained(name: str) -> None:
    made = cells(name)
    designs = {cell.design for cell in made}
    assert len(made) == len(NAMES) * len(designs) and 1 < len(designs) <= DESIGNS
    assert all(check_cell(cell) is None and is_rehearsal(cell) for cell in made)
    for cell in made:
        assert cell.design.sampling.max_clips <= CLIPS
        assert (cell.seed, cell.size.batch) == (0, 1)
        assert cell.steps == max(2, len(cell.design.schedule.stages)) == cell.samples


def test_one_of_the_designs_trains_the_fused_towers() -> None:
    made = cells("consistency")
    first = made[0].design
    assert first.schedule.trains_vision and len(first.encoder.towers) == 2
    assert [cell.design.schedule.trains_vision for cell in made].count(True) <= len(NAMES)


def test_the_designs_differ_most() -> None:
    one, two, three = (cell.design for cell in cells("consistency")[:3])
    for a, b in ((one, two), (one, three), (two, three)):
        differ = [axis for axis in type(a).AXES if getattr(a, axis) != getattr(b, axis)]
        assert len(differ) >= 4


def test_the_architecture_is_the_true_one() -> None:
    for cell in cells("consistency"):
        row = size_row(cell.size.name)
        assert cell.size.llm == row.llm and not cell.size.tiny_towers
        assert parameters(cell.design, cell.size) == parameters(cell.design, row)
        for tower in clip_path(cell.design, cell.size).towers:
            assert tower.image_size >= 224


def test_a_rehearsal_shares_no_id_with_a_result() -> None:
    study = experiments.load("consistency")
    real = study.cells("d", "e", sizes=NAMES) + study.cells("d", "e", sizes=NAMES, seeds=3)
    rehearsals = cells("consistency") + cells("consistency", steps=4)
    ids = {cell.train_id for cell in rehearsals}
    assert len(ids) == len(rehearsals) and not ids & {cell.train_id for cell in real}
    assert not any(is_rehearsal(cell) for cell in real)


def test_steps_reach_every_stage() -> None:
    for steps in (1, 2, 7):
        for cell in cells("consistency", steps):
            assert cell.steps == max(steps, len(cell.design.schedule.stages))


def test_its_world_asks_one_question_a_category() -> None:
    recipe = RECIPES[WORLD]
    assert recipe.test_videos * len(CATEGORIES) == len(CATEGORIES)
    assert rehearsed(experiments.load("consistency"), NAMES).world == WORLD


@pytest.mark.parametrize("names", [("100K",), ("100K", "0.5B")])
def test_rows_that_are_trained_from_scratch_are_not_rehearsed(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="size 100K is trained from scratch") as caught:
        rehearsed(experiments.load("consistency"), names)
    assert "\n" not in str(caught.value)
