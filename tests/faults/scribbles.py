"""Inputs with something wrong in them: JSON values changed anywhere, bytes changed anywhere."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy], Any]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "", " ", "\ud800", "a\x00b", "../../etc/passwd", "/dev/zero", "x" * 5000, "2", "nan",
            "\u202e", "<script>", 10**400, [], {}, [[]], [{}], {"type": "Cell"}, {"": ""},
            ["a", 1], 1e308, -0.0, "Cell", "{{x}}",
        ]
    ),
    st.recursive(st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
)  # fmt: skip
"""Values that do not belong where they are put, or hardly."""


def _places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths of everything inside a value."""
    if not isinstance(value, dict | list):
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        yield from _places(inner, (*path, key))


def scribble(draw: Draw, value: Any) -> Any:
    """A copy of JSON in which one to three things are replaced, removed, renamed or repeated."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            return draw(ODD)
        *path, key = draw(st.sampled_from(places))
        holder = value
        for step in path:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "replace", "remove", "rename", "repeat"])):
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[draw(st.text(max_size=6))] = holder.pop(key)
            case "repeat" if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case _:
                holder[key] = draw(ODD)
    return value


def smudge(draw: Draw, content: bytes) -> bytes:
    """A copy of bytes of which one to four parts are changed, left out, or put in."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 8))
        data[at : at + length] = draw(st.binary(max_size=8))
        if draw(st.integers(0, 9)) == 0:
            del data[at:]
    return bytes(data)
