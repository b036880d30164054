"""One column of a user's table as numbers or labels, or one line that says what is wrong."""

import re
from collections.abc import Hashable
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LIMIT = 1e100  # squares of anything larger overflow
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def fail(frame: pd.DataFrame, message: str) -> NoReturn:
    """Raise ValueError with one line, led by the file the frame was read from, if any."""
    source = frame.attrs.get("source")
    raise ValueError(f"{source}: {message}" if source else message)


def fail_at(frame: pd.DataFrame, name: str, position: int, problem: str) -> NoReturn:
    """Raise ValueError about one cell: `column 'score', row 7: '46%' is not a finite number`."""
    cell = frame[name].iloc[[position]]
    shown = "an empty cell" if empty_cells(cell)[0] else repr(str(cell.iloc[0])[:60])
    fail(frame, f"column {name!r}, row {frame.index[position]}: {shown} {problem}")


def column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """The one column of a name.

    Raises:
        ValueError: there is none, or several.
    """
    found = list(frame.columns).count(name)
    if found > 1:
        fail(frame, f"{found} columns are called {name!r}")
    if not found:
        present = ", ".join(repr(str(other)[:40]) for other in frame.columns[:12]) or "none"
        fail(frame, f"no column {name!r}; the columns are {present}")
    return frame[name]


def empty_cells(cells: "pd.Series[Any]") -> NDArray[np.bool_]:
    """Which cells hold nothing: null, NaN or blank text."""
    empty = cells.isna().to_numpy(bool)
    if cells.dtype.kind not in "biuf":
        empty = empty | np.array([not str(cell).strip() for cell in cells.to_numpy(object)], bool)
    return empty


def numbers(
    frame: pd.DataFrame, name: str, *, may_be_empty: bool = False, positive: bool = False
) -> NDArray[np.float64]:
    """A column as finite numbers, shape (rows,); empty cells become NaN where they are allowed.

    Raises:
        ValueError: a cell is no finite number, or not positive where that is asked.
    """
    cells = column(frame, name)
    empty = empty_cells(cells)
    if isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biuf":
        values = cells.to_numpy(float)
    else:
        codes, texts = pd.factorize(cells.astype(str).to_numpy(object))
        parsed = [_number(text.strip()) for text in texts]
        values = np.where(empty, np.nan, np.array([*parsed, np.nan])[codes])
    # written so that NaN, which is neither above nor below, is bad where the cell is not empty
    bad = ~empty & ~(np.abs(values) <= _LIMIT)
    if not may_be_empty:
        bad |= empty
    if bad.any():
        fail_at(frame, name, int(bad.argmax()), "is not a finite number")
    if positive and (values <= 0).any():
        fail_at(frame, name, int((values <= 0).argmax()), "is not a positive number")
    return values


def labels(
    frame: pd.DataFrame, name: str, *, empty_label: str | None = None
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Code a column by its sorted distinct labels, so that the order of rows leaves no trace.

    Args:
        frame: the table.
        name: the column; whole numbers are written without a decimal point.
        empty_label: what stands for an empty cell; None forbids empty cells.

    Returns:
        A code per row, shape (rows,), and the labels they stand for: numbers first, by value.

    Raises:
        ValueError: an empty cell where none may be, or one that holds several values.
    """
    cells = column(frame, name)
    empty = empty_cells(cells)
    if empty.any() and empty_label is None:
        fail_at(frame, name, int(empty.argmax()), f"names no {name}")
    if cells.dtype == object:
        odd = np.array([not isinstance(cell, Hashable) for cell in cells.to_numpy(object)], bool)
        if odd.any():
            fail_at(frame, name, int(odd.argmax()), "is no label")
    codes, values = pd.factorize(cells.to_numpy(object), use_na_sentinel=False)
    texts = np.array([_label(value) for value in values], object)[codes]
    texts[empty] = empty_label
    codes, distinct = pd.factorize(texts)
    names = [str(name) for name in distinct]
    order = sorted(range(len(names)), key=lambda i: label_order(names[i]))
    rank = np.empty(len(names), np.intp)
    rank[order] = np.arange(len(names))
    return rank[codes], tuple(names[i] for i in order)


def label_order(name: str) -> tuple[bool, float, str]:
    """Sort key of labels: numbers by value, then everything else by its letters."""
    number = float(name) if _NUMBER.fullmatch(name) else None
    return number is None, number or 0.0, name


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else np.inf


def _label(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
