"""Data from outside on the command line: checked, planned, trained on, from file to record."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ablate.spec import to_dict
from ablate.store import RunStore
from tests.data.outside import planned, write_dataset
from tests.faults.sweeps import PROGRAM

ROOT = Path(__file__).parents[1]
STUDY = ("--study", "smoke", "--size", "10K", "--samples", "48", "--seeds", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """The YAML file of a dataset in which all is well, for reading."""
    return write_dataset(tmp_path_factory.mktemp("outside"))


def _missing(path: Path, store: Path):
    return planned(*STUDY, "--store", store, "--data", path).missing


# === input that cannot be used ===


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ("plan --study smoke --data none.yaml", "none.yaml: No such file"),
        ("sweep --study smoke --store STORE --data none.yaml", "none.yaml: No such file"),
        ("data check none.yaml --store STORE", "none.yaml: No such file"),
        ("data check world --store STORE", "the built-in world needs none"),
        ("data check DATA --seconds 0 --store STORE", "--seconds"),
        ("data check DATA --study smok --store STORE", "'smok'"),
        ("data check", "SOURCE"),
        ("data chek", "'chek'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, data, tmp_path, arguments, culprit) -> None:
    words = {"STORE": str(tmp_path / "store"), "DATA": str(data)}
    code, _, err = call(*(words.get(word, word) for word in arguments.split()))
    assert code == 2 and err.startswith("ablate: ") and err.count("\n") == 1, err
    assert culprit in err


def test_data_without_a_modality_make_the_cells_invalid_before_any_run(call, data, tmp_path):
    content = yaml.safe_load(data.read_bytes())
    content["train"] = content["train"][:1]
    path = data.with_name("videos-only.yaml")
    path.write_text(yaml.safe_dump(content))
    code, out, _ = call("plan", *STUDY, "--store", tmp_path, "--data", path)
    assert code == 0 and "6 invalid" in " ".join(out.split())
    assert "mixture: 5% text, but the data have none; present: video" in " ".join(out.split())
    code, _, err = call("sweep", *STUDY, "--store", tmp_path, "--data", path)
    assert code == 2 and "the data have none" in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_of_which_nothing_can_be_read_are_refused(call, tmp_path) -> None:
    path = write_dataset(tmp_path / "data")
    for video in (tmp_path / "data" / "media").glob("*.mp4"):
        video.write_bytes(b"")
    code, out, err = call("data", "check", path, *STUDY, "--store", tmp_path / "store")
    assert code == 2 and "data.yaml: there is no question whose files can be read" in err
    assert "empty: " in out


def test_a_cell_whose_data_no_one_knows_is_refused(call, data, tmp_path) -> None:
    (cell, *_) = _missing(data, tmp_path)
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(to_dict(cell)))
    code, _, err = call("run", path, "--store", tmp_path / "store")
    assert code == 2 and err.count("\n") == 1
    assert f"data {cell.data}: neither built in nor in store" in err and "--data" in err


# === the way through ===


def test_a_plan_says_what_is_to_be_checked_and_writes_nothing(call, data, tmp_path) -> None:
    code, out, err = call("plan", *STUDY, "--store", tmp_path / "store", "--data", data)
    assert code == 0 and err == ""
    assert "training: 25 conversations of 2 sources" in out and "test: 12 questions" in out
    assert f"10 files are still to be checked, by `ablate data check {data}`" in out
    assert not (tmp_path / "store").exists()


def test_a_plan_of_outside_data_loads_neither_torch_nor_decoders(data, tmp_path) -> None:
    arguments = ["plan", *STUDY, "--store", str(tmp_path), "--data", str(data)]
    code = (
        f"import sys\nfrom ablate.cli import verbs\nverbs({arguments!r}, standalone_mode=False)\n"
        "print(sorted({'torch', 'ray', 'lightning', 'decord', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_checked_then_one_cell_from_its_json_then_done(call, data, tmp_path) -> None:
    store = tmp_path / "store"
    choice = (*STUDY, "--store", store)
    code, out, err = call("data", "check", data, *choice)
    assert code == 0 and err == "" and "checked files: 10 of 10" in out
    assert "checked files" not in call("data", "check", data, *choice)[1]
    (cell, *others) = _missing(data, store)
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(to_dict(cell)))
    code, out, _ = call("run", path, "--store", store)
    assert code == 0 and "spatial" in out and "reasoning" in out
    assert _missing(data, store) == tuple(others)
    record = RunStore(store).record(cell)
    assert record is not None
    assert record["data"]["train"]["sources"] == {
        "shots": {"weight": 3.0, "kept": 12, "dropped": {}},
        "stills": {"weight": 1.0, "kept": 13, "dropped": {}},
    }
    drawn = record["sampling"]["sources"]
    shots, stills = (drawn[name]["samples"]["video"] for name in ("shots", "stills"))
    assert abs(shots - 3 * stills) <= 2
    tokens = [count for source in drawn.values() for count in source["tokens"].values()]
    assert sum(tokens) == sum(record["sampling"]["tokens"].values())
    out = " ".join(call("status", *choice, "--data", data)[1].split())
    assert "1 done, 0 failed, 5 missing" in out and "still to be checked" not in out


def test_a_cell_on_another_machine_takes_its_data_from_the_file(call, data, tmp_path) -> None:
    call("data", "check", data, *STUDY, "--store", tmp_path / "first")
    (cell, *_) = _missing(data, tmp_path / "first")
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(to_dict(cell)))
    code, out, _ = call("run", path, "--store", tmp_path / "second", "--data", data)
    assert code == 0 and "spatial" in out
    other = write_dataset(tmp_path / "other", videos=2)
    code, _, err = call("run", path, "--store", tmp_path / "third", "--data", other)
    assert code == 2 and f"the cell was planned for {cell.data}" in err


def test_pictures_inside_a_table_are_unpacked_once_and_trained_on(call, tmp_path, monkeypatch):
    path = write_dataset(tmp_path / "data")
    _pack(tmp_path / "data", "stills.json", tmp_path / "data" / "table")
    content = yaml.safe_load(path.read_bytes())
    content["train"][1] |= {"annotations": "table"}
    path.write_text(yaml.safe_dump(content))
    monkeypatch.chdir(tmp_path)
    choice = (*STUDY, "--store", "relative")
    code, out, _ = call("data", "check", "data/data.yaml", *choice)
    assert code == 0 and "training: 25 conversations of 2 sources" in out
    unpacked = sorted((tmp_path / "relative" / "data" / "unpacked").rglob("*.png"))
    assert len(unpacked) == 4 + 8
    written = [file.stat().st_mtime_ns for file in unpacked]
    (cell, *_) = _missing(Path("data/data.yaml"), Path("relative"))
    (tmp_path / "cell.json").write_text(json.dumps(to_dict(cell)))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, out, _ = call("run", "../cell.json", "--store", "../relative")
    assert code == 0 and "spatial" in out
    assert [file.stat().st_mtime_ns for file in unpacked] == written


def _pack(folder: Path, annotations: str, table: Path) -> None:
    """Turns a JSON file into a Parquet directory that holds its pictures, as the hub does."""
    rows = json.loads((folder / annotations).read_text())

    def packed(row: dict) -> list[dict] | None:
        names = row.get("image") or []
        names = [names] if isinstance(names, str) else names
        files = [folder / "media" / name for name in names]
        return [{"bytes": file.read_bytes(), "path": file.name} for file in files] or None

    image = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    columns = {name: [row.get(name) for row in rows] for name in ("id", "video", "conversations")}
    columns["image"] = pa.array([packed(row) for row in rows], image)
    table.mkdir()
    pq.write_table(pa.table(columns), table / "train-00000-of-00001.parquet")


def test_a_file_that_turns_bad_makes_other_cells(call, tmp_path) -> None:
    path = write_dataset(tmp_path / "data")
    choice = (*STUDY, "--store", tmp_path / "store")
    call("data", "check", path, *choice)
    before = _missing(path, tmp_path / "store")
    (tmp_path / "data" / "media" / "3.mp4").write_bytes(b"gone")
    assert "1 files are still to be checked" in call("plan", *choice, "--data", path)[1]
    code, out, _ = call("data", "check", path, *choice)
    assert code == 0 and "2 dropped (2 unreadable)" in out
    after = _missing(path, tmp_path / "store")
    assert not {cell.train_id for cell in before} & {cell.train_id for cell in after}


@pytest.mark.slow
def test_a_sweep_checks_trains_and_reports(tmp_path) -> None:
    data = write_dataset(tmp_path / "data")
    (tmp_path / "data" / "media" / "3.mp4").write_bytes(b"no video")

    def run(*words: str) -> str:
        command = [str(PROGRAM), *words, *STUDY, "--store", str(tmp_path / "store")]
        done = subprocess.run(
            [*command, "--data", str(data)], capture_output=True, text=True, cwd=ROOT, timeout=900
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    out = run("sweep")
    assert "checked files: 10 of 10" in out and "6/6 done" in out
    again = run("sweep")
    assert "nothing to train: 6 cells are done" in again and "checked files" not in again
    run("report", "--out", str(tmp_path / "report"))
    page = (tmp_path / "report" / "report.html").read_text()
    assert "shots (training)" in page and "2 unreadable" in page
