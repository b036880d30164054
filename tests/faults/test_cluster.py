"""A sweep on a Ray cluster: a lost node costs its running cells, and nothing is done twice."""

import time

import pytest

from ablate.cluster import _look
from tests.cells import new_store
from tests.faults import sweeps
from tests.faults.cluster import cluster

pytestmark = pytest.mark.slow

NODE = {"num_cpus": 1, "memory": 2_000_000_000}


def test_a_lost_node_costs_its_running_cells_and_a_second_driver_repeats_none(
    smoke_store, tmp_path
) -> None:
    store, seen = new_store(tmp_path / "store", smoke_store), {}
    with cluster([NODE] * 3) as nodes:
        there = sweeps.start(store, RAY_ADDRESS=nodes.address)
        sweeps.wait_for_records(store, 2, there, seconds=400)
        here = sweeps.start(store)
        nodes.kill(2)
        kept = sweeps.records(store)
        while any(driver.poll() is None for driver in (there, here)):
            for path, number in sweeps.weights(store).items():
                assert seen.setdefault(path, number) == number, f"{path} was trained twice"
            time.sleep(0.02)
        told = sweeps.said(store).read_text()
        assert (there.returncode, here.returncode) == (0, 0), told
    after = sweeps.records(store)
    assert len(after) == 14 and {path: after[path] for path in kept} == kept
    assert sweeps.weights(store) == seen
    assert not list(store.glob("tune-*"))


def test_what_no_node_can_give_is_refused_before_anything_runs(smoke_store, tmp_path) -> None:
    store = new_store(tmp_path / "store", smoke_store)
    with cluster([NODE | {"memory": 500_000_000}]) as nodes:
        assert sweeps.start(store, RAY_ADDRESS=nodes.address).wait(timeout=300) == 2
        (told,) = sweeps.said(store).read_text().splitlines()
        assert told.startswith("ablate: size ") and told.endswith("at least, and 0 bytes are free")
        assert not list(store.glob("runs/*"))
        stranger = {"RAY_ADDRESS": nodes.address, "RAY_AUTH_TOKEN": "f" * 64}
        assert sweeps.start(store, **stranger).wait(timeout=300) == 2
        told = sweeps.said(store).read_text().splitlines()[-1]
        assert told.startswith(f"ablate: RAY_ADDRESS: no cluster at {nodes.address} (")


def test_a_node_says_whether_it_sees_the_store(tmp_path) -> None:
    assert _look(str(tmp_path), False) == (True, 0.0)
    assert _look(str(tmp_path / "elsewhere"), False) == (False, 0.0)
