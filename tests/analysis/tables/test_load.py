import json
from pathlib import Path

import pandas as pd
import pytest

from analysis import fit
from analysis.tables.load import PARTS, axes_of, load, load_costs, load_data, load_questions

AXES = ("sampling", "encoder", "connector", "integration", "schedule", "mixture")


def write_record(root: Path, variant: str, size: int, seed: int, accuracy: float, **changed) -> str:
    """One finished cell as the program leaves it; returns its score id."""
    score_id = f"{variant}-{size}-{seed}"
    answers = {"se": 0.02, "n": 300, "chance": 0.25}
    score = {"accuracy": accuracy, "p_correct": accuracy - 0.1, "margin": accuracy - 0.4} | answers
    names = dict.fromkeys(AXES, "base") | {"connector": variant}
    record = {
        "cell": {"type": "Cell"},
        "train_id": f"t-{score_id}",
        "score_id": score_id,
        "design_id": f"d-{variant}",
        "names": names,
        "variant": variant,
        "size": size,
        "size_name": f"{size // 1000}K",
        "samples": 9600,
        "seed": seed,
        "scores": {"ocr": score, "spatial": score | {"accuracy": accuracy + 0.1}},
        "groups": {"short": score},
        "kinds": {"speed": score},
        "controls": {"question_only": {"ocr": score | {"accuracy": 0.25}}, "single_frame": {}},
        "cost": {
            "flops": {"encode": 1e9, "connector": 2e9, "llm": 3e9, "evaluate": 4e9},
            "seconds": {"decode": 1.0, "encode": 2.0, "train": 3.0, "evaluate": 4.0, "total": 11.0},
        },
    } | changed
    folder = root / "runs" / record["train_id"] / score_id
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))
    return score_id


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for variant, accuracy in (("mlp-4", 0.5), ("perceiver-4", 0.6)):
        for size in (12_000, 41_000):
            write_record(tmp_path, variant, size, 0, accuracy)
    return tmp_path


def test_every_cell_gives_a_row_per_benchmark_and_measure(store):
    frame = load(store)
    assert len(frame) == 4 * 2 * 3
    row = frame.query("variant == 'mlp-4' and size == 12000 and benchmark == 'spatial'")
    scores = dict(zip(row.measure, row.score, strict=True))
    assert scores == pytest.approx({"accuracy": 0.6, "p_correct": 0.4, "margin": 0.1})
    assert set(row.chance) == {0.25}
    assert set(row.cost) == {1e10}


def test_cost_in_seconds_is_the_stored_total(store):
    assert set(load(store, cost="seconds").cost) == {11.0}


def test_a_record_without_cost_has_a_missing_cost_not_zero(store):
    write_record(store, "mlp-4", 12_000, 1, 0.5, cost={})
    frame = load(store)
    assert frame[frame.seed == 1].cost.isna().all()
    assert frame[frame.seed == 0].cost.notna().all()


def test_what_was_dropped_is_told_by_source(tmp_path):
    about = {"weight": 3.0, "kept": 10, "dropped": {"unreadable": 2, "missing": 1}}
    test = {"weight": 1.0, "kept": 6, "dropped": {}}
    data = {"train": {"sources": {"shots": about}}, "test": {"sources": {"held-out": test}}}
    write_record(tmp_path, "mlp-4", 12_000, 0, 0.5, data=data)
    write_record(tmp_path, "mlp-4", 41_000, 0, 0.5)
    found = load_data(tmp_path).set_index("source")
    assert found.index.tolist() == ["shots", "held-out"]
    assert found.kept.to_dict() == {"shots": 10, "held-out": 6}
    assert found.loc["shots", ["dropped", "reasons"]].tolist() == [3, "2 unreadable, 1 missing"]
    assert found.loc["held-out", ["dropped", "reasons"]].tolist() == [0, ""]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_record_can_be_read(store, part):
    frame = load(store, part=part)
    expected = {
        "scores": {"ocr", "spatial"},
        "groups": {"short"},
        "kinds": {"speed"},
        "question_only": {"ocr"},
    }.get(part, set())
    assert (set(frame.benchmark) if len(frame) else set()) == expected


def test_only_the_chosen_cells_are_read(store):
    assert set(load(store, ["mlp-4-41000-0"]).size_name) == {"41K"}


def test_the_factors_are_the_axes_that_vary(store):
    assert axes_of(load(store)) == ("connector",)


def test_costs_come_by_unit_and_phase_without_the_total(store):
    costs = load_costs(store)
    assert set(costs.query("unit == 'seconds'").phase) == {"decode", "encode", "train", "evaluate"}
    assert costs.query("unit == 'flops' and phase == 'llm'").amount.tolist() == [3e9] * 4


def test_questions_come_with_their_cell(store):
    for folder in store.glob("runs/*/*"):
        answers = {
            "question_id": ["q1", "q2"],
            "video_id": ["v1", "v2"],
            "category": ["ocr", "spatial"],
            "correct": [True, False],
        }
        pd.DataFrame(answers).to_parquet(folder / "questions.parquet")
    questions = load_questions(store)
    assert len(questions) == 8
    noise = fit(load(store), questions=questions).evaluation
    assert {(entry.size, entry.benchmark) for entry in noise} == {
        (size, name) for size in (12_000, 41_000) for name in ("ocr", "spatial")
    }


def test_missing_questions_are_told_with_their_file(store):
    with pytest.raises(ValueError, match=r"questions\.parquet: cannot be read"):
        load_questions(store)


def test_an_empty_store_is_told(tmp_path):
    with pytest.raises(ValueError, match="no finished cell"):
        load(tmp_path)
    with pytest.raises(ValueError, match="no finished cell among"):
        write_record(tmp_path, "mlp-4", 12_000, 0, 0.5)
        load(tmp_path, ["other"])


@pytest.mark.parametrize("broken", [{"names": None}, {"scores": {"ocr": 3}}, {"scores": None}])
def test_a_damaged_record_is_told_in_one_line_with_its_file(store, broken):
    write_record(store, "bad", 12_000, 0, 0.5, **broken)
    with pytest.raises(ValueError, match=r"bad-12000-0/record\.json: not a complete") as caught:
        load(store)
    assert "\n" not in str(caught.value)


def test_unknown_choices_name_the_right_ones(store):
    with pytest.raises(ValueError, match="unknown part 'score'; choose from scores"):
        load(store, part="score")
    with pytest.raises(ValueError, match="unknown cost 'euros'; choose from flops, seconds"):
        load(store, cost="euros")
