"""Public tokenizers of chat models that are spoken to in ChatML: Qwen's and SmolLM2's."""

from pathlib import Path

from tokenizers import Tokenizer as Engine

from ablate.data.tokenizer import EngineTokenizer, Template

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SYSTEM = "You are a helpful assistant."
"""What the released Apollo models are told first (their conversation template `qwen_2`)."""


class ChatTokenizer(EngineTokenizer):
    """A tokenizer with ChatML's control tokens, which no text can produce."""

    def __init__(self, path: Path) -> None:
        """Read a `tokenizer.json`.

        Raises:
            ValueError: the file is no such tokenizer, or has no ChatML tokens.
        """
        try:
            engine = Engine.from_file(str(path))
        except Exception as error:  # the library raises bare Exceptions
            raise ValueError(f"{path}: not a tokenizer that can be read ({error})") from None
        pad, start, end = (engine.token_to_id(token) for token in (PAD, START, END))
        if pad is None or start is None or end is None:
            raise ValueError(f"{path}: a tokenizer without ChatML's {PAD}, {START} or {END}")
        self.template = Template(
            opening=_ids(engine, f"{START}system\n{SYSTEM}{END}\n{START}user\n"),
            answer=_ids(engine, f"{END}\n{START}assistant\n"),
            question=_ids(engine, f"\n{START}user\n"),
        )
        # From here on a question that spells a control token is only text.
        engine.encode_special_tokens = True
        super().__init__(engine, pad, end)


def _ids(engine: Engine, text: str) -> tuple[int, ...]:
    return tuple(engine.encode(text, add_special_tokens=False).ids)
