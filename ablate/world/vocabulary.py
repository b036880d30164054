"""Every word that questions, answers, options and captions of the world use."""

COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("ring", "square", "triangle", "cross")
DIGITS = ("0", "1", "2", "4", "5", "7")
"""Shown digits: six whose glyphs differ in many pixels."""
DIRECTIONS = ("left", "right", "up", "down")
SPEEDS = ("slow", "medium", "fast")
COUNTS = ("one", "two", "three", "four")
CORNERS = ("northwest", "northeast", "southwest", "southeast")
"""Quadrants of the picture as on a map, in reading order: north is up."""
SIDES = ("north", "south", "east", "west", "centre")
PICTURES = ("first", "second")

_GRAMMAR = (
    "a", "above", "after", "and", "ball", "below", "camera", "changed", "changes", "colour",
    "different", "digit", "digits", "does", "flash", "flashes", "follows", "how", "in", "is",
    "it", "last", "light", "many", "moves", "move", "no", "of", "on", "picture", "same", "shape",
    "show", "shows", "sign", "the", "then", "there", "to", "turn", "turns", "way", "what",
    "where", "which", "white", "with",
)  # fmt: skip

WORDS: tuple[str, ...] = tuple(
    sorted(
        {
            word
            for words in (
                COLOURS, SHAPES, DIRECTIONS, SPEEDS, COUNTS, CORNERS, SIDES, PICTURES, _GRAMMAR,
            )
            for word in words
        }
    )
)  # fmt: skip
"""Lower-case words of the closed tokenizer; digits and punctuation are single characters of its own."""
