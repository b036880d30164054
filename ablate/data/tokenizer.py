"""Text to ids and back: what is needed of a tokenizer, and the closed one of the scratch rows.

Built on the `tokenizers` library alone: importing it takes 40 ms, transformers 1.5 s.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tokenizers import Tokenizer as Engine
from tokenizers import decoders, models, normalizers, pre_tokenizers

from ablate.sizes import CLOSED_VOCABULARY
from ablate.world.vocabulary import WORDS

PAD, END, UNKNOWN = "<pad>", "<end>", "<unk>"
_LINE_END = "\u23ce"
"""Stands for a line end, which word pieces would drop as white space."""
_CHARACTERS = string.ascii_lowercase + string.digits
_PIECES: tuple[str, ...] = (
    PAD, END, UNKNOWN,
    *string.punctuation,
    *_CHARACTERS,
    *(f"##{character}" for character in _CHARACTERS),
    *(f"{number:02d}" for number in range(60)),
    "clip", "from",
)  # fmt: skip
"""All but the words: special tokens, what other words are spelled with, clip times."""
_RELEASED: tuple[str, ...] = (
    _LINE_END,
    *("a", "clips", "hundred", "of", "second", "seconds", "series", "video"),
    *("five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty"),
    *("fifty", "sixty", "seventy", "eighty", "ninety"),
)
"""Words of the released prompt format (`ablate.data.prompt`)."""

_KNOWN_TEXTS = 4096
"""Texts whose ids are remembered."""


@dataclass(frozen=True)
class Template:
    """Ids that stand around the turns of a conversation; none for the closed vocabulary."""

    opening: tuple[int, ...] = ()
    """Before everything, clips included."""
    answer: tuple[int, ...] = ()
    """Between a question and its answer."""
    question: tuple[int, ...] = ()
    """Between an answer's end and the next question."""


class Tokenizer(Protocol):
    """What prompts and answers need of a tokenizer."""

    pad: int
    """Id that fills a batch to a rectangle."""
    end: int
    """Id that ends an answer."""
    template: Template
    """What the language model expects around turns."""

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without special tokens."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids`, without special tokens."""
        ...


class EngineTokenizer:
    """A tokenizer of the `tokenizers` library that remembers what it has encoded."""

    template = Template()

    def __init__(self, engine: Engine, pad: int, end: int) -> None:
        """Wraps `engine`; `pad` and `end` are ids of it."""
        self.pad, self.end = pad, end
        self._engine = engine
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without special tokens."""
        if text not in self._known:
            # Questions and answers repeat: a batch is tokenized five times faster from memory.
            if len(self._known) == _KNOWN_TEXTS:
                self._known.clear()
            self._known[text] = tuple(self._engine.encode(text, add_special_tokens=False).ids)
        return list(self._known[text])

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids` without padding and end."""
        kept = [index for index in ids if index not in (self.pad, self.end)]
        return self._engine.decode(kept, skip_special_tokens=False)


class ClosedTokenizer(EngineTokenizer):
    """Exactly `CLOSED_VOCABULARY` tokens: one for each word, number or mark the world uses.

    Text is lower-cased, accents are dropped, punctuation and line ends stand alone and numbers from
    00 to 59 are whole; any other word is spelled. Characters outside ASCII become `<unk>`.
    """

    def __init__(self, words: tuple[str, ...] = WORDS) -> None:
        """Makes the vocabulary from `words`.

        Raises:
            ValueError: there are too many words.
        """
        tokens = tuple(dict.fromkeys((*_PIECES, *words, *_RELEASED)))
        spare = CLOSED_VOCABULARY - len(tokens)
        if spare < 0:
            free = CLOSED_VOCABULARY - len(_PIECES + _RELEASED)
            raise ValueError(
                f"closed tokenizer: {len(words)} words do not fit; "
                f"{free} of {CLOSED_VOCABULARY} tokens are free"
            )
        self.vocabulary = (*tokens, *(f"<reserved{index}>" for index in range(spare)))
        ids = {token: index for index, token in enumerate(self.vocabulary)}
        engine = Engine(
            models.WordPiece(vocab=ids, unk_token=UNKNOWN, max_input_chars_per_word=10_000)
        )
        engine.normalizer = normalizers.Sequence(
            [
                normalizers.NFKD(),
                normalizers.StripAccents(),
                normalizers.Lowercase(),
                normalizers.Replace("\n", f" {_LINE_END} "),
            ]
        )
        engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        engine.decoder = decoders.WordPiece(prefix="##", cleanup=False)
        super().__init__(engine, ids[PAD], ids[END])

    def __len__(self) -> int:
        return len(self.vocabulary)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of `ids` without padding and end, its tokens parted by single spaces."""
        return super().decode(ids).replace(_LINE_END, "\n")
