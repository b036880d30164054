"""Questions about a scene: what is asked of a video, of one picture, of two pictures, and of a text.

Every kind is asked because some axis of a design decides whether it can be answered:

- ocr `first_digit last_digit`: strokes of two pixels, so tokens per frame; and a frame at either end.
- egocentric `turn`: the tiles of the floor repeat after less than three seconds, so frames that are
  close in time; far apart their motion reads as another one.
- spatial `where what beside`: every corner holds something, so more than one token per frame binds a
  thing to its place.
- perception `colour shape` bind an attribute to one of three things, so tokens per frame again;
  `direction` needs close frames; `speed` also needs to know how close: a fixed rate or timestamps.
- reasoning `count first_flash last_flash follows cause`: flashes lie anywhere in the video and last a
  thirteenth of it, so frames that cover it; a few dense clips miss most of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablate.world.scene import Scene, Thing, motion_phrases, phrases
from ablate.world.vocabulary import (
    COLOURS, CORNERS, COUNTS, DIGITS, DIRECTIONS, PICTURES, SHAPES, SPEEDS,
)  # fmt: skip

CATEGORIES = ("ocr", "egocentric", "spatial", "perception", "reasoning")
FEWEST_TURNS, MOST_TURNS = 4, 6
"""Question and answer pairs of one conversation."""


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


def video_question(scene: Scene, category: str, rng: np.random.Generator) -> Question:
    """One question of `category` about the whole video; its kind is drawn by fixed shares."""
    kinds = [kind for kind in _VIDEO_KINDS if kind.category == category]
    shares = np.array([kind.share for kind in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    # A lone flash has no follower, and nothing may have changed the ball: both fall back on one kind,
    # never on `count`, whose answers would no longer be balanced.
    return kind.about(scene, rng) or _FIRST_FLASH.about(scene, rng)  # type: ignore[return-value]


def video_conversation(scene: Scene, rng: np.random.Generator) -> list[Question]:
    """Four to six different questions about one video: the categories in turn, in random order."""
    order = [CATEGORIES[k] for k in rng.permutation(len(CATEGORIES))]
    return _different((video_question(scene, order[k % 5], rng) for k in range(10**9)), rng)


def picture_conversation(scene: Scene, time: float, rng: np.random.Generator) -> list[Question]:
    """Four to six different questions about the frame of `scene` at `time` seconds."""
    return _different(_endless(_still(scene, time), _PICTURE_KINDS, rng), rng)


def pair_conversation(
    scenes: tuple[Scene, Scene], times: tuple[float, float], rng: np.random.Generator
) -> list[Question]:
    """Four to six different questions about two pictures: each alone, and one against the other."""
    stills = [_still(scene, time) for scene, time in zip(scenes, times, strict=True)]

    def ask() -> Iterable[Question]:
        alone = [_endless(still, _PICTURE_KINDS, rng) for still in stills]
        while True:
            yield from (_which_picture(stills, rng), _same_digit(stills, rng))
            for k in rng.permutation(2):
                question = next(alone[k])
                yield replace(question, text=f"{PICTURES[k]} picture , {question.text}")

    return _different(ask(), rng)


def text_conversation(scene: Scene, rng: np.random.Generator) -> tuple[str, list[Question]]:
    """A sentence that describes `scene` in words, and four to six different questions about it."""
    still = _still(scene, 0.0)
    facts = phrases(still, 0.0)[:4] + motion_phrases(still)
    sentence = " , ".join(facts[k] for k in rng.permutation(len(facts)))
    return f"{sentence} .", _different(_endless(still, _TEXT_KINDS, rng), rng)


def _different(questions: Iterable[Question], rng: np.random.Generator) -> list[Question]:
    """The first four to six questions with different texts."""
    count = int(rng.integers(FEWEST_TURNS, MOST_TURNS + 1))
    asked: dict[str, Question] = {}
    for question in questions:
        asked.setdefault(question.text, question)
        if len(asked) == count:
            break
    return list(asked.values())


# === kinds ===

_Asked = tuple[str, str, Sequence[str]]
"""Text, right option, all options."""


@dataclass(frozen=True)
class _Kind:
    category: str
    name: str
    share: float
    """Weight within the category."""
    ask: Callable[[Scene, np.random.Generator], _Asked | None]
    """None where the scene has no answer."""

    def about(self, scene: Scene, rng: np.random.Generator) -> Question | None:
        asked = self.ask(scene, rng)
        return asked and _question(self.category, self.name, asked, rng)


def _question(category: str, kind: str, asked: _Asked, rng: np.random.Generator) -> Question:
    text, reply, options = asked
    shuffled = tuple(options[int(k)] for k in rng.permutation(len(options)))
    return Question(category, kind, text, shuffled, shuffled.index(reply))


def _endless(scene: Scene, kinds: Sequence[_Kind], rng: np.random.Generator) -> Iterable[Question]:
    """Questions of `kinds` in random order, again and again."""
    while True:
        for k in rng.permutation(len(kinds)):
            if question := kinds[k].about(scene, rng):
                yield question


def _still(scene: Scene, time: float) -> Scene:
    """The scene as one of its frames shows it: one digit, and at most one flash."""
    flashes = tuple(flash for flash in scene.flashes if flash.start <= time < flash.end)
    return replace(scene, digits=(scene.digit_at(time),), flashes=flashes, cause=None)


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _shape_of(scene: Scene, rng: np.random.Generator) -> Thing:
    """One of the three coloured shapes."""
    shapes = [thing for thing in scene.things if thing.shape != "sign"]
    return shapes[int(rng.integers(len(shapes)))]


def _digit(which: str, index: int) -> Callable[[Scene, np.random.Generator], _Asked]:
    def ask(scene: Scene, rng: np.random.Generator) -> _Asked:
        others = [digit for digit in DIGITS if digit not in scene.digits]
        spare = [others[int(k)] for k in rng.permutation(len(others))][: 4 - len(scene.digits)]
        return f"which digit is {which}", scene.digits[index], (*scene.digits, *spare)

    return ask


def _where(scene: Scene, rng: np.random.Generator) -> _Asked:
    thing = scene.things[int(rng.integers(4))]
    return f"where is the {thing.shape}", thing.corner, CORNERS


def _what(scene: Scene, rng: np.random.Generator) -> _Asked:
    thing = scene.things[int(rng.integers(4))]
    return f"what is in the {thing.corner}", thing.shape, [t.shape for t in scene.things]


def _beside(scene: Scene, rng: np.random.Generator) -> _Asked:
    """Corners are numbered in reading order: flipping bit 0 steps sideways, bit 1 up or down."""
    here, bit = int(rng.integers(4)), int(rng.integers(2))
    there = here ^ (1 << bit)
    relation = ("left of", "right of")[there > here] if bit == 0 else ("above", "below")[there > here]
    others = [thing.shape for k, thing in enumerate(scene.things) if k != here]
    return f"what is {relation} the {scene.things[here].shape}", scene.things[there].shape, others


def _colour(scene: Scene, rng: np.random.Generator) -> _Asked:
    thing = _shape_of(scene, rng)
    return f"which colour is the {thing.shape}", str(thing.colour), COLOURS


def _shape(scene: Scene, rng: np.random.Generator) -> _Asked:
    thing = _shape_of(scene, rng)
    return f"which shape is {thing.colour}", thing.shape, SHAPES


def _flash(scene: Scene, rng: np.random.Generator) -> _Asked | None:
    return ("which colour is the flash", scene.flashes[0].colour, COLOURS) if scene.flashes else None


def _follows(scene: Scene, rng: np.random.Generator) -> _Asked | None:
    if len(scene.flashes) < 2:
        return None
    k = int(rng.integers(len(scene.flashes) - 1))
    before, after = scene.flashes[k].colour, scene.flashes[k + 1].colour
    return f"which flash follows {before}", after, [c for c in COLOURS if c != before]


def _cause(scene: Scene, rng: np.random.Generator) -> _Asked | None:
    if scene.cause is None:
        return None
    return "which flash changed the ball", scene.flashes[scene.cause].colour, COLOURS


_FIRST_FLASH = _Kind(
    "reasoning", "first_flash", 2,
    lambda scene, rng: ("which flash is first", scene.flashes[0].colour, COLOURS),
)  # fmt: skip
_TURN = _Kind(
    "egocentric", "turn", 1,
    lambda scene, rng: ("which way does the camera turn", scene.turn, DIRECTIONS),
)  # fmt: skip
_DIRECTION = _Kind(
    "perception", "direction", 3,
    lambda scene, rng: ("which way does the ball move", scene.ball.direction, DIRECTIONS),
)  # fmt: skip
_SPEED = _Kind(
    "perception", "speed", 3, lambda scene, rng: ("how fast is the ball", scene.pace, SPEEDS)
)
_STATIC = (
    _Kind("spatial", "where", 2, _where),
    _Kind("spatial", "what", 2, _what),
    _Kind("spatial", "beside", 0.5, _beside),
    _Kind("perception", "colour", 2, _colour),
    _Kind("perception", "shape", 2, _shape),
)
_DIGIT = _Kind("ocr", "digit", 1, _digit("shown", 0))

_VIDEO_KINDS = (
    _Kind("ocr", "first_digit", 1, _digit("first", 0)),
    _Kind("ocr", "last_digit", 1, _digit("last", -1)),
    _TURN,
    *_STATIC,
    _DIRECTION,
    _SPEED,
    _Kind(
        "reasoning", "count", 3,
        lambda scene, rng: ("how many flashes", COUNTS[len(scene.flashes) - 1], COUNTS),
    ),
    _FIRST_FLASH,
    _Kind(
        "reasoning", "last_flash", 2,
        lambda scene, rng: ("which flash is last", scene.flashes[-1].colour, COLOURS),
    ),
    _Kind("reasoning", "follows", 1, _follows),
    _Kind("reasoning", "cause", 1, _cause),
)  # fmt: skip
_PICTURE_KINDS = (*_STATIC, _DIGIT, _Kind("perception", "flash", 1, _flash))
_TEXT_KINDS = (*_STATIC, _DIGIT, _TURN, _DIRECTION, _SPEED)


def _which_picture(stills: Sequence[Scene], rng: np.random.Generator) -> Question:
    """Which of two pictures shows a thing that the other lacks; the two are never alike throughout."""
    seen = [{(t.colour, t.shape) for t in still.things if t.colour} for still in stills]
    k = int(rng.integers(2))
    only = sorted(seen[k] - seen[1 - k]) or sorted(seen[k])
    colour, shape = only[int(rng.integers(len(only)))]
    asked = f"which picture shows the {colour} {shape}", PICTURES[k], PICTURES
    return _question("perception", "which_picture", asked, rng)


def _same_digit(stills: Sequence[Scene], rng: np.random.Generator) -> Question:
    same = stills[0].digits == stills[1].digits
    asked = "same digit in both pictures", "yes" if same else "no", ("yes", "no")
    return _question("ocr", "same_digit", asked, rng)
