"""The frame that is read is the one on screen at that time."""

import multiprocessing
import pickle
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest

from ablate.data.faults import Fault, MediaError
from ablate.data.video import probe, read_frames, write_video
from ablate.data.video.read import check_header, describe, map_opened
from ablate.data.video.with_decord import DecordReader
from ablate.data.video.with_pyav import PyavReader
from tests.data.broken import broken_videos, cut_short, long_header
from tests.data.videos import frame_numbers, numbered_frame, write_raw


def _expected(starts: list[float], times: list[float]) -> list[int]:
    """Nearest frame at or before, by the plain definition."""
    begun = [s - starts[0] for s in starts]
    return [max((i for i, s in enumerate(begun) if s <= t + 1e-3), default=0) for t in times]


_CONSTANT = [i / 25 for i in range(260)]
_VARIABLE = list(np.cumsum([0.0] + [(0.02, 0.05, 0.31, 0.1)[i % 4] for i in range(199)]))
KINDS = {
    "key frames only": (_CONSTANT, {"gop": 1}),
    "b-frames": (_CONSTANT, {"b_frames": 3}),
    "gop 250": (_CONSTANT, {"gop": 250, "b_frames": 2}),
    "variable rate": (_VARIABLE, {"b_frames": 2}),
    "shifted start": ([7.3 + s for s in _CONSTANT], {"b_frames": 2, "gop": 50}),
    "shifted variable": ([3.01 + s for s in _VARIABLE], {"gop": 250}),
    "shifted matroska": ([3.01 + s for s in _VARIABLE], {"suffix": ".mkv", "b_frames": 2}),
}


DECODERS = {"decord": DecordReader, "pyav": PyavReader}


def _write(kind: str, folder: Path) -> tuple[Path, list[float]]:
    starts, options = KINDS[kind]
    options = dict(options)
    path = folder / f"x{options.pop('suffix', '.mp4')}"
    return write_raw(path, starts, **options), starts


def _times(starts: list[float]) -> list[float]:
    """Moments all over a video, where frames begin and between, before it and after."""
    length = starts[-1] - starts[0]
    between = np.random.default_rng(1).uniform(0, length, 40)
    begun = [starts[i] - starts[0] for i in (1, 17, 101)]
    return [0.0, length, length + 5, -1.0, *between.tolist(), *begun]


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("kind", KINDS)
def test_reads_the_frame_on_screen(kind, decoder, tmp_path):
    path, starts = _write(kind, tmp_path)
    times, length = _times(starts), starts[-1] - starts[0]
    frames, realised = map_opened(DECODERS[decoder](path), times, lambda frame: frame)
    expected = _expected(starts, times)
    assert frame_numbers(np.stack(frames)) == expected
    np.testing.assert_allclose(realised, [starts[i] - starts[0] for i in expected], atol=1e-3)
    info = describe(DECODERS[decoder](path), path)
    assert info.frames == len(starts) and info.variable == (
        "variable" in kind or "matroska" in kind
    )
    assert info.duration == pytest.approx(length + 0.04, abs=0.35 if info.variable else 0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_decoders_return_the_same_frames_for_the_same_times(kind, tmp_path):
    path, starts = _write(kind, tmp_path)
    frames, times = map_opened(DecordReader(path), _times(starts), lambda frame: frame)
    others, other_times = map_opened(PyavReader(path), _times(starts), lambda frame: frame)
    np.testing.assert_allclose(times, other_times, atol=1e-3)
    np.testing.assert_array_equal(frames, others)
    one, other = describe(DecordReader(path), path), describe(PyavReader(path), path)
    # Containers give no end of the last frame that both would read alike.
    assert one.duration == pytest.approx(other.duration, abs=1 / 25)
    assert (one.frames, one.width, one.height, one.variable) == (
        other.frames, other.width, other.height, other.variable,
    )  # fmt: skip


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_decoders_turn_a_picture_upright_alike(turned, tmp_path):
    path = write_raw(tmp_path / "x.mp4", _CONSTANT[:20], turned=turned)
    (frame,), _ = map_opened(DecordReader(path), [0.4], lambda frame: frame)
    (other,), _ = map_opened(PyavReader(path), [0.4], lambda frame: frame)
    np.testing.assert_array_equal(frame, other)
    plain, _ = read_frames(write_raw(tmp_path / "y.mp4", _CONSTANT[:20]), [0.4])
    assert np.array_equal(frame, plain[0]) == (turned == 0)


AV1 = {"codec": "libsvtav1", "encoder": {"preset": "12", "svtav1-params": "lp=1"}}


@pytest.mark.parametrize(
    "starts", [_CONSTANT[:80], _VARIABLE[:80], [7.3 + s for s in _VARIABLE[:80]]]
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_av1_is_read_with_the_other_decoder(suffix, starts, tmp_path):
    path = write_raw(tmp_path / f"x{suffix}", starts, size=64, gop=30, **AV1)
    times = [t for t in _times(starts + [starts[-1]] * 22) if t <= starts[-1]]
    frames, realised = read_frames(path, times)
    expected = _expected(starts, times)
    assert frame_numbers(frames) == expected
    np.testing.assert_allclose(realised, [starts[i] - starts[0] for i in expected], atol=1e-3)
    assert probe(path).decoder == "pyav"


@pytest.mark.parametrize("kind", ["b-frames", "gop 250", "shifted start", "shifted variable"])
def test_transport_streams_are_read_with_the_other_decoder(kind, tmp_path):
    starts, options = KINDS[kind]
    path = write_raw(tmp_path / "x.ts", starts, **options)
    frames, _ = read_frames(path, _times(starts))
    assert frame_numbers(frames) == _expected(starts, _times(starts))
    assert probe(path).decoder == "pyav"


def test_probe_counts_frames_whatever_the_header_says(tmp_path):
    info = probe(write_raw(tmp_path / "x.mp4", [1 + i / 25 for i in range(75)], b_frames=2))
    assert (info.frames, info.width, info.height) == (75, 32, 32)
    assert info.duration == pytest.approx(3.0, abs=0.05)
    assert info.fps == pytest.approx(25, rel=0.02)


@pytest.mark.parametrize("fps", [6, 15, Fraction(30_000, 1001)])
def test_written_frames_are_read_back(fps, tmp_path):
    write_video(tmp_path / "x.mp4", (numbered_frame(i) for i in range(40)), fps)
    assert probe(tmp_path / "x.mp4").duration == pytest.approx(40 / fps, abs=2e-3)
    frames, realised = read_frames(tmp_path / "x.mp4", [float(i / fps) for i in range(40)])
    assert frame_numbers(frames) == list(range(40))
    np.testing.assert_allclose(realised, [float(i / fps) for i in range(40)], atol=2e-3)


def test_a_minute_is_exact_everywhere(tmp_path):
    write_video(tmp_path / "x.mp4", (numbered_frame(i) for i in range(600)), 10, gop=250)
    times = np.random.default_rng(0).uniform(0, 60, 64)
    frames, _ = read_frames(tmp_path / "x.mp4", times)
    assert frame_numbers(frames) == [int(t * 10 + 1e-2) for t in times]


def test_colours_do_not_bleed(tmp_path):
    frame = np.zeros((32, 32, 3), np.uint8)
    frame[8:14, 8:14], frame[8:14, 14:20] = (230, 30, 30), (30, 30, 230)
    write_video(tmp_path / "x.mp4", [frame] * 12, 6)
    read, _ = read_frames(tmp_path / "x.mp4", [1.0])
    assert np.abs(read[0].astype(int) - frame).mean() < 4
    assert np.abs(read[0, 10, 13].astype(int) - (230, 30, 30)).max() < 40


def test_writing_leaves_nothing_behind_when_it_fails(tmp_path):
    def frames():
        yield numbered_frame(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "x.mp4", frames(), 8)
    with pytest.raises(ValueError, match="at least one frame"):
        write_video(tmp_path / "x.mp4", [], 8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("codec", "encoder"),
    [
        ("libx264", {"x264-params": "open-gop=1:bframes=3:b-pyramid=normal:scenecut=0"}),
        ("libx265", {"x265-params": "log-level=none"}),
    ],
)
def test_open_groups_of_pictures_give_the_frame_on_screen(tmp_path, codec, encoder):
    """decord takes frames up to three too late behind their key frames, if it is asked."""
    if codec not in av.codecs_available:
        pytest.skip(f"no encoder {codec}")
    starts = [number / 10 for number in range(60)]
    path = write_raw(tmp_path / "open.mp4", starts, size=64, codec=codec, encoder=encoder)
    frames, realised = read_frames(path, starts[::5])
    assert frame_numbers(frames) == list(range(0, 60, 5))
    assert realised == pytest.approx(starts[::5], abs=1e-3)


def test_pictures_made_up_for_lost_data_are_no_frames(tmp_path):
    """A damaged key frame spoils what is predicted from it, and nothing else."""
    path = write_raw(tmp_path / "x.ts", [number / 10 for number in range(60)], size=64)
    with av.open(str(path)) as container:
        third = [p for p in container.demux(video=0) if p.is_keyframe][2]
        at = third.pos + 120
    content = bytearray(path.read_bytes())
    content[at : at + 60] = bytes(60)
    path.write_bytes(content)
    for time in (2.4, 2.5):
        with pytest.raises(MediaError, match="cannot be decoded"):
            read_frames(path, [time])
    assert frame_numbers(read_frames(path, [2.3, 3.6, 5.9])[0]) == [23, 36, 59]


def test_times_that_cannot_be_are_damage(tmp_path):
    starts = [number / 10 for number in range(60)]
    whole = write_raw(tmp_path / "x.mkv", starts, size=64, gop=250).read_bytes()
    for share in range(5, 95, 5):
        path = tmp_path / f"{share}.mkv"
        path.write_bytes(whole[: len(whole) * share // 100])
        try:
            assert 0 < probe(path).duration <= 6.1
        except MediaError as error:
            assert str(path) in str(error)


def test_a_broken_file_is_one_line_that_says_what_is_wrong(tmp_path):
    for name, (path, fault) in broken_videos(tmp_path).items():
        for attempt in (probe, lambda path: read_frames(path, [0.0])):
            with pytest.raises(MediaError) as caught:
                attempt(path)
            assert str(caught.value).startswith(f"{path}: "), name
            assert "\n" not in str(caught.value) and str(caught.value).count(str(path)) == 1
            assert isinstance(caught.value, ValueError)
            # What is absurd is only told by whoever looks at headers first: the check.
            assert caught.value.fault is fault or fault is Fault.TOO_LARGE, name


def test_absurd_dimensions_are_refused_before_any_frame_is_decoded(tmp_path):
    path, _ = broken_videos(tmp_path)["absurd dimensions"]
    with pytest.raises(MediaError, match=r"12,000 x 12,000 pixels, more than") as caught:
        check_header(path)
    assert caught.value.fault is Fault.TOO_LARGE
    check_header(tmp_path / "whole.mp4")


def test_a_header_that_lies_about_the_duration_is_not_believed(tmp_path):
    path = long_header(tmp_path / "x.mkv")
    assert probe(path).duration == pytest.approx(3.0, abs=0.05)
    assert frame_numbers(read_frames(path, [1.0, 3000.0])[0]) == [25, 74]


def test_damaged_data_is_an_error_or_frames_never_a_hang(tmp_path):
    path = write_raw(tmp_path / "whole.mp4", _CONSTANT, options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(cut_short(path))
    with pytest.raises(MediaError):
        read_frames(cut, [10.0])


def test_where_decord_stumbles_the_other_decoder_goes_on(tmp_path, monkeypatch):
    path, starts = _write("shifted variable", tmp_path)
    times = _times(starts)
    expected, begun = read_frames(path, times)
    decode, asked = DecordReader.frames, []

    def stumble(self, indices):
        asked.append(indices)
        if len(asked) > 5:
            raise MediaError(path, "stumbled over what comes later")
        return decode(self, indices)

    monkeypatch.setattr(DecordReader, "frames", stumble)
    frames, realised = read_frames(path, times)
    assert len(asked) == 6
    np.testing.assert_array_equal(frames, expected)
    np.testing.assert_allclose(realised, begun, atol=1e-3)


def test_damage_is_told_whatever_the_load(tmp_path):
    path = write_raw(tmp_path / "x.mp4", [i / 10 for i in range(600)], gop=10, size=64)
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 1000] = Random(0).randbytes(1000)
    path.write_bytes(content)
    with pytest.raises(MediaError):
        map_opened(PyavReader(path), [i / 10 for i in range(600)], lambda frame: None)
    assert frame_numbers(read_frames(path, [0.0, 1.0, 50.0, 59.9])[0]) == [0, 10, 500, 599]


def test_media_errors_cross_processes():
    error = pickle.loads(pickle.dumps(MediaError("a.mp4", "two\nlines")))
    assert str(error) == "a.mp4: two lines"


def _numbers(path: Path) -> list[int]:
    return frame_numbers(read_frames(path, [0.5, 2.0])[0])


def test_reads_after_a_fork(tmp_path):
    path = tmp_path / "x.mp4"
    write_video(path, (numbered_frame(i) for i in range(40)), 10)
    here = _numbers(path)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map_async(_numbers, [path]).get(timeout=20) == [here]
    assert here == [5, 20]
