"""Finished cells go from store to store whole and unchanged, or not at all."""

import hashlib
import io
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.cli.source import gather
from ablate.evals.score import summarise
from ablate.store import RunStore
from ablate.tasks import WORLD
from analysis.tables.load import load, load_questions
from tests.cells import FEW, few_cells
from tests.claims import elsewhere, write_claim

SOURCE = {"study": "smoke", "samples": ["48"]}
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def packed(done: Path, tmp_path_factory) -> Path:
    """A pack of one finished cell."""
    from ablate.pack import pack

    store = tmp_path_factory.mktemp("one")
    folder = RunStore(done).run_dir(few_cells()[0])
    shutil.copytree(folder, store / "runs" / folder.name)
    pack(RunStore(store), store / "one.zip")
    return store / "one.zip"


def _files(store: Path) -> dict[Path, tuple[bytes, int]]:
    found = (path for path in (store / "runs").rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_a_report_from_merged_stores_equals_that_of_the_store_where_cells_ran(
    call, done: Path, tmp_path: Path
) -> None:
    laptop, cluster = tmp_path / "laptop", tmp_path / "cluster"
    for cell in few_cells():
        half = laptop if cell.size.name == "10K" else cluster
        folder = RunStore(done).run_dir(cell)
        shutil.copytree(folder, half / "runs" / folder.name, dirs_exist_ok=True)
    merged = tmp_path / "merged"
    for half in (laptop, cluster):
        code, out, err = call("pack", half / "pack.zip", "--store", half)
        assert code == 0 and err == "" and "7 cells in " in out
        assert call("merge", half / "pack.zip", "--store", merged)[0] == 0
    pd.testing.assert_frame_equal(load(merged), load(done), check_exact=True)
    pd.testing.assert_frame_equal(load_questions(merged), load_questions(done), check_exact=True)
    there, here = (gather(SOURCE | {"store": str(store)}) for store in (done, merged))
    assert here.result.to_dict() == there.result.to_dict() and here.signal == there.signal
    assert "cells: 14 done" in call("status", *FEW, "--store", merged)[1]


@pytest.mark.slow
def test_the_page_of_a_merged_store_is_the_same_but_for_the_stores_name(
    call, done: Path, tmp_path: Path
) -> None:
    call("pack", tmp_path / "all.zip", "--store", done)
    call("merge", tmp_path / "all.zip", "--store", tmp_path / "merged")
    pages = []
    for store in (done, tmp_path / "merged"):
        assert call("report", *FEW, "--store", store, "--out", tmp_path / "r")[0] == 0
        pages.append((tmp_path / "r" / "report.html").read_text().replace(str(store), "STORE"))
    assert pages[0] == pages[1]


def test_packing_and_merging_again_changes_nothing(call, packed: Path, tmp_path: Path) -> None:
    store, again = tmp_path / "store", tmp_path / "again.zip"
    assert "1 cells merged, 0 were there already" in call("merge", packed, "--store", store)[1]
    before = _files(store)
    code, out, err = call("merge", packed, "--store", store)
    assert code == 0 and err == "" and "0 cells merged, 1 were there already" in out
    assert _files(store) == before
    assert call("pack", again, "--store", store)[0] == 0
    assert again.read_bytes() == packed.read_bytes()


def test_a_merged_cell_is_done_and_its_failure_forgotten(packed: Path, tmp_path: Path) -> None:
    from ablate.failures import Failure
    from ablate.pack import merge

    store, cell = RunStore(tmp_path), few_cells()[0]
    store.fail(cell, Failure("lost", "the worker process died"))
    assert merge(store, packed).added == (cell,)
    assert store.is_done(cell) and store.failure(cell) is None and store.holder(cell) is None
    assert json.loads((store.run_dir(cell) / "cell.json").read_text())["seed"] == cell.seed
    assert not store.training(cell), "without weights a new way of examining trains again"


def test_what_a_process_is_at_is_left_to_it(call, packed: Path, tmp_path: Path) -> None:
    store, cell = RunStore(tmp_path), few_cells()[0]
    store.run_dir(cell).mkdir(parents=True)
    write_claim(store.run_dir(cell), elsewhere())
    code, out, _ = call("merge", packed, "--store", tmp_path)
    assert code == 1 and "1 left to process" in out and not store.is_done(cell)


# === two records of one cell ===


def _rescored(files: Members) -> Members:
    """The same cell with one answer turned, told truthfully: what another machine might find."""
    folder = next(iter(files)).rpartition("/")[0]
    questions = pd.read_parquet(io.BytesIO(files[f"{folder}/questions.parquet"]))
    questions.loc[0, "correct"] = not questions.loc[0, "correct"]
    record = json.loads(files[f"{folder}/record.json"]) | summarise(questions, WORLD)
    return {
        f"{folder}/record.json": json.dumps(record).encode(),
        f"{folder}/questions.parquet": questions.to_parquet(index=False),
    }


def test_another_score_of_the_same_cell_is_refused_and_both_are_named(
    call, packed: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    call("merge", packed, "--store", store)
    other = _write(tmp_path / "other.zip", _rescored(_members(packed)))
    before = _files(store)
    code, _, err = call("merge", other, "--store", store)
    record = RunStore(store).score_dir(few_cells()[0]) / "record.json"
    assert code == 2 and err.count("\n") == 1
    assert str(record) in err and str(other) in err and "accuracy: " in err
    assert _files(store) == before
    code, out, _ = call("merge", other, "--store", store, "--keep-ours")
    assert code == 0 and "0 cells merged, 1 were there already" in out
    assert _files(store) == before


# === what is no pack, or no longer one ===


def _members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "pack.json"}


def _write(path: Path, members: Members, **index: Any) -> Path:
    """A pack with honest hashes, unless `index` says otherwise."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("pack.json", json.dumps({"files": hashes} | index))
    return path


def _with_record(change: Callable[[dict[str, Any]], Any]) -> Callable[[Members], Members]:
    def changed(files: Members) -> Members:
        name = next(name for name in files if name.endswith("record.json"))
        record = json.loads(files[name])
        change(record)
        return files | {name: json.dumps(record).encode()}

    return changed


def _renamed(old: str, new: str) -> Callable[[Members], Members]:
    return lambda files: {name.replace(old, new): content for name, content in files.items()}


def _plus(name: str) -> Callable[[Members], Members]:
    return lambda files: files | {name: b"x"}


RUN = f"runs/{few_cells()[0].train_id}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_plus("../../evil.json"), "'../../evil.json' is nothing that a pack holds"),
        (_plus("/tmp/evil.json"), "'/tmp/evil.json' is nothing"),
        (_plus(f"{RUN}/../../evil.json"), "is nothing that a pack holds"),
        (_plus(f"{RUN}/weights.safetensors"), "is nothing that a pack holds"),
        (_plus(f"{RUN}/0123456789abcdef/answers.pkl"), "is nothing that a pack holds"),
        (_plus("runs/0123456789abcdef/0123456789abcdef/record.json"), "lacks questions.parquet"),
        (_plus(f"{RUN}/0123456789abcdef/record.json\n"), "is nothing that a pack holds"),
        (_renamed(RUN, "runs/0123456789abcdef"), f"holds {RUN}/"),
        (_renamed("record.json", "RECORD.json"), "is nothing that a pack holds"),
        (_with_record(lambda r: r["cell"].update(seed=7)), "train_id is "),
        (_with_record(lambda r: r["cell"].update(data="0" * 16)), "train_id is "),
        (_with_record(lambda r: r["cell"].update(eval_data="0" * 16)), "score_id is "),
        (_with_record(lambda r: r["cell"].update(type="Design")), "spec: "),
        (_with_record(lambda r: r.update(cell=r["cell"]["size"])), "describes no cell"),
        (_with_record(lambda r: r.update(size=10**9)), "size is 1000000000, but "),
        (_with_record(lambda r: r["names"].update(sampling="best")), "names is "),
        (_with_record(lambda r: r.update(variant="<script>")), "variant is '<script>', but "),
        (_with_record(lambda r: r.pop("controls")), "lacks controls"),
        (_with_record(lambda r: r.update(loss=[[1, "low"]])), "loss must be float, not 'low'"),
        (_with_record(lambda r: r.update(loss=[[1, float("nan")]])), "NaN is no number"),
        (_with_record(lambda r: r.update(scores=True)), "scores must be dict, not True"),
        (_with_record(lambda r: r["scores"].popitem()), "has other scores than the record"),
        (
            _with_record(lambda r: next(iter(r["scores"].values())).update(accuracy=0.99)),
            "but 0.99 in the record",
        ),
        (lambda files: dict.fromkeys(files, b"[" * 10**6), "nested too deeply"),
        (lambda files: dict.fromkeys(files, b"{}"), "lacks cell"),
        (
            lambda files: {n: c if n.endswith("json") else c[:100] for n, c in files.items()},
            "not Parquet that can be read",
        ),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_refused_whole(
    call, packed: Path, tmp_path: Path, change, words: str
) -> None:
    path = _write(tmp_path / "bad.zip", change(_members(packed)))
    code, _, err = call("merge", path, "--store", tmp_path / "store")
    assert code == 2 and err.count("\n") == 1 and len(err) < 600, err
    assert str(path) in err and words in err
    assert not _files(tmp_path / "store")
    assert not list(tmp_path.parent.glob("**/evil*")) and not Path("/tmp/evil.json").exists()


def test_bytes_that_are_not_what_was_packed_are_refused(call, packed: Path, tmp_path: Path) -> None:
    members = _members(packed)
    hashes = {name: "0" * 64 for name in members}
    for index, words in (
        ({"files": hashes}, "is not what was packed"),
        ({"files": hashes | {"runs/x": ""}}, "'runs/x' is not both there and in pack.json"),
        ({"files": {}}, "is not both there"),
        ({"files": [1]}, "names no files"),
    ):
        path = _write(tmp_path / "bad.zip", members, **index)
        code, _, err = call("merge", path, "--store", tmp_path / "store")
        assert code == 2 and err.count("\n") == 1 and words in err, err


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_of_other_kinds_are_refused(
    call, packed: Path, tmp_path: Path, monkeypatch
) -> None:
    members, path = _members(packed), tmp_path / "bad.zip"
    name, content = next(iter(members.items()))

    def refused(words: str) -> None:
        code, _, err = call("merge", path, "--store", tmp_path / "store")
        assert code == 2 and err.count("\n") == 1 and str(path) in err and words in err, err
        assert not _files(tmp_path / "store")

    for other in (b"", b"text", packed.read_bytes()[:-100]):
        path.write_bytes(other)
        refused("no pack that can be read")
    with zipfile.ZipFile(_write(path, {}), "w") as archive:
        archive.writestr("x", b"")
    refused("lacks pack.json")
    _write(path, members)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    refused("is not both there and in pack.json, once")
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    linked = members | {name: b"/etc/passwd"}
    with zipfile.ZipFile(_write(path, linked), "w") as archive:
        archive.writestr(link, b"/etc/passwd")
        hashes = {name: hashlib.sha256(b"/etc/passwd").hexdigest()}
        archive.writestr("pack.json", json.dumps({"files": hashes}))
    refused("lacks ")
    whole = bytearray(packed.read_bytes())
    whole[whole.index(b"record.json") + 40] ^= 0xFF
    path.write_bytes(whole)
    refused("cannot be read")
    monkeypatch.setattr("ablate.pack.MOST_BYTES", 100)
    path.write_bytes(packed.read_bytes())
    refused("holds more than 100 bytes")


def test_a_record_that_would_not_be_believed_is_named_and_not_packed(
    call, done: Path, tmp_path: Path
) -> None:
    first, second = few_cells()[:2]
    store = RunStore(tmp_path / "store")
    for cell in (first, second):
        shutil.copytree(RunStore(done).run_dir(cell), store.run_dir(cell))
    (store.score_dir(first) / "questions.parquet").unlink()
    code, out, _ = call("pack", tmp_path / "p.zip", "--store", store.root)
    assert code == 1 and "1 cells in " in out
    assert f"left out: {store.score_dir(first)}/questions.parquet: No such file" in out


def test_cells_on_data_that_the_store_has_not_are_told(call, packed: Path, tmp_path: Path) -> None:
    import dataclasses

    from ablate.cli.carry import _unknown_data

    cell = few_cells()[0]
    strange = dataclasses.replace(cell, data="f" * 16)
    store = RunStore(tmp_path)
    assert _unknown_data(store, [cell, strange]) == {"f" * 16: 1}
    (store.data_root / ("f" * 16)).mkdir(parents=True)
    assert not _unknown_data(store, [cell, strange])
    assert "on data" not in call("merge", packed, "--store", tmp_path)[1]
