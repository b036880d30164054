"""The closed vocabulary: its size, whole words and numbers, and nothing lost."""

import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.data.tokenizer import ClosedTokenizer
from ablate.sizes import CLOSED_VOCABULARY
from ablate.world.vocabulary import WORDS

TOKENIZER = ClosedTokenizer()
plain = st.text(string.ascii_letters + string.digits + string.punctuation + " ")


def test_has_exactly_the_closed_vocabulary():
    assert len(TOKENIZER) == len(set(TOKENIZER.vocabulary)) == CLOSED_VOCABULARY
    assert TOKENIZER.pad != TOKENIZER.end


@pytest.mark.parametrize("word", WORDS)
def test_words_of_the_world_are_whole(word):
    assert len(TOKENIZER.encode(word)) == 1
    assert TOKENIZER.encode(word.upper()) == TOKENIZER.encode(word)
    assert TOKENIZER.decode(TOKENIZER.encode(word)) == word


def test_numbers_of_a_clock_are_whole():
    assert all(len(TOKENIZER.encode(f"{number:02d}")) == 1 for number in range(60))
    assert len(TOKENIZER.encode("clip from 00:04-00:08:")) == 10


@given(plain)
def test_any_plain_text_survives_up_to_case_and_spaces(text):
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids).replace(" ", "") == text.lower().replace(" ", "")
    assert TOKENIZER.encode(TOKENIZER.decode(ids)) == ids


@given(plain, plain)
def test_the_pieces_of_a_text_are_the_pieces_of_its_parts(first, second):
    joined = TOKENIZER.encode(f"{first} {second}")
    assert joined == TOKENIZER.encode(first) + TOKENIZER.encode(second)


@given(st.text())
def test_text_never_becomes_a_special_token(text):
    assert not {TOKENIZER.pad, TOKENIZER.end} & set(TOKENIZER.encode(text + "<pad><end>"))


def test_accents_are_dropped_and_other_scripts_unknown():
    assert TOKENIZER.decode(TOKENIZER.encode("Élan")) == "elan"
    assert TOKENIZER.decode(TOKENIZER.encode("red \u4e2d")) == "red <unk>"


def test_too_many_words_raise():
    with pytest.raises(ValueError, match=r"400 words do not fit; \d+ of 320 tokens are free"):
        ClosedTokenizer(tuple(f"w{index}" for index in range(400)))


def test_special_tokens_are_not_decoded():
    assert TOKENIZER.decode([TOKENIZER.pad, *TOKENIZER.encode("red"), TOKENIZER.end]) == "red"


def test_travels_to_a_worker():
    copy = pickle.loads(pickle.dumps(TOKENIZER))
    assert copy.encode("where is the ring ?") == TOKENIZER.encode("where is the ring ?")
