"""The shipped towers: what they learned, and the pieces of their objectives."""

import json
import subprocess
import sys
from types import ModuleType

import pytest
import torch

from ablate.axes import Tower
from ablate.models.build import load_tower
from ablate.models.encoders import build_tower
from ablate.models.pretrain import footage, images, language, motion, narration, videos
from ablate.models.pretrain.loop import SPREAD_WEIGHT, spread_penalty
from ablate.models.pretrain.probe import accuracy, average, probe
from ablate.towers import TINY, weights_hash

# Points by which each sibling must beat its own fresh weights on held-out scenes.
MARGINS = {
    Tower.SIGLIP: {"colour": 0.10, "shape": 0.35, "digit": 0.35, "place": 0.05},
    Tower.DINOV2: {"shape": 0.10, "place": 0.05},
    Tower.VIDEOMAE: {"direction": 0.08, "turn": 0.35},
    Tower.INTERNVIDEO2: {"direction": 0.4, "turn": 0.5},
}


def report(tower: Tower) -> dict:
    return json.loads(TINY[tower].weights_path.with_suffix(".json").read_text())


@pytest.mark.parametrize("tower", TINY)
def test_the_report_is_about_the_shipped_weights(tower: Tower) -> None:
    told = report(tower)
    assert told["weights"] == weights_hash(tower)
    assert told["parameters"] == TINY[tower].parameters
    assert told["loss"][-1] < 0.9 * told["loss"][0]
    assert TINY[tower].weights_path.stat().st_size < 1_000_000


@pytest.mark.parametrize("tower", TINY)
def test_trained_towers_beat_fresh_ones(tower: Tower) -> None:
    told = report(tower)
    for question, margin in MARGINS[tower].items():
        assert told["probe"][question] >= told["probe_random"][question] + margin, question


@pytest.mark.slow
@pytest.mark.parametrize("tower", TINY)
def test_probes_can_be_measured_again(tower: Tower) -> None:
    """The stored weights are rounded to half precision after the report is made."""
    built = build_tower(TINY[tower]).eval()
    load_tower(built)
    assert probe(built) == pytest.approx(report(tower)["probe"], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("tower", TINY)
def test_the_command_begins_as_the_report_says(tower: Tower) -> None:
    """The code is the one that made the shipped weights; they are written at the end alone."""
    told = report(tower)
    command = [sys.executable, "-u", *told["command"].split()[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = next(line for line in running.stdout if "loss" in line)
        running.kill()
    assert f"of {told['steps']}:" in first
    # Of other processors only the first digits are the same.
    assert float(first.split()[-1]) == pytest.approx(told["loss"][0], rel=0.01)


def test_digits_are_read_off_the_language_supervised_tower() -> None:
    """A quick probe on scenes of its own: one matrix on four tokens a frame."""
    built = build_tower(TINY[Tower.SIGLIP]).eval()
    fresh = average(built(_stills().frames.unsqueeze(1)), 2).detach()
    load_tower(built)
    trained = average(built(_stills().frames.unsqueeze(1)), 2).detach()
    digits = [int(next(p for p in told if "sign" in p).split()[1]) for told in _stills().phrases]
    assert accuracy(trained, digits) > accuracy(fresh, digits) + 0.3


def _stills() -> footage.Stills:
    return footage.stills(range(5_000_000, 5_000_250))


def test_footage_is_repeatable_and_its_frames_differ() -> None:
    one, two = footage.clips(range(3), 4), footage.clips(range(3), 4)
    assert torch.equal(one.frames, two.frames) and one.frames.shape == (3, 4, 3, 32, 32)
    assert not torch.equal(footage.clips(range(3, 6), 4).frames, one.frames)


@pytest.mark.parametrize("tower", TINY)
def test_shipped_features_are_decorrelated(tower: Tower) -> None:
    """Their variance lies in nearly all directions alike: effective rank near the width."""
    built = build_tower(TINY[tower]).eval()
    load_tower(built)
    clips = footage.clips(range(6_000_000, 6_000_100), 4).frames
    with torch.inference_mode():
        variances = torch.linalg.eigvalsh(torch.cov(built(clips).flatten(0, -2).T))
    rank = variances.sum() ** 2 / variances.square().sum()
    assert rank > 0.8 * TINY[tower].hidden


def test_the_spread_penalty_is_the_divergence_from_white_noise() -> None:
    torch.manual_seed(0)
    white = torch.randn(20_000, 4)
    assert spread_penalty(white) == pytest.approx(0, abs=1e-3)
    assert spread_penalty(white + 1) == pytest.approx(SPREAD_WEIGHT / 2, rel=0.05)
    turned = white @ torch.linalg.qr(torch.randn(4, 4)).Q
    assert spread_penalty(turned) == pytest.approx(0, abs=1e-3)
    twins = torch.cat([white[:, :2], white[:, :2] + 0.1 * white[:, 2:]], dim=1)
    assert spread_penalty(twins) > SPREAD_WEIGHT / 2


@pytest.mark.parametrize(
    ("tower", "objective"),
    [
        (Tower.SIGLIP, language),
        (Tower.DINOV2, images),
        (Tower.VIDEOMAE, videos),
        (Tower.INTERNVIDEO2, narration),
    ],
)
def test_pretraining_repeats_to_the_bit(
    tower: Tower, objective: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SCENES": 8, "BATCH": 4, "STEPS": 2}.items():
        monkeypatch.setattr(objective, name, value)

    def trained() -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        built = build_tower(TINY[tower]).train()
        objective.pretrain(built)
        return built.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_frames_of_a_clip_are_labelled_with_what_is_true_of_them() -> None:
    clips = [[("ball moves up", "no flash"), ("ball moves up", "red flash")]]
    labels = narration.truths(clips, ["ball moves up", "camera turns up", "no flash", "red flash"])
    assert labels.tolist() == [[[1, 0, 1, 0], [1, 0, 0, 1]]]


def test_a_clip_tells_pace_by_the_frame() -> None:
    """The same ball is called fast where its clip skips ahead."""
    scene = next(s for s in footage.clips(range(50), 4).scenes if s.pace == "slow")
    assert "ball is slow" in footage.motion_in(scene, 0.25, 0.0)
    assert "ball is fast" in footage.motion_in(scene, 2.0, 0.0)


def test_phrases_are_true_of_the_region_they_name() -> None:
    told = [("red ring northwest", "sign 4 southeast", "ball centre", "no flash")]
    vocabulary = language.phrases_by_region(told)
    things, moving, whole = vocabulary
    labels = language.truths(told[0], vocabulary)
    assert things == ["4", "red", "red ring", "ring", "sign", "sign 4"] and whole == ["no flash"]
    true = labels[0].bool()
    assert [things[k] for k in true[0].nonzero().flatten()] == ["red", "red ring", "ring"]
    assert [things[k] for k in true[3].nonzero().flatten()] == ["4", "sign", "sign 4"]
    assert not true[1:3].any() and labels[2].all()
    assert labels[1].nonzero().tolist() == [[4, moving.index("ball")]]


def test_regions_average_all_patches() -> None:
    quarters, ninths, whole = language.region_masks(8)
    for masks in (quarters, ninths, whole):
        torch.testing.assert_close(masks.sum(dim=(1, 2)), torch.ones(len(masks)))
    assert (quarters[1] > 0).nonzero().float().mean(dim=0).tolist() == [1.5, 5.5]  # north, east


def test_tubelets_cut_clips_as_the_tower_does() -> None:
    """The tower's own patch convolution equals a matrix on the tubelets."""
    tower = build_tower(TINY[Tower.VIDEOMAE])
    clips = torch.rand(2, 4, 3, 32, 32)
    flat = videos.tubelets(clips, 2, 8)  # (B, P, frames * 3 * 8 * 8)
    convolution = tower.embeddings.projection
    weight = convolution.weight.transpose(1, 2).flatten(1)  # (E, frames * 3 * 8 * 8)
    torch.testing.assert_close(
        flat @ weight.T + convolution.bias, tower.embeddings(clips), atol=1e-5, rtol=1e-5
    )


def test_pasted_clips_move_by_the_steps_they_tell() -> None:
    torch.manual_seed(0)
    still = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    clips = motion.displaced(still, torch.tensor([[2, 0], [0, -3]]), 3)
    assert torch.equal(clips[0, 2], still[0].roll(4, dims=2))
    assert torch.equal(clips[1, 1], still[1].roll(-3, dims=1))
    made = motion.moving_clips(still, 16, 4)
    assert made.clips.shape == (16, 4, 3, 32, 32) and made.shown.any(dim=(2, 3))[:, 1:3].all()
    axis = torch.arange(32.0)
    inside = [k for k in range(16) if not _touches_edge(made.shown[k])]
    assert len(inside) > 3
    for k in inside:
        centre = [
            torch.stack([(frame * axis).sum(), (frame.T * axis).sum()]) / frame.sum()
            for frame in made.shown[k].float()
        ]
        torch.testing.assert_close(centre[3] - centre[0], 3 * made.disc[k], atol=0.5, rtol=0)


def _touches_edge(shown: torch.Tensor) -> bool:
    inner = shown[:, 1:-1, 1:-1].flatten(1).sum(1)
    return bool((inner < shown.flatten(1).sum(1)).any() or (inner == 0).any())
