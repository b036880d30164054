"""JSON from outside: whatever is wrong with it is said in one line."""

import json
import math
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

_MISSING = object()
_Part = tuple[Any, Any, str]
"""A value, the type it should have, and where it stands."""


def parse_json(content: bytes | str, name: object) -> Any:
    """The value of a JSON text in UTF-8.

    Args:
        content: the text.
        name: what a complaint begins with: the file, and the place in it.

    Raises:
        ValueError: not JSON, numbers that are not finite, or nested or long beyond all measure.
    """
    try:
        return json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"{name}: not JSON that can be read: nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{name}: not valid JSON ({error})") from None


def is_text(string: str) -> bool:
    """Whether a string can be written down: JSON and YAML may hold half of a surrogate pair."""
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def misfit(value: Any, kind: Any, place: str = "") -> str | None:
    """Why plain JSON is not of a type, in words, or None.

    Args:
        value: of `parse_json`.
        kind: `TypedDict`, `dict`, `list` or `tuple` of such, `int`, `float`, `str`, `None`, a union
            of these, or `Any`; keys beyond a `TypedDict`'s own are let be.
        place: where it stands.
    """
    if value is _MISSING:
        return f"lacks {place}"
    if kind is Any:
        return None
    if get_origin(kind) is UnionType:
        complaints = [misfit(value, one, place) for one in get_args(kind)]
        return None if None in complaints else complaints[0]
    parts = _parts(value, kind, place)
    if parts is None:
        wanted = "object" if is_typeddict(kind) else getattr(kind, "__name__", str(kind))
        return f"{place or 'it'} must be {wanted}, not {value!r:.60}"
    return next((why for part in parts if (why := misfit(*part))), None)


def _parts(value: Any, kind: Any, place: str) -> list[_Part] | None:
    """What is inside a value, each with its type; None where the value itself is of another."""
    inside = get_args(kind)
    match value, get_origin(kind) or kind:
        case dict(), _ if is_typeddict(kind):
            hints = get_type_hints(kind)
            within = f"{place}." if place else ""
            return [(value.get(k, _MISSING), hints[k], f"{within}{k}") for k in hints]
        case dict(), origin if origin is dict:
            return [(one, inside[1], f"{place}.{key}") for key, one in value.items()]
        case list(), origin if origin is list:
            return [(one, inside[0], place) for one in value]
        case list(), origin if origin is tuple and len(value) == len(inside):
            return [(one, each, place) for one, each in zip(value, inside, strict=True)]
        case bool(), _:
            return None
    plain: dict[Any, tuple[type, ...]] = {
        float: (int, float), int: (int,), str: (str,), None: (NoneType,), NoneType: (NoneType,)
    }  # fmt: skip
    return [] if isinstance(value, plain.get(kind, ())) else None
