"""From annotations to samples and questions; a fault is a single line with file, entry and field.

Training annotations follow LLaVA: rows of `id`, optional `video` or `image` (a path or a list),
optional `duration`, and `conversations` of `{"from": "human" | "gpt", "value"}`. Evaluation
questions are rows of `question_id, video, video_id`, optional `duration`, `question, options,
answer` (an index), `category` and `kind`.
"""

import math
from dataclasses import dataclass
from typing import Any

from ablate.data.rows import Rows, read_file
from ablate.data.sources import Conversation, Media, Question, Source

_MARKERS = ("<video>", "<image>")
"""Where LLaVA puts the media in a question; here the design decides that."""


FIELDS = (
    "id", "video", "image", "duration", "conversations",
    "question_id", "video_id", "question", "options", "answer", "category", "kind",
)  # fmt: skip
"""All that is read of a row."""


def read(source: Source) -> Rows:
    """The rows of a source.

    Raises:
        ValueError: one line naming the file, and the line or entry where it is one's fault.
    """
    path = source.annotations
    if not path.is_dir():
        return read_file(path)
    # pyarrow takes a while to load.
    from ablate.data.tables import read_table

    return read_table(path, FIELDS, source.split, source.unpacked or source.media)


def read_conversations(source: Source, rows: Rows | None = None) -> tuple[Conversation, ...]:
    """The training conversations of `source` in order.

    Args:
        source: where they lie.
        rows: what `read` gave, if it was called before.

    Raises:
        ValueError: one line naming the file, the entry and the field.
    """
    return tuple(_conversation(entry) for entry in _entries(source, rows, "id"))


def read_questions(source: Source, rows: Rows | None = None) -> tuple[Question, ...]:
    """The evaluation questions of `source` in order.

    Args:
        source: where they lie.
        rows: what `read` gave, if it was called before.

    Raises:
        ValueError: one line naming the file, the entry and the field, or a repeated question id.
    """
    questions = tuple(_question(entry) for entry in _entries(source, rows, "question_id"))
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise ValueError(f"{source.annotations}: question_id {question.id!r} appears twice")
        seen.add(question.id)
    return questions


@dataclass(frozen=True)
class _Entry:
    """One object of an annotation file, and how to complain about it."""

    source: Source
    fingerprint: str
    name: str
    fields: dict[str, Any]

    def error(self, field: str, complaint: str) -> ValueError:
        return ValueError(f"{self.source.annotations}: {self.name}: {field} {complaint}")

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

    def has(self, field: str) -> bool:
        """Whether there is anything; tables write null or an empty list where there is not."""
        return self.fields.get(field) not in (None, [])

    def media(self, path: str, duration: float | None = None) -> Media:
        return Media(self.source.media / path, f"{self.fingerprint}/{path}", duration)


def _entries(source: Source, rows: Rows | None, id_field: str) -> list[_Entry]:
    found = read(source) if rows is None else rows
    mark = source.fingerprint or found.fingerprint
    entries = []
    for row in found.rows:
        name = row.name
        if isinstance(given := row.fields.get(id_field), str | int):
            name += f" ({id_field} {given})"
        entries.append(_Entry(source, mark, name, row.fields))
    return entries


def _conversation(entry: _Entry) -> Conversation:
    if entry.has("video") and entry.has("image"):
        raise entry.error("video", "and image exclude each other")
    modality = "text"
    paths: tuple[str, ...] = ()
    seconds: float | None = None
    if entry.has("video"):
        modality, paths = "video", entry.texts("video")
        if entry.has("duration") and len(paths) == 1:
            seconds = entry.seconds("duration")
    elif entry.has("image"):
        paths = entry.texts("image")
        modality = "image" if len(paths) == 1 else "multi_image"
    return Conversation(
        id=str(entry.fields.get("id", entry.name)),
        modality=modality,
        media=tuple(entry.media(path, seconds) for path in paths),
        turns=_turns(entry),
        source=entry.source.name,
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
        if isinstance(value, str) and speaker == "human":
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
        video=entry.media(
            entry.text("video"), entry.seconds("duration") if entry.has("duration") else None
        ),
        video_id=entry.text("video_id"),
        text=entry.text("question"),
        options=options,
        answer=answer,
        category=entry.text("category"),
        kind=entry.text("kind"),
        source=entry.source.name,
    )
