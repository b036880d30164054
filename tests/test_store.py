"""The store is the truth: whole files or none, done means a record."""

import json
import os
import subprocess
import sys

import pytest

from ablate.failures import Failure
from ablate.sizes import size_row
from ablate.spec import Cell, from_dict
from ablate.store import RunStore, write_json
from tests.cells import BASE

CELL = Cell(BASE, size_row("10K"), 640, 0, data="d", eval_data="e", towers="t")


def test_a_cell_is_done_only_with_its_record(tmp_path) -> None:
    store = RunStore(tmp_path)
    store.prepare()
    store.begin(CELL)
    assert from_dict(json.loads((store.run_dir(CELL) / "cell.json").read_text())) == CELL
    assert not store.is_done(CELL) and store.record(CELL) is None
    store.finish(CELL, {"x": 1})
    assert store.is_done(CELL) and store.record(CELL) == {"x": 1}
    assert [record for _, record in store.records()] == [{"x": 1}]


def test_a_failure_ends_with_the_record(tmp_path) -> None:
    store = RunStore(tmp_path)
    store.fail(CELL, Failure("diverged", "loss is nan"))
    assert store.failure(CELL) == Failure("diverged", "loss is nan")
    store.finish(CELL, {})
    assert store.failure(CELL) is None


def test_training_counts_only_with_its_weights(tmp_path) -> None:
    store = RunStore(tmp_path)
    store.begin(CELL)
    store.finish_training(CELL, {"loss": []})
    assert store.training(CELL) is None
    store.weights_path(CELL).touch()
    assert store.training(CELL) == {"loss": []}


def test_numbers_that_are_none_are_never_written(tmp_path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"score": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"whole": 1})
    code = (
        "import os, json, ablate.store as s\n"
        "from pathlib import Path\n"
        "s.os.replace = lambda *a: os.kill(os.getpid(), 9)\n"
        f"s.write_json(Path({str(path)!r}), {{'whole': 2}})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    assert json.loads(path.read_text()) == {"whole": 1}


def test_a_damaged_record_is_named(tmp_path) -> None:
    store = RunStore(tmp_path)
    store.finish(CELL, {})
    (store.score_dir(CELL) / "record.json").write_text('{"half": ')
    with pytest.raises(ValueError, match=r"record\.json: not valid JSON"):
        store.record(CELL)


def test_an_unwritable_store_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot be written"):
        RunStore(tmp_path / "file").prepare()
    assert sorted(os.listdir(tmp_path)) == ["file"]
