"""The YAML file of sources: what it says, and one line for whatever is wrong with it."""

from pathlib import Path

import pytest
import yaml

from ablate.data.description import read_description

TRAIN = {"name": "shots", "annotations": "shots.jsonl", "media": "media", "weight": 3}
TEST = {"name": "held-out", "annotations": "questions.json"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "table").mkdir()
    for name in ("shots.jsonl", "questions.json"):
        (tmp_path / name).write_text("[]")
    return tmp_path


def _read(folder: Path, content: object):
    path = folder / "data.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_description(path, folder / "unpacked")


def test_paths_start_at_the_file_and_the_rest_has_defaults(folder):
    table = {"name": "table", "annotations": str(folder / "table"), "split": "train"}
    found = _read(folder, {"train": [TRAIN, table], "test": [TEST]})
    shots, inside = found.train
    assert (shots.name, shots.weight, shots.split) == ("shots", 3.0, None)
    assert (shots.annotations, shots.media) == (folder / "shots.jsonl", folder / "media")
    assert (inside.weight, inside.split, inside.media) == (1.0, "train", folder / "table")
    (held,) = found.test
    assert held.media == folder and held.unpacked == folder / "unpacked"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "must hold train and test"),
        ("[1, 2]", "must hold train and test"),
        ("train: [\n", "not YAML: .*line 2"),
        ("train: !!python/object/apply:os.getcwd []", "not YAML"),
        ({"train": [TRAIN]}, "test: must be a list of sources, not None"),
        ({"train": [], "test": [TEST]}, "train: must be a list of sources"),
        (
            {"train": [TRAIN], "test": [TEST], "val": []},
            "unknown key 'val'; choose from train, test",
        ),
        ({"train": ["a.json"], "test": [TEST]}, r"train\[0\]: must have the keys name, annot"),
        (
            {"train": [TRAIN | {"wieght": 1}], "test": [TEST]},
            r"train\[0\]: unknown key 'wieght'; ch",
        ),
        ({"train": [TRAIN, TRAIN], "test": [TEST]}, r"train\[1\]\.name: 'shots' is used twice"),
        ({"train": [{"name": "a"}], "test": [TEST]}, r"train\[0\]: lacks 'annotations'"),
        (
            {"train": [TRAIN | {"name": 3}], "test": [TEST]},
            r"train\[0\]\.name: must be text, not 3",
        ),
        (
            {"train": [TRAIN | {"annotations": "shot.jsonl"}], "test": [TEST]},
            r"train\[0\]\.annotations: nothing at .*shot\.jsonl",
        ),
        (
            {"train": [TRAIN | {"media": "shots.jsonl"}], "test": [TEST]},
            r"train\[0\]\.media: .*shots\.jsonl is no folder",
        ),
        *(
            (
                {"train": [TRAIN | {"weight": weight}], "test": [TEST]},
                r"train\[0\]\.weight: must be a",
            )
            for weight in (0, -1, "2", True, None, float("inf"), float("nan"))
        ),
        ({"train": [TRAIN], "test": [TEST | {"weight": 2}]}, r"test\[0\]: unknown key 'weight'"),
        (
            {"train": [TRAIN], "test": [TEST | {"benchmark": "mvbench"}]},
            r"test\[0\]\.benchmark: unknown 'mvbench'; choose from questions",
        ),
    ],
)
def test_whatever_is_wrong_is_one_line_with_file_key_and_choices(folder, content, complaint):
    with pytest.raises(ValueError, match=rf"data\.yaml: {complaint}") as caught:
        _read(folder, content)
    assert "\n" not in str(caught.value)


def test_no_file_at_all(tmp_path):
    with pytest.raises(ValueError, match=r"none\.yaml: No such file"):
        read_description(tmp_path / "none.yaml", tmp_path)
