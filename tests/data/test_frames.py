"""Footage as pixels: clips, pictures, preparing, and what is kept."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ablate.axes import Fps, Tower, Uniform
from ablate.data.cache import ArrayCache
from ablate.data.faults import MediaError
from ablate.data.frames import Footage, FrameReader, View, footage_of, prepare, view_of
from ablate.data.sources import Media
from ablate.data.video import write_video
from ablate.towers import tower_shape
from tests.data.videos import frame_numbers, numbered_frame

SMALL, LARGE = View(32, (1, 2, 3)), View(96, (127, 127, 127))


@pytest.fixture
def reader(tmp_path):
    return FrameReader(ArrayCache(tmp_path / "cache"))


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "x.mp4", (numbered_frame(i) for i in range(80)), 8)
    return Media(tmp_path / "x.mp4", "print/x.mp4", 10.0)


@pytest.fixture
def pictures(tmp_path):
    media = []
    for name, colour in (("a", (255, 0, 0)), ("b", (0, 0, 255))):
        Image.new("RGB", (32, 32), colour).save(tmp_path / f"{name}.png")
        media.append(Media(tmp_path / f"{name}.png", f"print/{name}.png"))
    return tuple(media)


def _numbers(pixels):
    """Frame numbers of (C, F, 3, S, S)."""
    return [frame_numbers(clip.transpose(0, 2, 3, 1)) for clip in pixels]


@pytest.mark.parametrize("duration", [10.0, None])
def test_clips_of_a_video(duration, video, reader):
    footage = footage_of("video", (replace(video, duration=duration),), Fps(2, 4, 2))
    assert footage.clips == 2
    assert footage.duration == pytest.approx(10.0)
    (pixels,) = reader.pixels(footage, [SMALL])
    assert pixels.shape == (2, 4, 3, 32, 32) and pixels.dtype == np.uint8
    # Spaced clips in the middles of two halves: 1.5 s and 6.5 s, half a second between frames.
    assert _numbers(pixels) == [[12, 16, 20, 24], [52, 56, 60, 64]]
    times = reader.times(footage)
    np.testing.assert_allclose(times, [[1.5, 2.0, 2.5, 3.0], [6.5, 7.0, 7.5, 8.0]], atol=1e-3)


def test_realised_times_are_the_frames_own(video, reader):
    footage = footage_of("video", (video,), Uniform(4, 4))  # 1.25, 3.75, 6.25, 8.75
    assert _numbers(reader.pixels(footage, [SMALL])[0]) == [[10, 30, 50, 70]]
    odd = footage_of("video", (replace(video, duration=10.2),), Uniform(4, 4))
    times = reader.times(odd)
    assert times is not None
    assert times.tolist()[0] == pytest.approx([1.25, 3.75, 6.375, 8.875], abs=1e-3)


def test_small_frames_are_decoded_once_and_large_ones_each_time(video, reader, tmp_path):
    footage = footage_of("video", (video,), Fps(2, 4, 2))
    first = reader.pixels(footage, [SMALL, LARGE])
    times = reader.times(footage)
    video.path.unlink()
    again = FrameReader(ArrayCache(tmp_path / "cache"))
    np.testing.assert_array_equal(again.pixels(footage, [SMALL])[0], first[0])
    np.testing.assert_array_equal(again.times(footage), times)
    with pytest.raises(MediaError, match="no such file"):
        again.pixels(footage, [LARGE])


def test_several_videos_share_the_clips_of_one(video, reader, tmp_path):
    write_video(tmp_path / "y.mp4", (numbered_frame(100 + i) for i in range(16)), 8)
    other = Media(tmp_path / "y.mp4", "print/y.mp4")
    footage = footage_of("video", (video, other), Fps(2, 4, 2))
    assert footage.clips == 2 and footage.duration == pytest.approx(12.0)
    (pixels,) = reader.pixels(footage, [SMALL])
    assert _numbers(pixels) == [[32, 36, 40, 44], [100, 104, 108, 112]]
    times = reader.times(footage)
    np.testing.assert_allclose(times, [[4.0, 4.5, 5.0, 5.5], [0.0, 0.5, 1.0, 1.5]], atol=1e-3)
    parts = list(footage.by_video(times))
    assert [seconds for seconds, *_ in parts] == pytest.approx([10.0, 2.0])
    assert [realised.shape for *_, realised in parts] == [(1, 4), (1, 4)]
    three = footage_of("video", (video, other, video), Fps(2, 4, 8))
    assert [len(clips) for clips in three.times] == [2, 1, 2]


def test_times_alone_decode(video, reader):
    assert reader.times(footage_of("video", (video,), Fps(2, 4, 1))).shape == (1, 4)


def test_pictures_are_clips_of_equal_frames(pictures, reader):
    footage = footage_of("multi_image", pictures, Fps(2, 4, 2))
    assert footage.clips == 2
    assert reader.times(footage) is None
    small, large = reader.pixels(footage, [SMALL, LARGE])
    assert small.shape == (2, 4, 3, 32, 32) and large.shape == (2, 4, 3, 96, 96)
    assert small[0, :, 0].min() == 255 and small[1, :, 2].min() == 255
    assert (small == small[:, :1]).all()
    (one,) = reader.pixels(footage_of("image", pictures[:1], Uniform(8, 4)), [SMALL])
    assert one.shape == (1, 4, 3, 32, 32)


def test_text_has_no_clips(reader):
    footage = footage_of("text", (), Uniform(8, 4))
    assert footage.clips == 0
    assert reader.pixels(footage, [SMALL])[0].shape == (0, 4, 3, 32, 32)
    assert reader.times(footage) is None


def test_keys_say_file_times_and_frames(pictures, video):
    sampling = Fps(2, 4, 2)
    footages = [
        footage_of("video", (video,), sampling),
        footage_of("video", (replace(video, duration=9.0),), sampling),
        footage_of("video", (video,), Fps(2, 4, 3)),
        footage_of("video", (replace(video, key="other/x.mp4"),), sampling),
        footage_of("video", (video, video), sampling),
        footage_of("video", (video, replace(video, key="other/x.mp4")), sampling),
        footage_of("image", pictures[:1], sampling),
        footage_of("image", pictures[:1], Fps(2, 8, 2)),
        footage_of("multi_image", pictures, sampling),
        footage_of("multi_image", pictures[::-1], sampling),
    ]
    assert len({footage.key for footage in footages}) == len(footages)
    moved = replace(video, path=video.path.with_name("elsewhere.mp4"))
    assert footage_of("video", (moved,), sampling).key == footages[0].key


def test_preparing_leaves_a_fitting_frame_alone():
    frame = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(prepare(frame, SMALL), frame.transpose(2, 0, 1))


@pytest.mark.parametrize(("height", "width"), [(20, 40), (40, 20), (64, 128), (1, 90), (7, 7)])
def test_preparing_fits_and_fills(height, width):
    frame = np.full((height, width, 3), 200, np.uint8)
    square = prepare(frame, SMALL)
    assert square.shape == (3, 32, 32)
    shown = (square == 200).all(axis=0)
    filled = (square == np.array(SMALL.fill)[:, None, None]).all(axis=0)
    assert (shown | filled).all()
    rows, columns = shown.any(axis=1).sum(), shown.any(axis=0).sum()
    assert max(rows, columns) == 32
    assert min(rows, columns) == max(1, round(32 * min(height, width) / max(height, width)))
    assert np.abs(np.argwhere(shown).mean(axis=0) - 15.5).max() <= 0.5  # in the middle


def test_the_view_is_the_towers_own():
    assert view_of(tower_shape(Tower.SIGLIP, tiny=False)) == View(384, (128, 128, 128))
    assert view_of(tower_shape(Tower.DINOV2, tiny=False)).fill == (124, 116, 104)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n", None, "half"])
def test_a_broken_picture_is_one_line(content, pictures, reader):
    path = pictures[0].path
    whole = path.read_bytes()
    if content is None:
        path.unlink()
    else:
        path.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(MediaError) as caught:
        reader.pixels(Footage(pictures, 4, None), [SMALL])
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)
