"""Records are what `ablate.record` says of them, key by key."""

import types
import typing
from pathlib import Path
from typing import Any

import pytest

from ablate.record import Record, Score
from ablate.store import RunStore


def mismatch(value: Any, hint: Any, place: str = "") -> str | None:
    """Where a JSON value is not of the annotated type, or None."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return None
    if typing.is_typeddict(hint):
        hints = typing.get_type_hints(hint)
        if not isinstance(value, dict) or value.keys() != hints.keys():
            return f"{place or 'record'}: {sorted(set(value) ^ set(hints))}"
        found = (mismatch(value[key], kind, f"{place}.{key}") for key, kind in hints.items())
    elif origin is types.UnionType:
        wrong = [mismatch(value, kind, place) for kind in inner]
        return None if None in wrong else wrong[0]
    elif origin is dict:
        if not isinstance(value, dict):
            return f"{place}: {value!r}"
        found = (mismatch(one, inner[1], f"{place}.{key}") for key, one in value.items())
    elif origin in (list, tuple):
        if not isinstance(value, list):
            return f"{place}: {value!r}"
        kinds = inner if origin is tuple else inner * len(value)
        found = (mismatch(one, kind, f"{place}[]") for one, kind in zip(value, kinds, strict=True))
    else:
        allowed = (int, float) if hint is float else hint
        right = isinstance(value, allowed) and not isinstance(value, bool)
        return None if right else f"{place}: {value!r} is no {hint.__name__}"
    return next((one for one in found if one is not None), None)


def test_every_record_has_the_keys_and_types_that_are_documented(done: Path) -> None:
    records = [record for _, record in RunStore(done).records()]
    assert len(records) == 14
    assert [one for record in records if (one := mismatch(record, Record))] == []


@pytest.mark.parametrize(
    "change", [{"n": "60"}, {"more": 1}, {"accuracy": None}, {"se": True}, {"n": 1.5}]
)
def test_what_differs_is_found(change: dict) -> None:
    score = {"accuracy": 0.5, "p_correct": 0.5, "margin": 0, "n": 60, "se": 0.1, "chance": 0.25}
    assert mismatch(score, Score) is None
    assert mismatch(score | change, Score) is not None
