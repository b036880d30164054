"""The table of scores: read from a file, checked cell by cell, turned into arrays."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

REQUIRED = ("variant", "size", "score")
OPTIONAL = ("benchmark", "seed", "samples", "cost", "measure")
NO_LEVEL = "(none)"  # the level of a variant whose factor cell is empty

_LIMIT = 1e100  # squares of anything larger overflow
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Table:
    """A checked table of scores: one entry per row in every array of codes or numbers."""

    variants: tuple[str, ...]
    benchmarks: tuple[str | None, ...]
    """Sorted names; `(None,)` when the table has no benchmark column."""
    measures: tuple[str | None, ...]
    levels: dict[str, tuple[str, ...]]
    """Per factor, its sorted levels."""
    level: dict[str, NDArray[np.intp]]
    """Per factor, the level code of each variant, shape (variants,)."""
    variant: NDArray[np.intp]
    benchmark: NDArray[np.intp]
    measure: NDArray[np.intp]
    seed: NDArray[np.intp]
    size: NDArray[np.float64]
    samples: NDArray[np.float64] | None
    score: NDArray[np.float64]
    """NaN is a missing cell."""
    cost: NDArray[np.float64] | None


def read_table(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a CSV or Parquet file of scores; the content decides which of the two it is.

    Args:
        path: the file. CSV is UTF-8 with commas and a header; every cell stays text here.
        columns: our column name -> the name in the file, for those that differ.

    Returns:
        The rows, indexed by their number in the file (a CSV header is row 1), with our column names.

    Raises:
        ValueError: one line, when the file cannot be read, has no rows or lacks a named column.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            parquet = file.read(4) == b"PAR1"
        frame = pd.read_parquet(path) if parquet else _read_csv(path)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except Exception as error:  # parsers raise many types; the reader needs the first line of any
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: cannot be read as CSV or Parquet: {reason}") from None
    frame.attrs["source"] = str(path)
    for ours, theirs in (columns or {}).items():
        _column(frame, theirs)
        if ours not in REQUIRED + OPTIONAL:
            choices = ", ".join(REQUIRED + OPTIONAL)
            raise ValueError(f"cannot map column {theirs!r} to {ours!r}; choose from {choices}")
    mapped = {ours: frame[theirs] for ours, theirs in (columns or {}).items()}
    return frame.assign(**mapped)


def _read_csv(path: Path) -> pd.DataFrame:
    cells = pd.read_csv(
        path,
        header=None,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        compression=None,
        encoding="utf-8-sig",
    )
    cells.index += 1
    cells = cells.dropna(how="all")
    if cells.empty:
        raise ValueError("the file is empty")
    frame = cells.iloc[1:]
    frame.columns = pd.Index(["" if pd.isna(name) else name.strip() for name in cells.iloc[0]])
    return frame


def check_table(frame: pd.DataFrame, factors: Sequence[str] = ()) -> Table:
    """Check every cell the analysis uses.

    Args:
        frame: columns `variant, size, score`, the optional ones of `OPTIONAL`, and the factors.
        factors: names of the columns that hold each variant's level on a design factor.

    Raises:
        ValueError: one line naming the file if known, the column, row, value or variant at fault.
    """
    for factor in factors:
        if factor in REQUIRED + OPTIONAL:
            _fail(frame, f"column {factor!r} cannot be a factor: it has a meaning of its own")
    for name in (*REQUIRED, *factors):
        _column(frame, name)
    if not len(frame):
        _fail(frame, "the table has no rows")

    optional = {
        name: frame[name]
        for name in OPTIONAL
        if name in frame.columns and not _missing(_column(frame, name)).all()
    }
    variant, variants = _labels(frame, "variant")
    if "benchmark" in optional:
        benchmark, benchmarks = _labels(frame, "benchmark")
    else:
        benchmark, benchmarks = np.zeros_like(variant), (None,)
    if "measure" in optional:
        measure, measures = _labels(frame, "measure")
    else:
        measure, measures = np.zeros_like(variant), (None,)
    seed = (
        _labels(frame, "seed", empty="")[0] if "seed" in optional else np.zeros_like(variant)
    )
    factor_codes = {factor: _labels(frame, factor, empty=NO_LEVEL) for factor in factors}
    table = Table(
        variants=variants,
        benchmarks=benchmarks,
        measures=measures,
        levels={factor: names for factor, (_, names) in factor_codes.items()},
        level={
            factor: _level_of_variant(frame, factor, codes, names, variant, variants)
            for factor, (codes, names) in factor_codes.items()
        },
        variant=variant,
        benchmark=benchmark,
        measure=measure,
        seed=seed,
        size=_numbers(frame, "size", positive=True),
        samples=_numbers(frame, "samples", positive=True) if "samples" in optional else None,
        score=_numbers(frame, "score", empty=True),
        cost=_numbers(frame, "cost", empty=True) if "cost" in optional else None,
    )
    _check_duplicates(frame, table)
    return table


def _fail(frame: pd.DataFrame, message: str) -> NoReturn:
    source = frame.attrs.get("source")
    raise ValueError(f"{source}: {message}" if source else message)


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    found = int((frame.columns == name).sum())
    if found == 1:
        return frame[name]
    if found:
        _fail(frame, f"{found} columns are called {name!r}")
    present = ", ".join(repr(str(column)) for column in frame.columns[:12]) or "none"
    _fail(frame, f"no column {name!r}; the columns are {present}")


def _missing(column: "pd.Series[Any]") -> NDArray[np.bool_]:
    missing = column.isna().to_numpy(bool)
    if column.dtype.kind not in "biuf":
        missing = missing | (column.astype(str).str.strip() == "").to_numpy(bool)
    return missing


def _fail_at(frame: pd.DataFrame, name: str, position: int, problem: str) -> NoReturn:
    value = frame[name].iloc[position]
    shown = "an empty cell" if _missing(frame[name].iloc[[position]])[0] else repr(str(value))[:60]
    _fail(frame, f"column {name!r}, row {frame.index[position]}: {shown} {problem}")


def _numbers(
    frame: pd.DataFrame, name: str, *, empty: bool = False, positive: bool = False
) -> NDArray[np.float64]:
    column = frame[name]
    missing = _missing(column)
    if column.dtype.kind in "biuf" and isinstance(column.dtype, np.dtype):
        values = column.to_numpy(float)
    else:
        codes, uniques = pd.factorize(column.astype(str).to_numpy(object))
        parsed = [
            float(text) if _NUMBER.fullmatch(text) else np.inf for text in map(str.strip, uniques)
        ]
        values = np.where(missing, np.nan, np.array(parsed, float)[codes])
    # written so that NaN, which is neither above nor below, counts as bad where it is not missing
    bad = ~missing & ~(np.abs(values) <= _LIMIT)
    if not empty:
        bad |= missing
    if bad.any():
        _fail_at(frame, name, int(bad.argmax()), "is not a finite number")
    if positive and (values <= 0).any():
        _fail_at(frame, name, int((values <= 0).argmax()), "is not a positive number")
    return values


def _labels(
    frame: pd.DataFrame, name: str, *, empty: str | None = None
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Code a column by its sorted distinct labels, so that the order of rows leaves no trace."""
    column = frame[name]
    missing = _missing(column)
    if missing.any() and empty is None:
        _fail_at(frame, name, int(missing.argmax()), f"names no {name}")
    codes, uniques = pd.factorize(column.to_numpy(object), use_na_sentinel=False)
    texts = np.array([_label(unique) for unique in uniques], dtype=object)[codes]
    if missing.any():
        texts[missing] = empty
    codes, names = pd.factorize(texts)
    order = sorted(range(len(names)), key=lambda i: _label_order(names[i]))
    rank = np.empty(len(names), np.intp)
    rank[order] = np.arange(len(names))
    return rank[codes], tuple(names[i] for i in order)


def _label(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _label_order(name: str) -> tuple[bool, float, str]:
    number = float(name) if _NUMBER.fullmatch(name) else None
    return number is None, number or 0.0, name


def _level_of_variant(
    frame: pd.DataFrame,
    factor: str,
    codes: NDArray[np.intp],
    names: tuple[str, ...],
    variant: NDArray[np.intp],
    variants: tuple[str, ...],
) -> NDArray[np.intp]:
    level = np.zeros(len(variants), np.intp)
    level[variant] = codes
    clash = level[variant] != codes
    if clash.any():
        row = int(clash.argmax())
        which = variants[variant[row]]
        two = sorted({names[codes[row]], names[level[variant[row]]]}, key=_label_order)
        _fail(frame, f"variant {which!r} has two levels of factor {factor!r}: {two[0]!r}, {two[1]!r}")
    return level


def _check_duplicates(frame: pd.DataFrame, table: Table) -> None:
    keys = [table.seed, table.variant, table.benchmark, table.measure, table.size]
    if table.samples is not None:
        keys.append(table.samples)
    order = np.lexsort(keys)
    same = np.ones(len(order) - 1, bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    if same.any():
        at = int(same.argmax())
        first, second = sorted((int(order[at]), int(order[at + 1])))
        rows = f"rows {frame.index[first]} and {frame.index[second]}"
        cell = ", ".join(
            f"{name} {str(frame[name].iloc[first])!r}"
            for name in ("variant", "size", "samples", "benchmark", "measure", "seed")
            if name in frame.columns
        )
        _fail(frame, f"{rows}: two rows for one cell ({cell})")
