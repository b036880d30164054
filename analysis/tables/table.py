"""The table of scores: read from a file, checked cell by cell, turned into arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.tables.columns import column, empty_cells, fail, fail_at, label_order, labels, numbers

REQUIRED = ("variant", "size", "score")
OPTIONAL = ("benchmark", "seed", "samples", "cost", "measure")
NO_LEVEL = "(none)"  # the level of a variant whose factor cell is empty

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Table:
    """A checked table of scores: one entry per row in every array of codes or numbers."""

    variants: tuple[str, ...]
    benchmarks: tuple[str | None, ...]
    """Sorted names; `(None,)` when the table has no benchmark column."""
    measures: tuple[str | None, ...]
    levels: dict[str, tuple[str, ...]]
    """Per factor, its sorted levels."""
    level: dict[str, Codes]
    """Per factor, the level code of each variant, shape (variants,)."""
    variant: Codes
    benchmark: Codes
    measure: Codes
    seed: Codes
    size: NDArray[np.float64]
    samples: NDArray[np.float64] | None
    score: NDArray[np.float64]
    """NaN is a missing cell."""
    cost: NDArray[np.float64] | None


@dataclass(frozen=True)
class Scale:
    """Where a benchmark's scores begin to mean something and where they end, in score units."""

    chance: float
    top: float


def read_table(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of scores for `fit`.

    Args:
        path: a CSV (UTF-8, commas, header) or Parquet file.
        columns: our column name -> the name in the file, for those that differ.

    Raises:
        ValueError: one line, when the file cannot be read or a column cannot be mapped.
    """
    frame = _read(Path(path))
    mapped = {}
    for ours, theirs in (columns or {}).items():
        if ours not in REQUIRED + OPTIONAL:
            choices = ", ".join(REQUIRED + OPTIONAL)
            raise ValueError(f"cannot map column {theirs!r} to {ours!r}; choose from {choices}")
        mapped[ours] = column(frame, theirs)
    return frame.drop(columns=[ours for ours in mapped if ours in frame]).assign(**mapped)


def read_questions(path: str | Path) -> pd.DataFrame:
    """Read a file of single answers for `fit`; `analysis.statistics.questions` says its columns.

    Raises:
        ValueError: one line, when the file cannot be read.
    """
    return _read(Path(path))


def check_table(frame: pd.DataFrame, factors: Sequence[str] = ()) -> Table:
    """Check every cell the analysis uses.

    Args:
        frame: columns `variant, size, score`, those of `OPTIONAL` it has, and the factors. An
            optional column without any value counts as absent.
        factors: names of the columns that hold each variant's level on a design factor.

    Raises:
        ValueError: one line naming the file if known, the column, row, value or variant at fault.
    """
    for name in (*REQUIRED, *factors):
        column(frame, name)
    if not len(frame):
        fail(frame, "the table has no rows")
    for factor in factors:
        if factor in REQUIRED + OPTIONAL:
            fail(frame, f"column {factor!r} cannot be a factor: it has a meaning of its own")
    present = {
        name
        for name in OPTIONAL
        if name in frame.columns and not empty_cells(column(frame, name)).all()
    }
    variant, variants = labels(frame, "variant")
    one = np.zeros_like(variant), (None,)
    benchmark, benchmarks = labels(frame, "benchmark") if "benchmark" in present else one
    measure, measures = labels(frame, "measure") if "measure" in present else one
    seed, _ = labels(frame, "seed", empty_label="") if "seed" in present else one
    levels = {factor: labels(frame, factor, empty_label=NO_LEVEL) for factor in factors}
    table = Table(
        variants=variants,
        benchmarks=benchmarks,
        measures=measures,
        levels={factor: names for factor, (_, names) in levels.items()},
        level={
            factor: _level_of_variant(frame, factor, level, variant, variants)
            for factor, level in levels.items()
        },
        variant=variant,
        benchmark=benchmark,
        measure=measure,
        seed=seed,
        size=numbers(frame, "size", positive=True),
        samples=numbers(frame, "samples", positive=True) if "samples" in present else None,
        score=numbers(frame, "score", may_be_empty=True),
        cost=numbers(frame, "cost", may_be_empty=True) if "cost" in present else None,
    )
    if table.cost is not None and (table.cost < 0).any():
        fail_at(frame, "cost", int((table.cost < 0).argmax()), "is negative")
    _forbid_duplicates(frame, table)
    return table


def _read(path: Path) -> pd.DataFrame:
    """Read CSV or Parquet, as the content says; rows keep their number, a header being row 1."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        frame = _read_parquet(path) if is_parquet else _read_csv(path)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except Exception as error:  # parsers raise many types; any of them means the file is unusable
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: cannot be read as CSV or Parquet: {reason}") from None
    frame.attrs["source"] = str(path)
    return frame


def _read_parquet(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path).reset_index(drop=True)
    frame.index += 1
    return frame


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig") as file:  # pandas counts columns in the very first line
        blank = sum(1 for _ in takewhile(lambda line: not line.strip(), file))
    cells = pd.read_csv(
        path,
        header=None,
        skiprows=blank,
        dtype=str,
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        compression=None,
        encoding="utf-8-sig",
    )
    cells.index += blank + 1
    cells = cells.dropna(how="all")
    frame = cells.iloc[1:]
    frame.columns = pd.Index(["" if pd.isna(name) else name.strip() for name in cells.iloc[0]])
    return frame


def _level_of_variant(
    frame: pd.DataFrame,
    factor: str,
    level: tuple[Codes, tuple[str, ...]],
    variant: Codes,
    variants: tuple[str, ...],
) -> Codes:
    codes, names = level
    own = np.zeros(len(variants), np.intp)
    own[variant] = codes
    clash = own[variant] != codes
    if clash.any():
        row = int(clash.argmax())
        first, second = sorted((names[codes[row]], names[own[variant[row]]]), key=label_order)
        who = variants[variant[row]]
        fail(frame, f"variant {who!r} has two levels of factor {factor!r}: {first!r}, {second!r}")
    return own


def _forbid_duplicates(frame: pd.DataFrame, table: Table) -> None:
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
        cell = ", ".join(
            f"{name} {str(frame[name].iloc[first])[:60]!r}"
            for name in ("variant", "size", "samples", "benchmark", "measure", "seed")
            if name in frame.columns
        )
        rows = f"rows {frame.index[first]} and {frame.index[second]}"
        fail(frame, f"{rows}: two rows for one cell ({cell})")
