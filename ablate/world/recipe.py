"""What a built-in dataset is made of, and its fingerprint: known before any file exists.

Standard library only, so that a plan can name its data without generating them.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar

from ablate.spec import content_id

GENERATOR_VERSION = 4
"""Raised when the same recipe would make other files; part of every fingerprint."""
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Recipe:
    """Counts and seed of one dataset; its splits never share a random stream."""

    name: str
    seed: int
    train_videos: int
    conversations_per_video: int
    """Conversations about one training video, with different questions in different order."""
    images: int
    """Conversations about one picture."""
    image_sets: int
    """Conversations about two pictures."""
    texts: int
    """Conversations without any picture."""
    test_videos: int
    """Held-out videos; each is asked one question per category."""
    longest: float
    """Seconds to which longer videos are cut."""
    version: int = GENERATOR_VERSION

    DURATIONS: ClassVar[dict[str, tuple[tuple[float, float, float], ...]]] = {
        "train": ((0.72, 2, 20), (0.95, 20, 120), (1.0, 120, 600)),
        "test": ((0.4, 2, 10), (0.75, 10, 60), (1.0, 60, 600)),
    }
    """Cumulative share of the videos, shortest and longest in seconds; log-uniform in between."""
    SPLITS: ClassVar[tuple[str, ...]] = ("train", "test", "pretrain")
    MODALITIES: ClassVar[tuple[str, ...]] = ("video", "image", "image_set", "text")

    def entropy(self, split: str, modality: str, index: int) -> tuple[int, ...]:
        """Seed words of item `index`, for `numpy.random.default_rng`; disjoint between splits.

        Raises:
            ValueError: unknown split or modality; the message lists the choices.
        """
        return (
            self.version,
            self.seed,
            _position("split", split, self.SPLITS),
            _position("modality", modality, self.MODALITIES),
            index,
        )

    def seconds(self, split: str, index: int) -> float:
        """Duration of video `index`, but for the last part of a frame.

        Golden-ratio steps through the distribution keep its shares in every run of videos.

        Raises:
            ValueError: unknown split.
        """
        _position("split", split, tuple(self.DURATIONS))
        share, parts = (index + 0.5) * _GOLDEN % 1.0, self.DURATIONS[split]
        k = next(k for k, part in enumerate(parts) if share < part[0])
        below, (upto, shortest, longest) = parts[k - 1][0] if k else 0.0, parts[k]
        drawn = shortest * (longest / shortest) ** ((share - below) / (upto - below))
        return min(drawn, self.longest)


_TRAIN_COUNTS = ("train_videos", "conversations_per_video", "images", "image_sets", "texts")


def _position(what: str, value: str, choices: tuple[str, ...]) -> int:
    if value not in choices:
        raise ValueError(f"unknown {what} {value!r}; choose from {', '.join(choices)}")
    return choices.index(value)


def fingerprint(recipe: Recipe, split: str) -> str:
    """Hash of all that decides the files of `split`: `train` or `test`.

    The other split's counts do not enter: more test videos leave the training data as they are.

    Raises:
        ValueError: unknown split.
    """
    splits = ("train", "test")
    _position("split", split, splits)
    facts = asdict(recipe)
    elsewhere = ("test_videos",) if split == "train" else _TRAIN_COUNTS
    for name in ("name", *elsewhere):
        del facts[name]
    return content_id({"world": split, **facts})


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "world", seed=2412, train_videos=1500, conversations_per_video=5,
            images=1600, image_sets=1200, texts=1200, test_videos=300, longest=600,
        ),
        Recipe(
            "world-rehearsal", seed=60613, train_videos=8, conversations_per_video=2,
            images=8, image_sets=8, texts=8, test_videos=1, longest=75,
        ),
        Recipe(
            "world-probe", seed=20, train_videos=8, conversations_per_video=1,
            images=8, image_sets=8, texts=8, test_videos=8, longest=75,
        ),
        Recipe(
            "world-smoke", seed=10360, train_videos=60, conversations_per_video=4,
            images=40, image_sets=30, texts=30, test_videos=40, longest=75,
        ),
    )
}  # fmt: skip
"""The datasets that come with the program, by name."""
