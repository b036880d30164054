"""Data from outside: what is kept, what identifies it, and what a run finds of it."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from ablate.axes import Fps, Still
from ablate.data.dataset import open_test, open_training, pools_of
from ablate.data.faults import Fault
from ablate.data.guard import Limits
from ablate.data.outside import Outside, samplings_of
from experiments import load
from tests.data.outside import talk, write_dataset

LOOKS = (Fps(2, 4, 2), Still(4))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with data and a store that has checked them; tests work on copies."""
    root = tmp_path_factory.mktemp("made")
    write_dataset(root / "data")
    _checked(root)
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    """The same for one test: the manifest's paths are its own."""
    shutil.copytree(made / "data", tmp_path / "data")
    (tmp_path / "store").mkdir()
    manifest = (made / "store" / "manifest.jsonl").read_text()
    own = manifest.replace(str(made), str(tmp_path))
    (tmp_path / "store" / "manifest.jsonl").write_text(own)
    return tmp_path


def _outside(root: Path) -> Outside:
    return Outside(root / "data" / "data.yaml", root / "store", LOOKS)


def _checked(root: Path) -> Outside:
    found = _outside(root)
    list(found.check(found.unchecked(), 1, Limits()))
    found.freeze()
    return found


def _change(path: Path, **changes) -> None:
    """Sets keys of the first training source."""
    content = yaml.safe_load(path.read_bytes())
    content["train"][0] |= changes
    path.write_text(yaml.safe_dump(content))


def test_what_is_checked_is_not_checked_again(root):
    found = _outside(root)
    assert found.unchecked() == [] and found.train.unknown == found.test.unknown == 0
    assert not found.train.dropped
    assert found.train.fingerprint != found.test.fingerprint


def test_before_the_check_nothing_is_dropped_and_everything_unknown(root):
    (root / "store" / "manifest.jsonl").unlink()
    found = _outside(root)
    assert found.train.unknown == 6 + 4 and found.test.unknown == 6
    assert len(found.unchecked()) == 10
    assert len(found.train.samples) == 12 + 2 + 4 + 4 + 3


def test_media_are_known_by_content_and_real_duration(root):
    found = _outside(root)
    by_id = {one.id: one for one in found.train.samples}
    (video,) = by_id["v1-0"].media
    assert video.duration == pytest.approx(3.0, abs=1e-2) and len(video.key) == 64
    assert by_id["v1-1"].media == by_id["s1"].media == (video,)
    assert [q.duration for q in found.test.samples if q.video_id == "1"] == [video.duration] * 2


def test_a_bad_file_drops_its_samples_in_both_halves(root):
    (root / "data" / "media" / "2.mp4").write_bytes(b"no video")
    (root / "data" / "media" / "3.png").unlink()
    found = _outside(root)
    assert [wanted.path.name for wanted in found.unchecked()] == ["2.mp4", "3.png"]
    before = found.train.fingerprint
    list(found.check(found.unchecked(), 1, Limits()))
    assert found.train.unknown == 0 and found.train.fingerprint != before
    # Two conversations about the video; one about the picture and two about pairs with it.
    assert found.train.dropped == {
        ("shots", Fault.UNREADABLE): 2,
        ("stills", Fault.MISSING): 3,
    }
    assert found.test.dropped == {("held-out", Fault.UNREADABLE): 2}
    assert {one.id for one in found.train.samples} & {"v2-0", "v2-1", "i3", "m2", "m3"} == set()
    report = found.train.report()
    assert report["sources"]["stills"] == {"weight": 1.0, "kept": 10, "dropped": {"missing": 3}}
    assert report["decoders"] == {"decord": 5}
    assert json.loads(json.dumps(report)) == report


def test_a_file_that_is_gone_is_to_be_checked_but_known_until_then(root):
    before = _outside(root).train
    (root / "data" / "media" / "0.mp4").unlink()
    found = _outside(root)
    assert found.train == before and len(found.unchecked()) == 1
    list(found.check(found.unchecked(), 1, Limits()))
    assert found.train.fingerprint != before.fingerprint
    assert found.train.dropped == {("shots", Fault.MISSING): 2, ("stills", Fault.MISSING): 1}


# === identity ===


def test_the_identity_is_the_content_and_not_the_place(root, made):
    assert _outside(root).train.fingerprint == _outside(made).train.fingerprint
    assert _outside(root).test.fingerprint == _outside(made).test.fingerprint


@pytest.mark.parametrize("change", ["weight", "annotation", "file", "lost", "order"])
def test_whatever_decides_training_is_part_of_the_identity(change, root, made):
    path = root / "data" / "data.yaml"
    video = root / "data" / "media" / "0.mp4"
    if change == "weight":
        _change(path, weight=2)
    elif change == "annotation":
        line = json.dumps({"id": "new", "conversations": talk()})
        with (root / "data" / "shots.jsonl").open("a") as file:
            file.write(line + "\n")
    elif change == "file":
        shutil.copy(root / "data" / "media" / "1.mp4", video)
    elif change == "lost":
        video.unlink()
    else:
        content = yaml.safe_load(path.read_bytes())
        content["train"].reverse()
        path.write_text(yaml.safe_dump(content))
    after, before = _checked(root), _outside(made)
    assert after.train.fingerprint != before.train.fingerprint
    same = change in ("weight", "annotation", "order")
    assert (after.test.fingerprint == before.test.fingerprint) == same


@pytest.mark.parametrize("change", ["name", "touched", "text"])
def test_nothing_else_is(change, root, made):
    path = root / "data" / "data.yaml"
    if change == "name":
        _change(path, name="other")
    elif change == "touched":
        os.utime(root / "data" / "media" / "0.mp4", ns=(0, 0))
    else:
        path.write_text("# a remark\n" + path.read_text())
    after = _checked(root)
    assert after.train.fingerprint == _outside(made).train.fingerprint


# === what a run finds ===


def test_a_run_finds_the_samples_of_the_plan_from_the_fingerprint_alone(root):
    (root / "data" / "media" / "2.mp4").write_bytes(b"no video")
    planned = _checked(root)
    (root / "store" / "manifest.jsonl").unlink()
    (root / "data" / "data.yaml").unlink()
    train = open_training(root / "store" / planned.train.fingerprint)
    assert train.samples == planned.train.samples and train.dropped == planned.train.dropped
    assert train.report() == planned.train.report()
    test = open_test(root / "store" / planned.test.fingerprint)
    assert test.samples == planned.test.samples
    weights = {pool.source: pool.weight for pool in pools_of(train)["video"]}
    assert weights == {"shots": 3.0, "stills": 1.0}


def test_a_run_refuses_what_has_changed_since(root):
    planned = _checked(root)
    folder = root / "store" / planned.train.fingerprint
    manifest = folder / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(lines[1:]))
    with pytest.raises(ValueError, match=r"manifest\.jsonl: is not what data \w+ were made of"):
        open_training(folder)
    manifest.write_text("".join(lines))
    shots = root / "data" / "shots.jsonl"
    shots.write_text(shots.read_text().replace("left", "right"))
    with pytest.raises(ValueError, match=r"shots\.jsonl: has changed since .*plan again"):
        open_training(folder)


def test_questions_of_several_sources_keep_their_videos_apart(root):
    questions = json.loads((root / "data" / "questions.json").read_text())
    renamed = [one | {"question_id": f"b-{one['question_id']}"} for one in questions]
    (root / "data" / "b.json").write_text(json.dumps(renamed))
    path = root / "data" / "data.yaml"
    content = yaml.safe_load(path.read_bytes())
    content["test"].append({"name": "b", "annotations": "b.json", "media": "media"})
    path.write_text(yaml.safe_dump(content))
    found = _outside(root).test.samples
    assert len(found) == 24 and {q.video_id for q in found} >= {"held-out/0", "b/0"}
    (root / "data" / "b.json").write_text(json.dumps(questions))
    with pytest.raises(ValueError, match=r"b\.json: question_id 'q0-spatial' is also one of"):
        _outside(root)


def test_all_that_cells_look_with_is_planned():
    cells = load("smoke").cells("", "")
    found = samplings_of(cells)
    assert {cell.design.sampling for cell in cells} < set(found)
    assert Still(4) in found and len(set(found)) == len(found)
    other = dataclasses.replace(
        cells[0], protocol=dataclasses.replace(cells[0].protocol, sampling=Fps(4, 4, 2))
    )
    assert Fps(4, 4, 2) in samplings_of([other])
