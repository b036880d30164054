"""A plan as lines for a queue: safe in any shell, one for every training."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ablate.store import RunStore
from tests.cells import FEW, few_cells, new_store
from tests.data.outside import write_dataset

NASTY = "a store; $(touch owned) `touch owned` 'x' \"y\" & *"


def _lines(call, store: Path, *choice: object) -> list[list[str]]:
    code, out, err = call("plan", *(choice or FEW), "--store", store, "--commands")
    assert code == 0 and err == ""
    return [shlex.split(line) for line in out.splitlines()]


def test_every_missing_training_is_a_line_that_runs(call, smoke_store: Path, tmp_path) -> None:
    store = new_store(tmp_path / NASTY, smoke_store)
    lines = _lines(call, store)
    assert len(lines) == len({line[2] for line in lines}) == 14
    assert all(
        line[:2] == ["ablate", "run"] and line[3:] == ["--store", str(store)] for line in lines
    )
    code, out, err = call(*lines[0][1:])
    assert code == 0 and err == "" and " ± " in out
    assert RunStore(store).is_done(few_cells()[0])
    assert _lines(call, store) == lines[1:]


def test_a_shell_reads_of_a_line_what_was_meant(call, tmp_path) -> None:
    store = tmp_path / NASTY
    _, out, _ = call("plan", *FEW, "--store", store, "--commands")
    script = "ablate() { printf '%s\\n' \"$@\"; }\n" + out.splitlines()[0]
    for shell in ("bash", "sh"):
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, cwd=tmp_path)
        verb, cells, option, root = done.stdout.splitlines()
        assert (verb, option, root) == ("run", "--store", str(store)) and done.stderr == ""
        assert json.loads(Path(cells).read_text())[0]["type"] == "Cell"
    assert not (tmp_path / "owned").exists()


def test_cells_that_share_a_training_share_a_line(call, tmp_path) -> None:
    choice = ("--study", "uniform", "--size", "10K", "--seeds", 1)
    lines = _lines(call, tmp_path, *choice)
    held = [json.loads(Path(line[2]).read_text()) for line in lines]
    assert {len(cells) for cells in held} == {1, 2}
    listed = call("plan", *choice, "--store", tmp_path, "--cells")[1]
    assert sum(map(len, held)) == len(re.findall(r"^\w{16}  missing ", listed, re.MULTILINE))


def test_a_store_whose_name_would_break_a_line_is_refused(call, tmp_path) -> None:
    code, out, err = call("plan", *FEW, "--store", tmp_path / "two\nlines", "--commands")
    assert code == 2 and out == "" and "no path for a line" in err


def test_sizes_to_plan_with_have_no_lines(call, tmp_path) -> None:
    code, out, err = call("plan", "--size", "72B", "--store", tmp_path, "--commands")
    assert code == 2 and out == "" and "size 72B is there to plan with" in err


def test_cells_of_two_trainings_are_not_one_run(call, tmp_path) -> None:
    path = RunStore(tmp_path).describe(few_cells()[:2])
    code, _, err = call("run", path, "--store", tmp_path)
    assert code == 2 and "more than one training" in err


@pytest.mark.parametrize("checked", [False, True])
def test_data_from_outside_come_first_and_need_no_option_then(call, tmp_path, checked) -> None:
    path, store = write_dataset(tmp_path / "data", videos=2), tmp_path / "store"
    choice = ("--study", "smoke", "--size", "10K", "--samples", "32", "--seeds", "1")
    if checked:
        assert call("data", "check", path, *choice, "--store", store)[0] == 0
        lines = _lines(call, store, *choice, "--data", path)
        assert lines and all("--data" not in line for line in lines)
        assert call(*lines[0][1:])[0] == 0
    else:
        code, out, err = call("plan", *choice, "--data", path, "--store", store, "--commands")
        assert code == 2 and out == "" and "`ablate data check" in err
