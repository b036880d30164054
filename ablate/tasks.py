"""What a benchmark's scores mean: direction, chance level and the key that clusters its questions.

Standard library only; the analysis takes its knowledge of metrics from here.
"""

from dataclasses import dataclass

CATEGORIES = ("ocr", "egocentric", "spatial", "perception", "reasoning")
"""Question categories of ApolloBench (paper Sec. 2), kept by the built-in world."""

MEASURES = ("accuracy", "p_correct", "margin")
"""Per question: right or not; the right option's share of the probability; its lead."""

DURATION_GROUPS = (("short", 10.0), ("medium", 60.0), ("long", float("inf")))
"""Names and upper limits, in seconds."""


@dataclass(frozen=True)
class Task:
    """A multiple-choice benchmark."""

    name: str
    categories: tuple[str, ...]
    higher_is_better: bool = True
    cluster_key: str = "video_id"
    """Questions that share it are not independent."""

    @staticmethod
    def chance(options: int) -> float:
        """Accuracy of guessing among `options` options."""
        return 1 / options


WORLD = Task("world", CATEGORIES)


def duration_group(seconds: float) -> str:
    """Name of the duration group a video of `seconds` belongs to."""
    return next(name for name, limit in DURATION_GROUPS if seconds < limit)
