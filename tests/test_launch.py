"""A real Ray sweep: every cell ends with a record or a reason."""

import dataclasses
from pathlib import Path

import pytest

from ablate.data.faults import MediaError
from ablate.launch import explain, launch
from ablate.store import RunStore
from ablate.train.module import Diverged
from tests.cells import job, new_store, small_cell
from tests.heard import Heard

GOOD = [small_cell(seed=seed) for seed in (0, 1)]
DIVERGING = small_cell(lr_scale=1e12)
HOMELESS = dataclasses.replace(GOOD[0], data="nowhere")


@pytest.fixture(scope="module")
def swept(smoke_store: Path, tmp_path_factory) -> tuple[RunStore, Heard]:
    """Two cells that can be trained between two that cannot, two at a time."""
    root = new_store(tmp_path_factory.mktemp("swept"), smoke_store)
    heard = Heard()
    launch([DIVERGING, *GOOD, HOMELESS], job(root), heard, slots=2)
    return RunStore(root), heard


def test_cells_that_can_be_trained_have_their_records(swept) -> None:
    store, heard = swept
    assert all(store.is_done(cell) for cell in GOOD)
    assert heard.of("finished") == {cell.score_id for cell in GOOD}
    scored = [store.record(cell)["scores"] for cell in GOOD]
    assert scored[0] != scored[1]


def test_cells_that_fail_say_why_and_stop_nothing(swept) -> None:
    store, heard = swept
    assert heard.failures.keys() == {DIVERGING.score_id, HOMELESS.score_id}
    diverged, homeless = (store.failure(cell) for cell in (DIVERGING, HOMELESS))
    assert diverged is not None and diverged.kind == "diverged"
    assert homeless is not None and "annotations.json" in homeless.reason
    for cell in (DIVERGING, HOMELESS):
        assert not store.is_done(cell)
        assert heard.failures[cell.score_id] == store.failure(cell)


def test_the_listener_hears_each_cell_start_and_end_once(swept) -> None:
    _, heard = swept
    ids = sorted(cell.score_id for cell in (DIVERGING, *GOOD, HOMELESS))
    assert sorted(score_id for event, score_id in heard.events if event == "started") == ids
    assert sorted(score_id for event, score_id in heard.events if event != "started") == ids
    assert heard.losses and all(loss > 0 for loss in heard.losses)


def test_tune_leaves_nothing_in_the_store(swept) -> None:
    store, _ = swept
    assert sorted(path.name for path in store.root.iterdir()) == ["cache", "data", "runs"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Diverged("loss is nan at step 3"), "diverged", "step 3"),
        (MediaError("v.mp4", "the file\nis empty"), "data", "v.mp4: the file is empty"),
        (MemoryError(), "memory", "MemoryError"),
        (RuntimeError("CUDA out of memory.\nTried"), "memory", "out of memory. Tried"),
        (KeyError("x"), "bug", "KeyError at test_launch.py"),
    ],
)
def test_failures_are_told_apart_in_one_line(error: Exception, kind: str, words: str) -> None:
    try:
        raise error
    except Exception as raised:
        failure = explain(raised)
    assert failure.kind == kind and words in failure.reason and "\n" not in failure.reason
