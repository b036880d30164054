"""The frame that is read is the one on screen at that time."""

import multiprocessing
import pickle
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ablate.data.video import MediaError, probe, read_frames, write_video
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


@pytest.mark.parametrize("kind", KINDS)
def test_reads_the_frame_on_screen(kind, tmp_path):
    starts, options = KINDS[kind]
    path = tmp_path / f"x{options.get('suffix', '.mp4')}"
    write_raw(path, starts, **{key: value for key, value in options.items() if key != "suffix"})
    length = starts[-1] - starts[0]
    rng = np.random.default_rng(1)
    times = [0.0, length, length + 5, -1.0, *rng.uniform(0, length, 40)]
    times += [starts[i] - starts[0] for i in (1, 17, 101)]  # exactly where a frame begins
    frames, realised = read_frames(path, times)
    expected = _expected(starts, times)
    assert frame_numbers(frames) == expected
    np.testing.assert_allclose(realised, [starts[i] - starts[0] for i in expected], atol=1e-3)


def test_streams_without_an_index_are_refused(tmp_path):
    path = write_raw(tmp_path / "x.ts", _CONSTANT, b_frames=2)
    with pytest.raises(MediaError, match=r"x\.ts: an MPEG transport stream.*remux it to mp4"):
        read_frames(path, [0.0])


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


def _broken(folder: Path) -> dict[str, Path]:
    whole = folder / "whole.mp4"
    write_video(whole, (numbered_frame(i) for i in range(60)), 10)
    data = whole.read_bytes()
    contents = {
        "empty": b"",
        "text": b"not a video\n" * 50,
        "truncated": data[: len(data) // 2],
        "zeros": bytes(5000),
    }
    for name, content in contents.items():
        (folder / f"{name}.mp4").write_bytes(content)
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        quiet = np.zeros((1, 1024), np.float32)
        silence = av.AudioFrame.from_ndarray(quiet, format="fltp", layout="mono")
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return {name: folder / f"{name}.mp4" for name in (*contents, "sound", "missing")}


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "zeros", "sound", "missing"])
def test_a_broken_file_is_one_line(kind, tmp_path):
    path = _broken(tmp_path)[kind]
    for attempt in (lambda: probe(path), lambda: read_frames(path, [0.0])):
        with pytest.raises(MediaError) as caught:
            attempt()
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, ValueError)


def test_damaged_data_is_an_error_or_frames_never_a_hang(tmp_path):
    path = write_raw(tmp_path / "whole.mp4", _CONSTANT, options={"movflags": "faststart"})
    data = bytearray(path.read_bytes())
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: int(len(data) * 0.7)])
    with pytest.raises(MediaError):
        read_frames(cut, [10.0])


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
