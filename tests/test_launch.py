"""A real Ray sweep: every cell ends with a record or a reason."""

import dataclasses
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from ray.exceptions import OutOfMemoryError

from ablate.axes import Uniform
from ablate.cluster import own
from ablate.failures import Failure
from ablate.launch import _cells, launch
from ablate.placement import Machine
from ablate.spec import Protocol
from ablate.store import RunStore
from tests.cells import BASE, job, new_store, small_cell
from tests.claims import elsewhere, write_claim
from tests.heard import Heard

GOOD = [small_cell(), small_cell(dataclasses.replace(BASE, sampling=Uniform(4)))]
"""Designs that take different amounts of memory."""
OTHERWISE = dataclasses.replace(GOOD[0], protocol=Protocol(Uniform(8)))
TAKEN = small_cell(seed=2)
DIVERGING = small_cell(lr_scale=1e12)
HOMELESS = dataclasses.replace(GOOD[0], data="nowhere")


@pytest.fixture(scope="module")
def swept(smoke_store: Path, tmp_path_factory) -> tuple[RunStore, Heard]:
    """Cells that can be trained between two that cannot and one that another machine is at."""
    root = new_store(tmp_path_factory.mktemp("swept"), smoke_store)
    store, heard = RunStore(root), Heard()
    store.run_dir(TAKEN).mkdir(parents=True)
    write_claim(store.run_dir(TAKEN), elsewhere(), age=-3600)  # renewed in an hour, as it were
    store.fail(GOOD[0], Failure("lost", "the worker process died"))
    with redirect_stdout(StringIO()) as heard.printed:
        launch([DIVERGING, *GOOD, OTHERWISE, HOMELESS, TAKEN], job(root), heard, [Machine(2, 4e9)])
    return store, heard


def test_only_the_listener_speaks(swept) -> None:
    assert swept[1].printed.getvalue() == ""


def test_cells_that_can_be_trained_have_their_records(swept) -> None:
    store, heard = swept
    done = [*GOOD, OTHERWISE]
    assert all(store.is_done(cell) for cell in done)
    assert heard.of("finished") == {cell.score_id for cell in done}
    first, second, otherwise = (store.record(cell) for cell in done)
    assert first["scores"] != second["scores"] and first["loss"] == otherwise["loss"]


def test_designs_of_a_row_share_worker_processes(swept) -> None:
    store, _ = swept
    leases = [json.loads((store.run_dir(c) / "lease.0").read_text()) for c in (*GOOD, DIVERGING)]
    assert len({lease["pid"] for lease in leases}) < len(leases)


def test_a_cell_that_another_process_is_at_is_left_to_it(swept) -> None:
    store, heard = swept
    assert heard.of("left") == {TAKEN.score_id}
    assert not store.is_done(TAKEN) and store.failure(TAKEN) is None


def test_cells_that_fail_say_why_and_stop_nothing(swept) -> None:
    store, heard = swept
    assert heard.failures.keys() == {DIVERGING.score_id, HOMELESS.score_id}
    diverged, homeless = (store.failure(cell) for cell in (DIVERGING, HOMELESS))
    assert diverged is not None and diverged.kind == "diverged"
    assert homeless is not None and homeless.kind == "data"
    assert "annotations.json" in homeless.reason
    for cell in (DIVERGING, HOMELESS):
        assert not store.is_done(cell)
        assert heard.failures[cell.score_id] == store.failure(cell)


def test_the_listener_hears_each_cell_start_and_end_once(swept) -> None:
    _, heard = swept
    ids = sorted(cell.score_id for cell in (DIVERGING, *GOOD, OTHERWISE, HOMELESS, TAKEN))
    assert sorted(score_id for event, score_id in heard.events if event == "started") == ids
    assert sorted(score_id for event, score_id in heard.events if event != "started") == ids
    assert heard.losses and all(loss > 0 for loss in heard.losses)


def test_tune_leaves_nothing_in_the_store(swept) -> None:
    store, _ = swept
    assert sorted(path.name for path in store.root.iterdir()) == ["cache", "data", "runs"]


def test_a_full_machine_does_not_end_the_sweep(smoke_store: Path, tmp_path: Path) -> None:
    """Ray's monitor would end every worker of a machine of which a hundredth is in use."""
    root = new_store(tmp_path, smoke_store)
    code = (
        "from tests.cells import job, small_cell\n"
        "from tests.heard import Heard\n"
        "from ablate.launch import launch\n"
        "from ablate.placement import Machine\n"
        f"launch([small_cell()], job({str(root)!r}), Heard(), [Machine(1, 4e9)])\n"
    )
    environment = os.environ | {"RAY_memory_usage_threshold": "0.01"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert RunStore(root).is_done(small_cell())


def test_a_sweep_outlives_what_tune_does_not_know(store: Path, monkeypatch) -> None:
    """Ray ends workers for want of memory, and Tune gives up on the whole grid."""
    ended, kept = GOOD
    runs: list[list[str]] = []

    def fit(trials, job, relay, machines) -> None:
        cells = [cell for trial in trials for cell in _cells({"training": trial})]
        runs.append([cell.score_id for cell in cells])
        relay.running = {ended.train_id}
        if len(runs) == 2:
            relay._tell(kept, None)
        if ended in cells:
            raise RuntimeError("Caught unexpected exception") from OutOfMemoryError("full")

    monkeypatch.setattr("ablate.launch._fit", fit)
    heard = Heard()
    launch(GOOD, job(store), heard, [Machine(2, 4e9)])
    both = [cell.score_id for cell in GOOD]
    assert runs == [both, both, [ended.score_id]]
    assert heard.failures.keys() == {ended.score_id}
    assert heard.failures[ended.score_id].kind == "memory"
    assert RunStore(store).failure(ended) == heard.failures[ended.score_id]

    def wrong(*_) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr("ablate.launch._fit", wrong)
    with pytest.raises(RuntimeError, match="something else"):
        launch(GOOD, job(store), heard, [Machine(2, 4e9)])


def test_a_ray_that_does_not_start_is_told_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20)  # longer than the name of a socket may be
    with pytest.raises(ValueError, match=r"^Ray did not start on this machine .*`ablate doctor`"):
        with own(Machine(1, 2**30), folder):
            pass
