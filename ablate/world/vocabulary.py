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
NINTHS = (
    "northwest", "north", "northeast", "west", "centre", "east", "southwest", "south", "southeast",
)  # fmt: skip
"""Parts of the picture on a 3 x 3 grid, in reading order."""
PICTURES = ("first", "second")

_GRAMMAR = (
    "ball", "both", "camera", "colour", "digit", "does", "fast", "flash", "flashes",
    "how", "in", "is", "last", "many", "move", "moves", "no", "picture", "pictures", "same",
    "shown", "shows", "sign", "the", "turn", "turns", "way", "where", "which", "yes",
)  # fmt: skip

WORDS: tuple[str, ...] = tuple(
    sorted(
        {
            word
            for words in (
                COLOURS, SHAPES, DIRECTIONS, SPEEDS, COUNTS, CORNERS, NINTHS, PICTURES, _GRAMMAR,
            )
            for word in words
        }
    )
)  # fmt: skip
"""In lower case; digits and punctuation are single characters of the tokenizer's own."""
