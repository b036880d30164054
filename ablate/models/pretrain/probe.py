"""Linear probes: what can be read off frozen features with one matrix, on scenes never trained on.

Features are averaged over quarters of the frame, so that a probe sees as much as a connector of 4
tokens a frame gives.
"""

import torch
from torch.nn import functional

from ablate.models.encoders.tower import VisionTower
from ablate.models.pretrain import footage
from ablate.models.pretrain.language import NINTHS, QUARTERS
from ablate.world.vocabulary import COLOURS, DIGITS, DIRECTIONS, SHAPES

HELD_OUT = 1_000_000
"""First scene; pre-training uses lower numbers."""
STILL_SCENES, CLIP_SCENES, CLIP_FRAMES = 700, 2400, 4
TRAIN_SHARE = 0.75
RIDGE = 30.0
BLOCK = 200  # clips encoded at once


def probe(tower: VisionTower) -> dict[str, float]:
    """Held-out accuracy per question.

    Of stills: colour of a named shape, shape in a named corner, digit, place of the ball. Of clips:
    direction of the ball, turn of the camera.
    """
    stills = footage.stills(range(HELD_OUT, HELD_OUT + STILL_SCENES))
    # A video tower sees a still picture as a clip that stands still, as it sees images in training.
    repeats = tower.shape.tubelet
    features = encode(tower, stills.frames.unsqueeze(1).expand(-1, repeats, -1, -1, -1))
    quarters = average(features, 2)
    told = [[phrase.split() for phrase in phrases] for phrases in stills.phrases]
    colours = [accuracy(quarters, [_word(t, 1, s, 0, COLOURS) for t in told]) for s in SHAPES]
    things = [(*SHAPES, "sign").index(_thing(t, corner)) for t in told for corner in QUARTERS]
    clips = footage.clips(range(HELD_OUT, HELD_OUT + CLIP_SCENES), CLIP_FRAMES)
    moving = average(encode(tower, clips.frames), 2)
    return {
        "colour": round(sum(colours) / len(colours), 4),
        "shape": accuracy(quarters.unflatten(1, (4, -1)).flatten(0, 1), things),
        "digit": accuracy(quarters, [_word(t, 0, "sign", 1, DIGITS) for t in told]),
        "place": accuracy(quarters, [_word(t, 0, "ball", 1, NINTHS) for t in told]),
        "direction": accuracy(moving, [DIRECTIONS.index(s.ball.direction) for s in clips.scenes]),
        "turn": accuracy(moving, [DIRECTIONS.index(s.turn) for s in clips.scenes]),
    }


@torch.inference_mode()
def encode(tower: VisionTower, clips: torch.Tensor) -> torch.Tensor:
    """Features (N, T, H, W, E) of many clips (N, F, 3, S, S)."""
    return torch.cat([tower(block) for block in clips.split(BLOCK)])


def average(features: torch.Tensor, side: int) -> torch.Tensor:
    """Means over a side x side grid: (N, T, H, W, E) to (N, side * side * T * E), cells first."""
    x = functional.adaptive_avg_pool2d(features.flatten(0, 1).movedim(-1, 1), side)
    x = x.unflatten(0, features.shape[:2])  # (N, T, E, side, side)
    return x.permute(0, 3, 4, 1, 2).flatten(1)


def accuracy(features: torch.Tensor, answers: list[int]) -> float:
    """Share of held-out rows that ridge regression on one-hot answers gets right.

    Args:
        features: (N, D).
        answers: N class numbers, -1 where the question has no answer.
    """
    classes = torch.tensor(answers)
    x, y = features[classes >= 0].double(), classes[classes >= 0]
    cut = int(TRAIN_SHARE * len(y))
    x = (x - x[:cut].mean(dim=0)) / (x[:cut].std(dim=0) + 1e-4)
    x = functional.pad(x, (0, 1), value=1.0)
    seen, wanted = x[:cut], functional.one_hot(y[:cut]).double()
    normal = seen.T @ seen + RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
    guess = (x[cut:] @ torch.linalg.solve(normal, seen.T @ wanted)).argmax(dim=1)
    return round(float((guess == y[cut:]).double().mean()), 4)


def _word(
    told: list[list[str]], where: int, named: str, answer: int, choices: tuple[str, ...]
) -> int:
    """Class number of word `answer` of the phrase that has `named` at `where`; -1 if none has."""
    for words in told:
        if len(words) > max(where, answer) and words[where] == named:
            return choices.index(words[answer])
    return -1


def _thing(told: list[list[str]], corner: str) -> str:
    """Shape in a corner; a phrase of three words names a thing and its corner."""
    first, second = next(words[:2] for words in told if len(words) == 3 and words[2] == corner)
    return first if first == "sign" else second
