"""What a built-in dataset is made of, and its fingerprint: known before any file exists.

Standard library only, so that a plan can name its data without generating them.
"""

from dataclasses import asdict, dataclass
from typing import ClassVar

from ablate.spec import content_id

GENERATOR_VERSION = 3
"""Raised when the same recipe would make other files; part of every fingerprint."""


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
    version: int = GENERATOR_VERSION

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


def fingerprint(recipe: Recipe, split: str) -> str:
    """Hash of all that decides the files of `split`: `train` or `test`.

    The other split's counts do not enter: more test videos leave the training data as they are.

    Raises:
        ValueError: unknown split.
    """
    splits = ("train", "test")
    _position("split", split, splits)
    facts = {key: value for key, value in asdict(recipe).items() if key != "name"}
    test_videos = facts.pop("test_videos")
    if split == "test":
        facts = {"seed": recipe.seed, "version": recipe.version, "test_videos": test_videos}
    return content_id({"world": split, **facts})


def _position(what: str, value: str, choices: tuple[str, ...]) -> int:
    if value not in choices:
        raise ValueError(f"unknown {what} {value!r}; choose from {', '.join(choices)}")
    return choices.index(value)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "world", seed=2412, train_videos=1500, conversations_per_video=5,
            images=1600, image_sets=1200, texts=1200, test_videos=300,
        ),
        Recipe(
            "world-smoke", seed=10360, train_videos=60, conversations_per_video=4,
            images=40, image_sets=30, texts=30, test_videos=40,
        ),
    )
}  # fmt: skip
"""The datasets that come with the program, by name."""
