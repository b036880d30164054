"""Ids are unique, stable and made of content alone."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import (
    Connector,
    Encoder,
    Fps,
    Integration,
    IntegrationKind,
    Mixture,
    Schedule,
    Stage,
    Uniform,
)
from ablate.sizes import LADDER, size_row
from ablate.spec import Cell, Execution, Protocol, content_id, from_dict, to_dict
from tests.cells import BASE

CELL = Cell(BASE, size_row("100K"), 9600, 0, data="d", eval_data="e", towers="t")

OTHER_LEVELS = [
    ("sampling", Uniform(8)),
    ("sampling", Fps(1, 4, 2)),
    ("encoder", Encoder(("videomae",))),
    ("connector", Connector("mlp", 1)),
    ("connector", Connector("perceiver", 4)),
    ("integration", Integration("timestamps")),
    ("schedule", Schedule((Stage(0.5, connector=1.0), Stage(0.5, connector=1.0, llm=1.0)))),
    ("mixture", Mixture(25, 25, 25, 25)),
]

OTHER_RUNS = [
    {"size": size_row("30K")},
    {"size": dataclasses.replace(size_row("100K"), lr_llm=1e-3)},
    {"samples": 4800},
    {"seed": 1},
    {"data": "other"},
    {"towers": "other"},
    {"init": "random"},
    {"lr_scale": 0.5},
    {"steps": 2},
]


def _with_level(axis: str, level: object) -> Cell:
    return dataclasses.replace(CELL, design=dataclasses.replace(BASE, **{axis: level}))


def test_every_level_and_every_setting_makes_another_training() -> None:
    cells = [CELL, *(_with_level(*change) for change in OTHER_LEVELS)]
    cells += [dataclasses.replace(CELL, **change) for change in OTHER_RUNS]
    assert len({cell.train_id for cell in cells}) == len(cells)


def test_a_new_evaluation_keeps_the_training() -> None:
    for change in ({"eval_data": "new"}, {"protocol": Protocol(Uniform(8))}):
        other = dataclasses.replace(CELL, **change)
        assert other.train_id == CELL.train_id
        assert other.score_id != CELL.score_id


def test_naming_the_training_sampling_in_the_protocol_changes_nothing() -> None:
    named = dataclasses.replace(CELL, protocol=Protocol(BASE.sampling))
    assert named.score_id == CELL.score_id


def test_ids_are_stable_across_versions() -> None:
    # A golden value: if it changes, every finished cell of every store would be trained again.
    assert BASE.design_id == "ec7d71c73e748494"


def test_equal_numbers_make_equal_ids() -> None:
    assert content_id(Fps(2, 4, 2)) == content_id(Fps(2.0, 4, 2))
    assert content_id({"b": 1, "a": 2}) == content_id({"a": 2, "b": 1})


def test_streams_of_a_seed_differ() -> None:
    streams = {CELL.stream(purpose) for purpose in ("init", "order", "sampling")}
    assert len(streams) == 3
    assert dataclasses.replace(CELL, seed=1).stream("init") not in streams


@pytest.mark.parametrize("size", LADDER, ids=lambda size: size.name)
def test_cells_survive_their_dictionary(size) -> None:
    cell = dataclasses.replace(CELL, size=size, protocol=Protocol(Uniform(16)))
    assert from_dict(to_dict(cell)) == cell
    assert from_dict(to_dict(cell)).score_id == cell.score_id


@given(
    st.sampled_from([Uniform, Connector, Execution]).flatmap(
        lambda cls: st.dictionaries(st.text(max_size=5), st.integers(), min_size=1, max_size=3).map(
            lambda fields: {"type": cls.__name__, **fields}
        )
    )
)
def test_wrong_dictionaries_are_refused_in_one_line(fields: dict) -> None:
    try:
        from_dict(fields)
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("make", "culprit", "choice"),
    [
        (lambda: Encoder(("clipp",)), "clipp", "siglip"),
        (lambda: Connector("mpl", 4), "mpl", "perceiver"),
        (lambda: Integration("times"), "times", "timestamps"),
        (lambda: Connector("mlp", 0), "tokens_per_frame", "positive"),
        (lambda: Uniform(10), "10", "multiple"),
        (lambda: Fps(0, 4, 2), "fps", "positive"),
        (lambda: Mixture(50, 50, 50, 50), "200", "100"),
        (lambda: Schedule((Stage(0.5, llm=1.0),)), "0.5", "1"),
        (lambda: Stage(1.0), "frozen", "rate"),
        (lambda: Encoder(()), "no tower", "siglip"),
        (lambda: size_row("5B"), "5B", "1.5B"),
        (lambda: from_dict({"type": "Sizes"}), "Sizes", "Cell"),
        (lambda: from_dict({"type": "Uniform", "frame": 8}), "frame", "frames_per_clip"),
    ],
)
def test_bad_levels_name_the_culprit_and_the_choices(make, culprit: str, choice: str) -> None:
    with pytest.raises(ValueError, match=culprit) as caught:
        make()
    message = str(caught.value)
    assert choice in message and "\n" not in message


def test_integration_kinds() -> None:
    kinds = {k: (Integration(k).separators, Integration(k).timestamps) for k in IntegrationKind}
    assert kinds == {
        "plain": (False, False),
        "separators": (True, False),
        "timestamps": (False, True),
        "both": (True, True),
        "released": (False, False),
    }
