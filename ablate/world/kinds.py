"""The kinds of questions: what is asked, what is right, what else is offered, and how often.

Every kind is asked because some axis of a design decides whether it can be answered:

- ocr `first_digit last_digit`: strokes of two pixels, so tokens per frame; and a frame near
  either end.
- egocentric `turn`: the tiles of the floor repeat after less than three seconds, so frames that are
  close in time and a tower that compares them; far apart their motion reads as another one.
- spatial `sign`: every corner holds something, so more than one token per frame binds a thing to
  its place.
- perception `direction` needs close frames; `speed` also needs to know how close: a fixed rate or
  timestamps.
- reasoning `count first_flash last_flash`: flashes lie anywhere in the video and last a
  thirteenth of it, so frames that cover it; a few dense clips miss most of them.

Texts have no question mark and most end in the word that matters: a language model of two layers
answers from the last position, and finds what that very word points at long before it learns to
look an earlier one up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ablate.world.scene import Scene, Thing
from ablate.world.vocabulary import COLOURS, CORNERS, COUNTS, DIGITS, DIRECTIONS, SPEEDS

CATEGORIES = ("ocr", "egocentric", "spatial", "perception", "reasoning")


@dataclass(frozen=True)
class Question:
    """A multiple-choice question whose every option is one word."""

    category: str
    kind: str
    text: str
    options: tuple[str, ...]
    """In random order."""
    answer: int
    """Index of the right option."""

    @property
    def reply(self) -> str:
        """The right option."""
        return self.options[self.answer]


Asked = tuple[str, str, Sequence[str]]
"""Text, right option, all options."""


@dataclass(frozen=True)
class Kind:
    """One way to ask."""

    category: str
    name: str
    share: float
    """Weight within the category."""
    ask: Callable[[Scene, np.random.Generator], Asked | None]
    """None where the scene has no answer."""

    def about(self, scene: Scene, rng: np.random.Generator) -> Question | None:
        """The question about `scene`, None where it has no answer."""
        asked = self.ask(scene, rng)
        return asked and multiple_choice(self.category, self.name, asked, rng)

    def sure(self, scene: Scene, rng: np.random.Generator) -> Question:
        """The question about `scene`, of a kind that every scene answers."""
        question = self.about(scene, rng)
        assert question is not None
        return question


def multiple_choice(category: str, kind: str, asked: Asked, rng: np.random.Generator) -> Question:
    """The question with its options in random order."""
    text, reply, options = asked
    shuffled = tuple(options[int(k)] for k in rng.permutation(len(options)))
    return Question(category, kind, text, shuffled, shuffled.index(reply))


def _shape_of(scene: Scene, rng: np.random.Generator) -> Thing:
    """One of the three coloured shapes."""
    shapes = [thing for thing in scene.things if thing.shape != "sign"]
    return shapes[int(rng.integers(len(shapes)))]


def _digit(which: str, index: int) -> Callable[[Scene, np.random.Generator], Asked]:
    def ask(scene: Scene, rng: np.random.Generator) -> Asked:
        others = [digit for digit in DIGITS if digit not in scene.digits]
        spare = [others[int(k)] for k in rng.permutation(len(others))][: 4 - len(scene.digits)]
        return f"which digit is {which}", scene.digits[index], (*scene.digits, *spare)

    return ask


def _sign(scene: Scene, rng: np.random.Generator) -> Asked:
    return "where is the sign", next(t.corner for t in scene.things if t.shape == "sign"), CORNERS


def _where(scene: Scene, rng: np.random.Generator) -> Asked:
    thing = _shape_of(scene, rng)
    return f"where is the {thing.shape}", thing.corner, CORNERS


def _colour(scene: Scene, rng: np.random.Generator) -> Asked:
    thing = _shape_of(scene, rng)
    return f"which colour is the {thing.shape}", str(thing.colour), COLOURS


def _flash(scene: Scene, rng: np.random.Generator) -> Asked | None:
    return (
        ("which colour is the flash", scene.flashes[0].colour, COLOURS) if scene.flashes else None
    )


_TURN = Kind(
    "egocentric", "turn", 1,
    lambda scene, rng: ("which way does the camera turn", scene.turn, DIRECTIONS),
)  # fmt: skip
_DIRECTION = Kind(
    "perception", "direction", 2,
    lambda scene, rng: ("which way does the ball move", scene.ball.direction, DIRECTIONS),
)  # fmt: skip
_SPEED = Kind(
    "perception", "speed", 1, lambda scene, rng: ("how fast is the ball", scene.pace, SPEEDS)
)
_SIGN = Kind("spatial", "sign", 1, _sign)
_STATIC = (_SIGN, Kind("spatial", "where", 1, _where), Kind("perception", "colour", 1, _colour))
_DIGIT = Kind("ocr", "digit", 1, _digit("shown", 0))

VIDEO_KINDS = (
    Kind("ocr", "first_digit", 1, _digit("first", 0)),
    Kind("ocr", "last_digit", 1, _digit("last", -1)),
    _TURN,
    _SIGN,
    _DIRECTION,
    _SPEED,
    Kind(
        "reasoning", "count", 4,
        lambda scene, rng: ("how many flashes", COUNTS[len(scene.flashes) - 1], COUNTS),
    ),
    Kind(
        "reasoning", "first_flash", 1,
        lambda scene, rng: ("which flash is first", scene.flashes[0].colour, COLOURS),
    ),
    Kind(
        "reasoning", "last_flash", 1,
        lambda scene, rng: ("which flash is last", scene.flashes[-1].colour, COLOURS),
    ),
)  # fmt: skip
PICTURE_KINDS = (*_STATIC, _DIGIT, Kind("perception", "flash", 1, _flash))
TEXT_KINDS = (*_STATIC, _DIGIT, _TURN, _DIRECTION, _SPEED)
