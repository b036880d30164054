"""Reads annotation files; a fault in one is a single line with file, entry and field.

Training annotations follow LLaVA: a JSON list of `id`, optional `video` (a path) or `image` (a
path or a list), optional `duration`, and `conversations` of `{"from": "human" | "gpt", "value"}`.
Evaluation questions are a JSON list of `question_id, video, video_id, duration, question, options,
answer` (an index), `category` and `kind`.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from ablate.data.sources import Conversation, Media, Question, Split

_MARKERS = ("<video>", "<image>")
"""Where LLaVA puts the media in a question; here the design decides that."""


def read_conversations(split: Split) -> tuple[Conversation, ...]:
    """The training conversations of `split` in file order.

    Raises:
        ValueError: one line naming the file, the entry and the field.
    """
    return tuple(_conversation(entry) for entry in _entries(split, "id"))


def read_questions(split: Split) -> tuple[Question, ...]:
    """The evaluation questions of `split` in file order.

    Raises:
        ValueError: one line naming the file, the entry and the field, or a repeated question id.
    """
    questions = tuple(_question(entry) for entry in _entries(split, "question_id"))
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise ValueError(f"{split.annotations}: question_id {question.id!r} appears twice")
        seen.add(question.id)
    return questions


@dataclass(frozen=True)
class _Entry:
    """One JSON object of an annotation file, and how to complain about it."""

    split: Split
    name: str
    fields: dict[str, Any]

    def error(self, field: str, complaint: str) -> ValueError:
        return ValueError(f"{self.split.annotations}: {self.name}: {field} {complaint}")

    def text(self, field: str) -> str:
        """A string that is not blank."""
        return self._checked_text(field, self.fields.get(field))

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of strings that are not blank; one string counts as a list."""
        value = self.fields.get(field)
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values:
            raise self.error(field, f"must be a list of strings, not {value!r}")
        return tuple(self._checked_text(field, item) for item in values)

    def _checked_text(self, field: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.error(field, f"must be a string that is not blank, not {value!r}")
        return value

    def seconds(self, field: str) -> float:
        value = self.fields.get(field)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 < value < math.inf
        ):
            raise self.error(field, f"must be a positive number of seconds, not {value!r}")
        return float(value)

    def media(self, path: str) -> Media:
        return Media(self.split.media / path, f"{self.split.fingerprint}/{path}")


def _entries(split: Split, id_field: str) -> list[_Entry]:
    try:
        content = json.loads(split.annotations.read_bytes())
    except OSError as error:
        raise ValueError(f"{split.annotations}: {error.strerror}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{split.annotations}: not JSON: {error}") from None
    if not isinstance(content, list):
        raise ValueError(
            f"{split.annotations}: must hold a JSON list, not {type(content).__name__}"
        )
    entries = []
    for index, fields in enumerate(content):
        if not isinstance(fields, dict):
            raise ValueError(f"{split.annotations}: entry {index} must be an object")
        name = f"entry {index}"
        if isinstance(given := fields.get(id_field), str | int):
            name += f" ({id_field} {given})"
        entries.append(_Entry(split, name, fields))
    return entries


def _conversation(entry: _Entry) -> Conversation:
    if "video" in entry.fields and "image" in entry.fields:
        raise entry.error("video", "and image exclude each other")
    modality = "text"
    paths: tuple[str, ...] = ()
    if "video" in entry.fields:
        modality, paths = "video", (entry.text("video"),)
    elif "image" in entry.fields:
        paths = entry.texts("image")
        modality = "image" if len(paths) == 1 else "multi_image"
    timed = modality == "video" and entry.fields.get("duration") is not None
    return Conversation(
        id=str(entry.fields.get("id", entry.name)),
        modality=modality,
        media=tuple(entry.media(path) for path in paths),
        duration=entry.seconds("duration") if timed else None,
        turns=_turns(entry),
    )


def _turns(entry: _Entry) -> tuple[tuple[str, str], ...]:
    said = entry.fields.get("conversations")
    if not isinstance(said, list) or not said or len(said) % 2:
        raise entry.error("conversations", "must be a list of questions each with its answer")
    values = []
    for index, item in enumerate(said):
        speaker = ("human", "gpt")[index % 2]
        field = f"conversations[{index}]"
        if not isinstance(item, dict) or item.get("from") != speaker:
            raise entry.error(field, f"must be from {speaker!r}")
        value = item.get("value")
        if isinstance(value, str) and index == 0:
            for marker in _MARKERS:
                value = value.replace(marker, "")
        if not isinstance(value, str) or not value.strip():
            raise entry.error(field, "has no text")
        values.append(value.strip())
    return tuple(zip(values[::2], values[1::2], strict=True))


def _question(entry: _Entry) -> Question:
    options, answer = entry.texts("options"), entry.fields.get("answer")
    if len(set(options)) < 2 or len(set(options)) < len(options):
        raise entry.error("options", "must be at least two different strings")
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(options):
        raise entry.error(
            "answer", f"must be an index of the {len(options)} options, not {answer!r}"
        )
    return Question(
        id=str(entry.fields.get("question_id", entry.name)),
        video=entry.media(entry.text("video")),
        video_id=entry.text("video_id"),
        duration=entry.seconds("duration"),
        text=entry.text("question"),
        options=options,
        answer=answer,
        category=entry.text("category"),
        kind=entry.text("kind"),
    )
