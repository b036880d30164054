"""What a check finds of a file, what it remembers, and when it looks again."""

import json
import os
from dataclasses import replace
from random import Random

import pytest
from PIL import Image

from ablate.axes import Fps, Still, Uniform
from ablate.data.check import Wanted, check_files, look, unchecked, wanted_files
from ablate.data.faults import Fault
from ablate.data.guard import Limits
from ablate.data.manifest import FileFacts, Kind, Manifest
from ablate.data.sources import Conversation, Media, Question
from tests.data.broken import broken_pictures, broken_videos, long_header
from tests.data.videos import write_raw

LOOKS = (Fps(2, 4, 2), Uniform(8), Still(4))
LIMITS = Limits(seconds=30)


def _video(path, *samplings) -> Wanted:
    return Wanted(path, Kind.VIDEO, samplings or LOOKS)


def test_the_facts_of_a_video(tmp_path):
    path = write_raw(tmp_path / "x.mp4", [7 + i / 25 for i in range(75)], b_frames=2)
    facts = look(_video(path))
    assert facts.fault is None and facts.reason == "" and facts.decoder == "decord"
    assert facts.duration == pytest.approx(3.0, abs=0.05) and facts.fps == pytest.approx(25, 0.02)
    assert (facts.frames, facts.width, facts.height, facts.variable) == (75, 32, 32, False)
    assert facts.size == path.stat().st_size and len(facts.sha256 or "") == 64
    uneven = write_raw(tmp_path / "y.mp4", [0, 0.1, 0.5, 0.6, 1.4, 1.5])
    assert look(_video(uneven)).variable is True
    assert look(_video(long_header(tmp_path / "z.mkv"))).duration == pytest.approx(3.0, abs=0.05)


def test_the_facts_of_an_av1_video_name_the_other_decoder(tmp_path):
    path = write_raw(
        tmp_path / "x.mp4", [i / 10 for i in range(30)], size=64,
        codec="libsvtav1", encoder={"preset": "12"},
    )  # fmt: skip
    facts = look(_video(path))
    assert (facts.fault, facts.decoder, facts.frames) == (None, "pyav", 30)


def test_the_facts_of_a_picture(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "x.png")
    facts = look(Wanted(tmp_path / "x.png", Kind.PICTURE))
    assert (facts.fault, facts.width, facts.height, facts.duration) == (None, 40, 30, None)


def test_every_fault_is_named_and_told_in_one_line(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "good.png")
    for kind, files in (
        (Kind.VIDEO, broken_videos(tmp_path)),
        (Kind.PICTURE, broken_pictures(tmp_path, tmp_path / "good.png")),
    ):
        for name, (path, fault) in files.items():
            facts = look(Wanted(path, kind, LOOKS if kind is Kind.VIDEO else ()))
            assert facts.fault is fault, (name, facts.reason)
            assert facts.reason and "\n" not in facts.reason
            assert facts.sha256 is None and facts.duration is None


def test_damage_that_only_some_sampling_meets_is_found(tmp_path):
    path = write_raw(tmp_path / "x.mp4", [i / 10 for i in range(600)], gop=10, size=64)
    content = bytearray(path.read_bytes())
    # Frames in the middle become noise; both ends and the header, which comes last, stay.
    middle = len(content) // 3
    content[middle : middle + 1000] = Random(0).randbytes(1000)
    path.write_bytes(content)
    assert look(_video(path, Still(4))).fault is None
    assert look(_video(path, Uniform(600))).fault is Fault.UNREADABLE
    assert look(_video(path, Still(4), Uniform(600))).fault is Fault.UNREADABLE


# === what is wanted ===


def test_files_are_wanted_once_with_all_that_looks_at_them(tmp_path):
    one, two = Media(tmp_path / "1.mp4", "1"), Media(tmp_path / "2.mp4", "2")
    picture = Media(tmp_path / "1.png", "3")
    turns = (("q", "a"),)
    samples = [
        Conversation("a", "video", (one,), turns),
        Conversation("b", "video", (one, two), turns),
        Conversation("c", "image", (picture,), turns),
        Conversation("d", "text", (), turns),
        Question("e", two, "2", "q", ("a", "b"), 0, "c", "k"),
    ]
    first, second, third = wanted_files(samples, [Fps(2, 4, 4)])
    assert first == Wanted(one.path, Kind.VIDEO, (Fps(2, 4, 4), Fps(2, 4, 2)))
    assert set(second.samplings) == set(first.samplings)
    assert third == Wanted(picture.path, Kind.PICTURE)


# === what is remembered ===


@pytest.fixture
def manifest(tmp_path):
    return Manifest(tmp_path / "store" / "manifest.jsonl")


def _check(files, manifest, **limits) -> list[FileFacts]:
    return list(check_files(files, manifest, 2, replace(LIMITS, **limits)))


def test_only_what_is_new_or_changed_or_looked_at_anew_is_checked_again(tmp_path, manifest):
    path = write_raw(tmp_path / "x.mp4", [i / 10 for i in range(30)])
    files = [_video(path, Fps(2, 4, 2))]
    assert unchecked(files, manifest) == files
    _check(files, manifest)
    known = Manifest(manifest.path)
    assert unchecked(files, known) == []
    more = [_video(path, Fps(2, 4, 2), Uniform(8))]
    assert unchecked(more, known) == [_video(path, Uniform(8))]
    _check(unchecked(more, known), known)
    assert unchecked(more, known) == unchecked(files, known) == []
    os.utime(path, ns=(0, 0))
    assert unchecked(files, known) == files


def test_bad_files_are_checked_again_when_they_change_or_on_demand(tmp_path, manifest):
    path = tmp_path / "x.mp4"
    files = [_video(path)]
    (facts,) = _check(files, manifest)
    assert facts.fault is Fault.MISSING
    assert unchecked(files, manifest) == []
    assert unchecked(files, manifest, again=True) == files
    write_raw(path, [i / 10 for i in range(30)])
    assert unchecked(files, manifest) == files
    (facts,) = _check(files, manifest)
    assert facts.fault is None
    assert unchecked(files, manifest, again=True) == []


def test_limits_are_faults_too(tmp_path, manifest):
    path = write_raw(tmp_path / "x.mp4", [i / 10 for i in range(30)])
    (slow,) = _check([_video(path)], manifest, seconds=1e-9)
    assert slow.fault is Fault.TOO_SLOW and slow.size == path.stat().st_size
    (large,) = _check([_video(path)], manifest, memory=2**20)
    assert large.fault is Fault.TOO_MUCH_MEMORY
    (good,) = _check(unchecked([_video(path)], manifest, again=True), manifest)
    assert good.fault is None and Manifest(manifest.path).find(path, Kind.VIDEO) == good


def test_a_manifest_that_was_cut_short_loses_one_line(tmp_path, manifest):
    paths = [write_raw(tmp_path / f"{n}.mp4", [i / 10 for i in range(30)]) for n in range(3)]
    files = [_video(path) for path in paths]
    facts = _check(files, manifest)
    content = manifest.path.read_bytes().rstrip()
    manifest.path.write_bytes(content[:-40])
    cut = Manifest(manifest.path)
    assert len(unchecked(files, cut)) == 1
    cut.add(facts[0])
    again = Manifest(manifest.path)
    found = [again.find(path, Kind.VIDEO) for path in paths]
    assert found.count(None) == 1 and facts[0] in found


def test_lines_are_plain_json(tmp_path, manifest):
    path = write_raw(tmp_path / "x.mp4", [i / 10 for i in range(30)])
    (facts,) = _check([_video(path)], manifest)
    (line,) = [line for line in manifest.path.read_text().splitlines() if line]
    plain = json.loads(line)
    assert plain["path"] == str(path) and plain["kind"] == "video" and plain["fault"] is None
    assert FileFacts.from_dict(plain) == facts
