"""Bad media: named by the check, dropped for every design alike, and told in the record."""

import json
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

import ablate.training
from ablate.data.faults import Fault
from ablate.data.manifest import FileFacts
from ablate.data.samples import Sample
from ablate.data.stats import SamplingStats
from ablate.data.video.read import map_opened
from ablate.data.video.with_decord import DecordReader
from ablate.data.video.with_pyav import PyavReader
from ablate.run import run_cell
from ablate.store import RunStore
from tests.cells import job, silent
from tests.data.broken import broken_pictures, broken_videos, long_header
from tests.data.outside import planned, talk, write_dataset
from tests.data.videos import write_raw

STUDY = ("--study", "smoke", "--size", "10K", "--samples", "32", "--seeds", "1")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory) -> tuple[Path, dict[Path, Fault]]:
    """A dataset with every kind of bad file, each with a conversation and a question about it."""
    folder = tmp_path_factory.mktemp("damaged")
    path = write_dataset(folder)
    media = folder / "media"
    videos = dict(broken_videos(media).values())
    pictures = dict(broken_pictures(media, media / "0.png").values())
    av1 = write_raw(
        media / "av1.mp4", [i / 8 for i in range(24)], size=64,
        codec="libsvtav1", encoder={"preset": "12"},
    )  # fmt: skip
    usable = [av1, long_header(media / "header.mkv")]
    shots = [
        {"id": video.stem, "video": video.name, "conversations": talk()}
        for video in (*videos, *usable)
    ]
    with (folder / "shots.jsonl").open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in shots)
    stills = json.loads((folder / "stills.json").read_text())
    for picture in pictures:
        stills.append({"id": picture.stem, "image": picture.name, "conversations": talk()})
        pair = ["0.png", picture.name]
        stills.append({"id": f"pair-{picture.stem}", "image": pair, "conversations": talk()})
    (folder / "stills.json").write_text(json.dumps(stills))
    questions = json.loads((folder / "questions.json").read_text())
    for video in (*videos, *usable):
        asked = {"question_id": video.stem, "video_id": video.stem, "video": video.name}
        questions.append(questions[0] | asked)
    (folder / "questions.json").write_text(json.dumps(questions))
    return path, videos | pictures


def test_the_check_names_every_file_and_drops_its_samples(damaged, call, tmp_path):
    path, faults = damaged
    code, out, err = call("data", "check", path, *STUDY, "--store", tmp_path)
    assert code == 0 and err == ""
    for file, fault in faults.items():
        assert f"{fault}: {file}: " in out, file
    assert "27 conversations of 2 sources, 17 dropped (10 unreadable, 3 too many pixels" in out
    assert "14 questions of 1 source, 11 dropped" in out
    told = (line.partition(" manifest: ") for line in out.splitlines())
    manifests = [Path(path) for _, found, path in told if found]
    assert [manifest.exists() for manifest in manifests] == [True, True]
    lines = [json.loads(line) for line in manifests[0].read_text().splitlines() if line]
    found = {Path(line["path"]): FileFacts.from_dict(line) for line in lines}
    assert {file: facts.fault for file, facts in found.items() if facts.fault} == faults
    media = path.parent / "media"
    assert found[media / "av1.mp4"].decoder == "pyav"
    assert found[media / "header.mkv"].duration == pytest.approx(3.0, abs=0.05)


class Listening(SamplingStats):
    """Statistics that remember which samples came, in order."""

    heard: ClassVar[list[list[str]]] = []

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.heard.append([])

    def add(self, sample: Sample) -> None:
        self.heard[-1].append(sample.id)
        super().add(sample)


def test_every_design_drops_the_same_samples_and_sees_the_others_in_one_order(
    damaged, call, tmp_path, monkeypatch
):
    path, faults = damaged
    call("data", "check", path, *STUDY, "--store", tmp_path)
    cells = planned(*STUDY, "--store", tmp_path, "--data", path).missing
    chosen = {cell.design.sampling: cell for cell in cells}
    assert len(chosen) == 2
    Listening.heard.clear()
    monkeypatch.setattr(ablate.training, "SamplingStats", Listening)
    records = [run_cell(cell, job(tmp_path), silent) for cell in chosen.values()]
    first, second = Listening.heard
    assert first == second and len(first) == 32
    bad = {file.stem for file in faults}
    assert not bad & {name.removeprefix("pair-") for name in first}
    assert {"av1", "header"} & set(first)
    assert records[0]["data"] == records[1]["data"]
    dropped = records[0]["data"]["train"]["sources"]["stills"]["dropped"]
    assert dropped == {"too many pixels": 2, "unreadable": 4}
    assert records[0]["data"]["test"]["decoders"] == {"decord": 7, "pyav": 1}
    assert {score["n"] for score in records[0]["scores"].values()} == {6, 8}
    assert all(RunStore(tmp_path).is_done(cell) for cell in chosen.values())


def test_a_file_that_is_lost_after_the_check_fails_the_cell_and_names_it(call, tmp_path):
    path = write_dataset(tmp_path / "data", videos=2)
    call("data", "check", path, *STUDY, "--store", tmp_path / "store")
    (cell, *_) = planned(*STUDY, "--store", tmp_path / "store", "--data", path).missing
    for video in (path.parent / "media").glob("*.mp4"):
        video.unlink()
    from ablate.worker import work

    work([cell], job(tmp_path / "store"), silent)
    failure = RunStore(tmp_path / "store").failure(cell)
    assert failure is not None and failure.kind == "data"
    assert failure.reason.endswith(".mp4: no such file")


@pytest.mark.slow
@pytest.mark.parametrize("decoder", [DecordReader, PyavReader])
def test_reading_thousands_of_files_does_not_fill_the_memory(decoder, tmp_path):
    paths = [
        write_raw(tmp_path / f"{n}.mp4", [i / 8 for i in range(80)], size=256) for n in range(10)
    ]
    process, held = psutil.Process(), []
    for path in paths * 200:
        with closing(decoder(path)) as reader:
            map_opened(reader, [0.0, 1.0, 9.0], lambda frame: None)
        held.append(process.memory_info().rss)
    assert held[-1] - held[100] < 30 * 2**20
