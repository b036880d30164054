"""The verbs as they are called: what they print, their exit codes, one line for bad input."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import experiments
from ablate.failures import Failure
from ablate.pace import Meter
from ablate.sizes import NAMES, size_row
from ablate.spec import to_dict
from ablate.store import RunStore
from tests.analysis.planted import DATA
from tests.cells import FEW, WORLD, few_cells, small_cell
from tests.claims import elsewhere, write_claim

ROOT = Path(__file__).parents[1]
APOLLO = str(DATA / "apollo_scaling_consistency.csv")


# === input that cannot be used ===


@pytest.mark.parametrize(
    ("arguments", "culprit", "choice"),
    [
        ("plan --study consitency", "'consitency'", "consistency, demo"),
        ("plan --study ../smoke", "'../smoke'", "consistency, demo"),
        ("plan --size 5B", "'5B'", "1.5B"),
        ("plan --size 10K,10K", "same id", "listed twice"),
        ("plan --samples 9.6e3", "'9.6e3'", "positive whole number"),
        ("plan --samples 0", "'0'", "positive whole number"),
        ("plan --seeds 0", "--seeds", "x>=1"),
        ("plan --stdy smoke", "--stdy", "--study"),
        ("swep", "'swep'", "command"),
        ("sweep --study smoke --store STORE --size 72B", "72B", "10K, 30K, 100K, 300K, 1M"),
        ("sweep --study smoke --store STORE --weights /no/such", "'/no/such'", "exist"),
        ("plan --study smoke --init scratch", "'scratch'", "'pretrained', 'random'"),
        ("sweep --study consistency --store STORE --samples 4", "4 samples", "none of the"),
        ("sweep --study smoke --log excel", "'excel'", "tensorboard"),
        ("sweep --study smoke --store FILE/store", "FILE", "Not a directory"),
        ("sweep --study smoke --store FILE", "FILE", "Not a directory"),
        ("sweep --study smoke --store /proc/store", "/proc/store", "cannot be written"),
        ("report --study smoke --store STORE", "STORE", "`ablate sweep` makes them"),
        ("signal --study smoke --store STORE", "STORE", "no finished cell"),
        ("run FILE --store STORE", "FILE", "not valid JSON"),
        ("run missing.json --store STORE", "missing.json", "does not exist"),
        ("fit missing.csv", "missing.csv", "no such file"),
        ("fit FILE", "FILE", "cannot be read as CSV or Parquet"),
        ("fit APOLLO --columns score", "'score'", "ours=theirs"),
        ("fit APOLLO --columns score=accuracy", "'accuracy'", "score"),
        ("fit APOLLO --factors mixtur", "'mixtur'", "mixture"),
        ("fit APOLLO --target inf", "inf", "finite"),
        ("fit APOLLO --metric r3", "r3", "decision_accuracy"),
        ("fit APOLLO --confidence 95", "confidence", "1"),
        ("fit APOLLO --benchmark ocr", "ocr", "benchmark"),
        ("fit APOLLO --json FILE/x.json", "FILE", "File exists"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(call, tmp_path, arguments, culprit, choice) -> None:
    file = tmp_path / "file"
    file.touch()
    words = {"STORE": str(tmp_path / "none"), "FILE": str(file), "APOLLO": APOLLO}

    def filled(text: str) -> str:
        return re.sub("STORE|FILE|APOLLO", lambda found: words[found[0]], text)

    code, _, err = call(*filled(arguments).split())
    assert code == 2
    assert err.startswith("ablate: ") and err.count("\n") == 1, err
    assert filled(culprit) in err and choice in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_pretrained_row_without_weights_is_one_line_with_three_ways(
    call, tmp_path, offline
) -> None:
    (tmp_path / "mirror").mkdir()
    sweep = ("sweep", "--study", "smoke", "--size", "0.5B", "--store", tmp_path / "none")
    for arguments in (sweep, (*sweep, "--weights", tmp_path / "mirror")):
        code, _, err = call(*arguments)
        assert code == 2 and err.count("\n") == 1
        assert "size 0.5B: no weights of Qwen/Qwen2.5-0.5B-Instruct" in err
        assert all(way in err for way in ("--weights DIR", "hub id", "--init random"))
    assert not (tmp_path / "none").exists()


def test_random_first_weights_make_cells_of_their_own(call, tmp_path) -> None:
    def ids(*init: str) -> set[str]:
        listed = call("plan", "--study", "smoke", "--cells", "--store", tmp_path, *init)[1]
        return set(re.findall(r"^[0-9a-f]{16}", listed, re.MULTILINE))

    pretrained, random = ids(), ids("--init", "random")
    assert len(random) == len(pretrained) > 0 and not random & pretrained
    assert ids("--init", "pretrained") == pretrained


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        (lambda t: t.drop(columns="score"), "score"),
        (lambda t: t.assign(score=t.score.astype(object).where(t.index != 3, "n/a")), "n/a"),
        (lambda t: t.assign(size=t["size"].where(t.index != 3, -1)), "-1"),
        (lambda t: pd.concat([t, t.head(1)]), "s1-A"),
        (lambda t: t.head(0), "no rows"),
    ],
    ids=["no score", "no number", "negative size", "row twice", "no rows"],
)
def test_a_bad_table_is_one_line_that_names_it(call, tmp_path, change, culprit: str) -> None:
    path = tmp_path / "scores.csv"
    change(pd.read_csv(APOLLO)).to_csv(path, index=False)
    code, _, err = call("fit", path)
    assert code == 2 and err.count("\n") == 1, err
    assert culprit in err


def test_a_cell_that_describes_something_else_is_refused(call, tmp_path) -> None:
    path = tmp_path / "cell.json"
    for content, words in (
        (to_dict(size_row("10K")), "describes no cell"),
        (to_dict(small_cell()) | {"sample": 3}, "no field 'sample'"),
        ([], "describes no cell"),
    ):
        path.write_text(json.dumps(content))
        code, _, err = call("run", path, "--store", tmp_path / "store")
        assert code == 2 and words in err and err.count("\n") == 1


# === help ===


def test_help_of_the_program_and_of_every_verb(call) -> None:
    code, out, _ = call("--help")
    verbs = re.findall(r"^  (\w+) ", out.partition("Commands:")[2], re.MULTILINE)
    assert code == 0 and set(verbs) == {
        "plan", "sweep", "status", "report", "fit", "rank", "rates", "run", "signal", "data",
        "completion", "pack", "merge", "doctor", "export", "eval",
    }  # fmt: skip
    for verb in verbs:
        code, out, _ = call(verb, "-h")
        assert code == 0 and out.startswith("Usage: ") and f" {verb} [OPTIONS]" in out


def test_no_verb_at_all_shows_the_help(call) -> None:
    code, _, err = call()
    assert code == 2 and "\nCommands:\n" in err


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout)
    listed = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", plain, re.MULTILINE))
    assert listed.keys() >= {
        "help", "install", "demo", "test", "test-all", "smoke", "soak", "media", "encoders",
        "lint", "type", "plan", "sweep", "status", "rank", "report", "bench", "paper", "clean",
    }  # fmt: skip


def test_a_mistyped_variable_of_make_is_one_line_with_the_choices() -> None:
    for given in ("SIZES=3B", "STUDYS=smoke"):
        command = ["make", "-n", "--no-print-directory", "plan", given]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert told.returncode == 2 and told.stdout == "" and told.stderr.count("\n") == 1
        assert f"unknown variable {given}; choose from" in told.stderr and " STUDY " in told.stderr


# === plans ===


def test_every_study_is_planned_at_every_size_within_a_minute(call, tmp_path) -> None:
    began = time.process_time()
    for study in experiments.names():
        for size in NAMES:
            code, out, err = call("plan", "--study", study, "--size", size, "--store", tmp_path)
            assert code == 0 and err == "", err
            assert re.search(rf"^{re.escape(size)} +0 +\d+ +0 ", out, re.MULTILINE), out
    assert time.process_time() - began < 60
    assert list(tmp_path.iterdir()) == []


def test_a_plan_lists_its_cells_and_takes_seeds_and_samples(call, tmp_path) -> None:
    study = ("--study", "smoke", "--store", tmp_path)
    _, out, _ = call(
        "plan", *study, "--size", "10K", "--seeds", 2, "--samples", "64,128", "--cells"
    )
    listed = re.findall(r"^([0-9a-f]{16})  missing .*10K", out, re.MULTILINE)
    assert len(listed) == len(set(listed)) == 6 * 2 * 2


def test_a_plan_warns_of_sizes_below_the_papers_critical_size(call, tmp_path) -> None:
    plan = ("plan", "--study", "smoke", "--store", tmp_path, "--size")
    assert "warning: 0.5B: below the critical size" in call(*plan, "0.5B,3B")[1]
    assert "warning" not in call(*plan, "10K,3B")[1]


def test_a_failed_cell_is_shown_with_its_reason(call, tmp_path) -> None:
    cell = experiments.load("smoke").cells(small_cell().data, small_cell().eval_data)[0]
    RunStore(tmp_path).fail(cell, Failure("diverged", "loss is nan at [step] 3"))
    code, out, _ = call("status", "--study", "smoke", "--store", tmp_path)
    assert code == 0 and "1 failed" in out
    assert "diverged: loss is nan at [step] 3" in out
    assert "next, for 1 diverged: a lower learning rate" in out


def test_running_cells_are_seen_from_any_machine(call, tmp_path) -> None:
    study = ("--study", "smoke", "--size", "10K", "--store", tmp_path)
    assert "nothing is running; `ablate sweep --study smoke" in call("status", *study)[1]
    data = small_cell().data, small_cell().eval_data
    first, second, *_ = experiments.load("smoke").cells(*data, sizes=("10K",))
    for cell in (first, second):
        RunStore(tmp_path).run_dir(cell).mkdir(parents=True)
        write_claim(RunStore(tmp_path).run_dir(cell), elsewhere())
    Meter(first, RunStore(tmp_path).run_dir(first)).step(14, 2.5)
    _, out, _ = call("status", *study)
    assert re.search(r"10K .* +15 of 32 +2\.500 +- +process \d+ on another-machine", out)
    assert re.search(r"10K .* +starting +- +- +process \d+ on another-machine", out)
    assert re.search(r"about \d+ s left by plan, with 2 running", out)


# === fit ===


def test_fit_repeats_the_published_agreement(call, tmp_path) -> None:
    target = tmp_path / "new" / "fit.json"
    code, out, err = call("fit", APOLLO, "--json", target)
    assert code == 0 and err == ""
    rows = dict(re.findall(r"^ +(4B|1\.5B|500M) +21 +1 +(\.\d{3})", out, re.MULTILINE))
    assert rows == {"4B": ".938", "1.5B": ".831", "500M": ".694"}
    assert "Trust proxies from 4B up" in out
    found = json.loads(target.read_text(), parse_constant=pytest.fail)
    assert {point["size"]: round(point["r2"], 3) for point in found["curve"]} == {
        4e9: 0.938,
        1.5e9: 0.831,
        5e8: 0.694,
    }


def test_a_table_without_a_proxy_has_no_verdict_and_is_no_error(call, tmp_path) -> None:
    scores = pd.read_csv(APOLLO)
    scores[scores["size"] == scores["size"].max()].to_csv(tmp_path / "t.csv", index=False)
    code, out, err = call("fit", tmp_path / "t.csv")
    assert code == 0 and err == "" and "No verdict. There is no proxy size" in out


def test_a_target_that_is_not_in_the_table_is_told_with_the_choices(call) -> None:
    code, out, _ = call("fit", APOLLO, "--target", 7)
    assert code == 0 and "No verdict." in out
    assert "--target 7 is not in the table; its sizes: 5e+08, 1.5e+09, 4e+09, 7e+09" in out
    assert "not in the table" not in call("fit", APOLLO, "--target", "4e9")[1]


def test_fit_takes_other_column_names(call, tmp_path) -> None:
    renamed = pd.read_csv(APOLLO).rename(columns={"score": "avg", "size": "params"})
    renamed.to_csv(tmp_path / "t.csv", index=False)
    mapped = call("fit", tmp_path / "t.csv", "--columns", "score=avg,size=params")
    assert mapped == call("fit", APOLLO)


def test_the_page_of_a_fit_knows_how_it_was_fitted(call, tmp_path) -> None:
    options = ("--factors", "setting,mixture", "--lower-is-better", "all")
    code, _, err = call("fit", APOLLO, *options, "--report", tmp_path / "new" / "r.html")
    assert code == 0 and err == ""
    assert "axes setting and mixture" in (tmp_path / "new" / "r.html").read_text()


def test_fit_in_a_process_of_its_own_loads_neither_torch_nor_ray() -> None:
    code = (
        "import sys\nfrom ablate.cli import main\n"
        f"try: main(['fit', {APOLLO!r}])\n"
        "finally: print(sorted({'torch', 'ray', 'lightning'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# === finished cells ===


def test_a_finished_study_is_not_trained_again(call, done: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done / "runs").rglob("*")}
    code, out, err = call("sweep", *FEW, "--store", done)
    assert code == 0 and err == ""
    assert "nothing to train: 14 cells are done\n" in out and "Agreement with" in out
    assert {path: path.stat().st_mtime_ns for path in (done / "runs").rglob("*")} == before
    assert "cells: 14 done, 0 failed, 0 missing" in call("status", *FEW, "--store", done)[1]


def test_a_cell_that_diverged_is_not_trained_again_unasked(call, done: Path, tmp_path) -> None:
    store = RunStore(shutil.copytree(done, tmp_path / "store", symlinks=True))
    cell = few_cells()[0]
    (store.score_dir(cell) / "record.json").unlink()
    store.fail(cell, Failure("diverged", "loss is nan at step 3"))
    code, out, err = call("sweep", *FEW, "--store", store.root)
    assert code == 1 and err == ""
    assert "nothing to train: 13 cells are done, 1 diverged (--retry)" in out
    assert "diverged: loss is nan at step 3" in out and not store.is_done(cell)


def test_a_cell_that_another_process_is_at_is_shown_as_running(call, tmp_path) -> None:
    store = RunStore(tmp_path)
    with store.claim(few_cells()[0]):
        out = call("status", *FEW, "--store", tmp_path)[1]
    assert re.search(rf"^30K .* seed 0 +starting .* process {os.getpid()} on ", out, re.MULTILINE)
    assert "\nrunning: " not in call("status", *FEW, "--store", tmp_path)[1]


def test_the_report_of_a_study_stands_alone(call, done: Path, tmp_path) -> None:
    code, out, err = call("report", *FEW, "--store", done, "--out", tmp_path / "r")
    assert code == 0 and err == "" and str(tmp_path / "r" / "report.html") in out
    page = (tmp_path / "r" / "report.html").read_text()
    assert experiments.load("smoke").question in page
    assert not re.search(r"(src|href)=[\"']https?://", page)
    fitted = json.loads((tmp_path / "r" / "fit.json").read_text(), parse_constant=pytest.fail)
    assert fitted["target"]["size"] == size_row("30K").parameters


def test_rankings_come_smallest_size_first(call, done: Path) -> None:
    code, out, err = call("rank", *FEW, "--store", done)
    assert code == 0 and err == ""
    assert re.findall(r"^(\S+), 48 samples", out, re.MULTILINE) == ["10K", "30K"]


def test_the_signal_check_says_pass_or_fail_by_its_exit_code(call, done: Path) -> None:
    code, out, err = call("signal", *FEW, "--store", done)
    assert code in (0, 1) and out.strip() and err == ""


def test_a_plan_counts_what_is_done_by_size(call, done: Path) -> None:
    code, out, _ = call("plan", *FEW, "--size", "10K,100K", "--store", done)
    assert code == 0
    assert re.search(r"^10K +7 +0 +0 ", out, re.MULTILINE)
    assert re.search(r"^100K +0 +7 +0 ", out, re.MULTILINE)


def test_one_cell_is_run_from_its_json_without_ray(call, store: Path, tmp_path) -> None:
    cell = dataclasses.replace(small_cell(), samples=32)
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(to_dict(cell)))
    code, out, _ = call("run", path, "--store", store)
    assert code == 0 and "step 2 of 2, loss" in out
    record = RunStore(store).record(cell)
    assert record is not None
    for category, score in record["scores"].items():
        assert re.search(rf"^{category} +{score['accuracy']:.3f} ±", out, re.MULTILINE)
        assert score["n"] == WORLD.test_videos
