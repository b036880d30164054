"""A finished cell as it is carried from store to store, and what makes one be believed."""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ablate.evals.score import summarise
from ablate.plain import misfit, parse_json
from ablate.record import Record, named
from ablate.spec import SPEC_VERSION, Cell, from_dict
from ablate.tasks import WORLD

FILES = ("record.json", "questions.parquet")
"""What is carried of a finished cell."""
RESULTS = ("scores", "kinds", "groups", "controls")
"""Parts of a record that are the same whenever the same cell is run on a like machine."""
_COLUMNS: dict[str, Callable[[pa.DataType], bool]] = {
    **dict.fromkeys(
        ("question_id", "video_id", "category", "kind"),
        lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    ),
    **dict.fromkeys(("options", "prediction", "answer"), pa.types.is_integer),
    **dict.fromkeys(("duration", "p_correct", "margin"), pa.types.is_floating),
    "correct": pa.types.is_boolean,
}
"""Columns of `questions.parquet` that scores are made of, and how their types are known."""
_BY_QUESTION = ("accuracy", "p_correct", "margin", "n", "chance")
_DIGITS = 1e-9
"""Relative difference of two sums of the same numbers."""


@dataclass(frozen=True)
class Finished:
    """A cell, its record, and both its files as they are."""

    cell: Cell
    record: dict[str, Any]
    files: Mapping[str, bytes]


def read_finished(files: Mapping[str, bytes], where: object) -> Finished:
    """The finished cell that both files hold.

    The ids and labels have to be those of the cell that the record describes, and the scores those
    of the questions.

    Args:
        files: contents by the names in `FILES`.
        where: what a complaint begins with.

    Raises:
        ValueError: one line that says what is wrong.
    """
    record = parse_json(files["record.json"], f"{where}/record.json")
    if complaint := misfit(record, Record):
        raise ValueError(f"{where}/record.json: {complaint}")
    try:
        cell = from_dict(record["cell"])
    except ValueError as error:
        raise ValueError(f"{where}/record.json: {error}") from None
    if not isinstance(cell, Cell):
        raise ValueError(f"{where}/record.json: describes no cell")
    for key, value in named(cell).items():
        if record[key] != value:
            raise ValueError(
                f"{where}/record.json: {key} is {record[key]!r}, but {value!r} by the cell it "
                f"describes (spec version {SPEC_VERSION})"
            )
    try:
        questions = _read_questions(files["questions.parquet"])
        _check_scores(record, questions)
    except ValueError as error:
        raise ValueError(f"{where}/questions.parquet: {error}") from None
    return Finished(cell, record, files)


def _read_questions(content: bytes) -> pd.DataFrame:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"not Parquet that can be read ({str(error).splitlines()[0]})") from None
    for name, fits in _COLUMNS.items():
        if name not in table.column_names:
            raise ValueError(f"lacks column {name!r}")
        column = table.column(name)
        if not fits(column.type) or column.null_count:
            raise ValueError(f"column {name!r} is {column.type} or has gaps")
    # Without what other programs note beside the columns: only these are read.
    return table.select(list(_COLUMNS)).replace_schema_metadata(None).to_pandas()


def _check_scores(record: Mapping[str, Any], questions: pd.DataFrame) -> None:
    scored: Mapping[str, Mapping[str, Any]] = summarise(questions, WORLD)
    for part, expected in scored.items():
        found = record[part]
        if found.keys() != expected.keys():
            raise ValueError(f"has other {part} than the record: {', '.join(sorted(expected))}")
        for name, score in expected.items():
            for key in _BY_QUESTION:
                if not math.isclose(found[name][key], score[key], rel_tol=_DIGITS, abs_tol=_DIGITS):
                    raise ValueError(
                        f"{key} of {name!r} is {score[key]:.4g}, but {found[name][key]:.4g} in the "
                        "record"
                    )
