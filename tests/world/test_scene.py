"""What a scene says of itself is what its pixels show."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.world import pixels
from ablate.world.scene import (
    BALL_SPEED,
    SHORTEST_FLASH,
    Scene,
    motion_phrases,
    phrases,
    render,
    sample_scene,
)
from ablate.world.vocabulary import COLOURS, CORNERS, DIGITS, DIRECTIONS

AXIS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
SEEDS = st.integers(0, 10_000)


def scene_of(seed: int, duration: float = 8.0) -> Scene:
    return sample_scene(np.random.default_rng(seed), duration)


@given(SEEDS, st.floats(2.0, 600.0))
def test_same_seed_same_scene(seed: int, duration: float) -> None:
    assert scene_of(seed, duration) == scene_of(seed, duration)
    assert scene_of(seed, duration) != scene_of(seed + 1, duration)


@given(SEEDS, st.lists(st.floats(0, 7.99), min_size=1, max_size=80))
def test_a_frame_depends_on_its_own_time_only(seed: int, times: list[float]) -> None:
    frames = render(scene_of(seed), times)
    assert frames.shape == (len(times), 32, 32, 3) and frames.dtype == np.uint8
    k = len(times) // 2
    assert np.array_equal(frames[k], render(scene_of(seed), [times[k]])[0])


def test_too_short_a_scene_is_refused() -> None:
    with pytest.raises(ValueError, match=r"duration 1\.5 s"):
        scene_of(0, 1.5)


@given(SEEDS, st.floats(2.0, 600.0))
def test_flashes_are_brief_apart_and_inside(seed: int, duration: float) -> None:
    scene = scene_of(seed, duration)
    assert 1 <= len(scene.flashes) <= 4
    assert len({flash.colour for flash in scene.flashes}) == len(scene.flashes)
    edges = [edge for flash in scene.flashes for edge in (flash.start, flash.end)]
    assert edges == pytest.approx(sorted(edges))
    assert edges[0] >= -1e-9 and edges[-1] <= duration + 1e-9
    for flash in scene.flashes:
        assert SHORTEST_FLASH - 1e-9 <= flash.end - flash.start <= max(0.5, duration / 8) + 1e-9


@given(SEEDS, st.floats(4.0, 600.0))
def test_eight_frames_in_the_middles_see_every_flash_once(seed: int, duration: float) -> None:
    scene = scene_of(seed, duration)
    seen = [scene.flash_at((k + 0.5) * duration / 8) for k in range(8)]
    assert [colour for colour in seen if colour] == [flash.colour for flash in scene.flashes]


@given(SEEDS, st.floats(0, 7.99))
def test_the_border_has_the_colour_of_the_flash(seed: int, time: float) -> None:
    scene = scene_of(seed)
    corner = tuple(int(value) for value in render(scene, [time])[0, 0, 31])
    colour = scene.flash_at(time)
    assert corner == pixels.RGB[colour] if colour else corner not in pixels.RGB.values()


def quiet(scene: Scene) -> Scene:
    """Without flashes, and with the ball in the middle row of the frame for a moment."""
    ball = replace(scene.ball, direction="right", phase=0.5, lane=0.5, speed=1.0)
    return replace(scene, flashes=(), cause=None, ball=ball)


@given(SEEDS)
def test_things_lie_in_their_corners(seed: int) -> None:
    scene = quiet(scene_of(seed))
    frame = render(scene, [0.0])[0].astype(int)
    for k, (corner, thing) in enumerate(zip(CORNERS, scene.things, strict=True)):
        assert thing.corner == corner
        rows, columns = (
            slice(16 * (k // 2), 16 * (k // 2) + 16),
            slice(16 * (k % 2), 16 * (k % 2) + 16),
        )
        quarter = frame[rows, columns]
        painted = {
            colour: int((quarter == pixels.RGB[colour]).all(axis=-1).sum()) for colour in COLOURS
        }
        assert [colour for colour, count in painted.items() if count > 20] == (
            [thing.colour] if thing.colour else []
        )
        assert ((quarter == 0).all(axis=-1).sum() > 20) == (thing.shape == "sign")


@given(SEEDS, st.floats(0, 7.99))
def test_the_sign_shows_the_digit_of_its_third(seed: int, time: float) -> None:
    scene = scene_of(seed)
    assert len(set(scene.digits)) == 3
    assert scene.digit_at(time) == scene.digits[int(time / 8 * 3)]
    shown = render(quiet(scene), [time])
    alone = [render(replace(quiet(scene), digits=(digit,)), [time]) for digit in DIGITS]
    same = [np.array_equal(shown, other) for other in alone]
    assert [digit for digit, hit in zip(DIGITS, same, strict=True) if hit] == [scene.digit_at(time)]


@given(SEEDS, st.floats(0, 7.0))
def test_the_ball_is_where_its_sweep_says_and_stays_inside(seed: int, time: float) -> None:
    scene = replace(scene_of(seed), flashes=(), cause=None)
    elsewhere = replace(scene, ball=replace(scene.ball, lane=(scene.ball.lane + 0.5) % 1))
    changed = (render(scene, [time])[0] != render(elsewhere, [time])[0]).any(axis=-1)
    column, row = (float(c[0]) for c in scene.ball.centres(np.array([time])))
    assert 5.5 <= column <= 26.5 and 5.5 <= row <= 26.5
    frame = render(scene, [time])[0]
    assert tuple(frame[int(row), int(column)]) == (255, 255, 255)
    rows, columns = np.nonzero(changed)
    near = np.hypot(rows + 0.5 - row, columns + 0.5 - column) < 5
    assert near.sum() > 10  # the ball itself, less what was white anyway


@given(SEEDS)
def test_the_ball_moves_in_its_direction_at_its_speed(seed: int) -> None:
    ball = scene_of(seed).ball
    times = np.arange(0, 20, 0.01)
    moved = np.stack(ball.centres(times + 0.01)) - np.stack(ball.centres(times))
    usual = np.median(moved, axis=1) / 0.01
    assert usual == pytest.approx(np.array(AXIS[ball.direction]) * ball.speed, abs=1e-6)


@given(SEEDS, st.sampled_from(DIRECTIONS))
def test_the_tiles_scroll_against_the_turn(seed: int, direction: str) -> None:
    scene = scene_of(seed)
    scene = replace(scene, tiles=replace(scene.tiles, direction=direction, speed=4.0))
    early, late = (
        pixels.floor(*scene.tiles.corners(np.array([time])), scene.shade)[0] for time in (1.0, 1.5)
    )
    right, down = (2 * step for step in AXIS[direction])
    moved = np.roll(early, (down, right), axis=(0, 1))
    assert np.allclose(moved[2:-2, 2:-2], late[2:-2, 2:-2], atol=1e-2)
    assert np.subtract(AXIS[scene.turn], 0).tolist() == [-right // 2, -down // 2]


def test_places_without_their_order_tell_no_direction() -> None:
    places: dict[str, list[tuple[float, float]]] = {direction: [] for direction in DIRECTIONS}
    for seed in range(1200):
        ball = scene_of(seed).ball
        for time in np.random.default_rng(seed).uniform(0, 600, 4):
            column, row = ball.centres(np.array([time]))
            places[ball.direction].append((float(column[0]), float(row[0])))
    for spots in places.values():
        # Uniform over 21 pixels: mean 16, standard deviation 6.06; four standard errors.
        assert np.mean(spots, axis=0) == pytest.approx((16, 16), abs=4 * 6.06 / len(spots) ** 0.5)
        assert np.std(spots, axis=0) == pytest.approx((6.06, 6.06), abs=0.4)


def test_phrases_are_true() -> None:
    scene = scene_of(3)
    told = phrases(scene, 1.0)
    for thing in scene.things:
        name = (
            f"sign {scene.digit_at(1.0)}"
            if thing.colour is None
            else f"{thing.colour} {thing.shape}"
        )
        assert f"{name} {thing.corner}" in told
    assert f"{scene.flash_at(1.0) or 'no'} flash" in told
    parked = replace(
        quiet(scene), ball=replace(scene.ball, direction="right", phase=0.0, lane=0.99, speed=0.1)
    )
    assert "ball southwest" in phrases(parked, 0.0)
    assert motion_phrases(scene) == (
        f"ball moves {scene.ball.direction}", f"ball is {scene.pace}", f"camera turns {scene.turn}",
    )  # fmt: skip
    assert scene.ball.speed == pytest.approx(BALL_SPEED[scene.pace], rel=0.1)
