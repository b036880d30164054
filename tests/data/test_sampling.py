"""Sampling properties: rate inside clips, order, cap, spacing, scale."""

import math
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.axes import Fps, Uniform
from ablate.data.sampling import clip_count, clip_times, hits_cap

durations = st.floats(0.05, 4000)
fps_levels = st.builds(
    Fps, st.sampled_from([0.25, 0.5, 1, 1.6, 2, 3, 4, 30]), st.integers(1, 16), st.integers(1, 40)
)
uniform_levels = st.builds(
    lambda clips, size: Uniform(clips * size, size), st.integers(1, 20), st.integers(1, 16)
)
samplings = fps_levels | uniform_levels


@given(samplings, durations)
def test_times_lie_in_the_video_and_never_go_back(sampling, duration):
    clips = clip_times(sampling, duration)
    flat = [t for clip in clips for t in clip]
    assert all(0 <= t <= duration for t in flat)
    assert all(list(clip) == sorted(clip) for clip in clips)
    assert [clip[0] for clip in clips] == sorted(clip[0] for clip in clips)
    assert all(len(clip) == sampling.frames_per_clip for clip in clips)


@given(samplings, durations)
def test_count_agrees_and_keeps_the_cap(sampling, duration):
    assert len(clip_times(sampling, duration)) == clip_count(sampling, duration)
    assert 1 <= clip_count(sampling, duration) <= sampling.max_clips


@given(fps_levels, durations)
def test_frames_of_a_clip_keep_their_rate(sampling, duration):
    for clip in clip_times(sampling, duration):
        for index, time in enumerate(clip):
            wanted = clip[0] + index / sampling.fps
            assert time == pytest.approx(min(wanted, duration), abs=1e-6)


@given(fps_levels, durations)
def test_clips_are_consecutive_until_the_cap_then_even(sampling, duration):
    starts = [clip[0] for clip in clip_times(sampling, duration)]
    gaps = [b - a for a, b in pairwise(starts)]
    if not hits_cap(sampling, duration):
        assert starts[0] == 0
        assert gaps == pytest.approx([sampling.clip_seconds] * len(gaps))
        end = len(starts) * sampling.clip_seconds
        assert end >= duration * (1 - 1e-5)  # the whole video is covered
        assert starts[-1] < duration  # by clips that all begin inside it
    else:
        assert len(starts) == sampling.max_clips
        assert gaps == pytest.approx([duration / len(starts)] * len(gaps))
        rest = duration - (starts[-1] + sampling.clip_seconds)
        assert starts[0] == pytest.approx(rest, abs=1e-6)  # as much before as after
        assert all(gap >= sampling.clip_seconds * (1 - 1e-6) for gap in gaps)


@given(fps_levels)
def test_the_two_rules_meet_at_the_cap(sampling):
    full = sampling.max_clips * sampling.clip_seconds
    fitting, capped = clip_times(sampling, full), clip_times(sampling, full * (1 + 1e-4))
    assert not hits_cap(sampling, full)
    assert hits_cap(sampling, full * (1 + 1e-4))
    for a, b in zip(fitting, capped, strict=True):
        assert a == pytest.approx(b, abs=1e-3 * full)


@given(uniform_levels, durations)
def test_uniform_frames_are_even_and_symmetric(sampling, duration):
    flat = [t for clip in clip_times(sampling, duration) for t in clip]
    assert len(flat) == sampling.frames
    part = duration / sampling.frames
    assert flat == pytest.approx([(i + 0.5) * part for i in range(len(flat))])
    assert flat == pytest.approx([duration - t for t in reversed(flat)], abs=1e-6)
    assert not hits_cap(sampling, duration)


@given(uniform_levels, durations, st.integers(1, 16))
def test_uniform_times_do_not_depend_on_the_grouping(sampling, duration, size):
    other = Uniform(sampling.frames * size, size)
    one = Uniform(sampling.frames * size, 1)
    assert sum(clip_times(other, duration), ()) == sum(clip_times(one, duration), ())


@given(samplings, durations, st.sampled_from([0.5, 2.0, 4.0]))
def test_slow_motion_scales_the_times(sampling, duration, scale):
    slowed = sampling
    if isinstance(sampling, Fps):
        slowed = Fps(sampling.fps / scale, sampling.frames_per_clip, sampling.max_clips)
    for a, b in zip(
        clip_times(sampling, duration), clip_times(slowed, duration * scale), strict=True
    ):
        assert [t * scale for t in a] == pytest.approx(list(b))


@given(fps_levels, st.floats(0.001, 1))
def test_a_short_video_is_one_whole_clip(sampling, share):
    duration = sampling.clip_seconds * share
    (clip,) = clip_times(sampling, duration)
    assert len(clip) == sampling.frames_per_clip
    assert clip[0] == 0


def test_golden():
    assert clip_times(Uniform(8, 4), 60) == (
        (3.75, 11.25, 18.75, 26.25),
        (33.75, 41.25, 48.75, 56.25),
    )
    assert clip_times(Fps(2, 4, 2), 3) == ((0, 0.5, 1, 1.5), (2, 2.5, 3, 3))
    assert clip_times(Fps(2, 4, 2), 60) == ((14, 14.5, 15, 15.5), (44, 44.5, 45, 45.5))
    assert clip_count(Fps(2, 4, 25), 4.2 - 0.2) == 2


@pytest.mark.parametrize("duration", [0, -1.0, math.inf, math.nan])
def test_no_duration_is_an_error(duration):
    for sampling in (Uniform(8), Fps(2, 4, 2)):
        with pytest.raises(ValueError, match="duration must be a positive"):
            clip_times(sampling, duration)


def test_needs_neither_torch_nor_numpy():
    code = "import sys, ablate.data.sampling; print({'torch', 'numpy', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
