"""What the caller asks for, checked against what the table has."""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np

from analysis.tables.pairs import MACRO, TARGET_MEASURE, Rung
from analysis.tables.table import Table


def benchmarks_of(table: Table) -> list[str | None]:
    """Every benchmark that is fitted: those of the table, and their macro if there are several."""
    return [*table.benchmarks, *([MACRO] if len(table.benchmarks) > 1 else [])]


def headline_of(table: Table, benchmark: str | None) -> str | None:
    """The benchmark that the verdict is about: the one asked for, else `macro` or the only one.

    Raises:
        ValueError: there is no such benchmark, or one is called `macro`.
    """
    if len(table.benchmarks) > 1 and MACRO in table.benchmarks:
        raise ValueError(
            f"column 'benchmark': {MACRO!r} is the mean of all, not a benchmark's name"
        )
    names = benchmarks_of(table)
    if benchmark is None:
        return names[-1]
    if benchmark not in names:
        choices = ", ".join(name for name in names if name) or "none: there is no benchmark column"
        raise ValueError(f"unknown benchmark {benchmark!r}; the benchmarks are {choices}")
    return benchmark


def turned(
    table: Table, lower_is_better: Literal["all"] | Collection[str]
) -> Collection[str | None]:
    """The benchmarks whose sign is turned, so that more is better.

    Raises:
        ValueError: there is no such benchmark.
    """
    if lower_is_better == "all":
        return table.benchmarks
    chosen = [lower_is_better] if isinstance(lower_is_better, str) else list(lower_is_better)
    for name in chosen:
        if name not in table.benchmarks:
            choices = ", ".join(b for b in table.benchmarks if b) or "all: there is no such column"
            raise ValueError(
                f"unknown benchmark {name!r} in lower_is_better; choose from {choices}"
            )
    return chosen


def measures_of(table: Table, proxy_measure: str) -> tuple[str | None, str | None]:
    """The measures that judge the proxy and the target; None where the table tells none apart.

    Raises:
        ValueError: the table has no such measure.
    """
    if table.measures == (None,):
        if proxy_measure != TARGET_MEASURE:
            raise ValueError(f"no column 'measure' to find proxy measure {proxy_measure!r} in")
        return None, None
    for name in (proxy_measure, TARGET_MEASURE):
        if name not in table.measures:
            choices = ", ".join(m for m in table.measures if m)
            raise ValueError(f"column 'measure' holds no {name!r}; the measures are {choices}")
    return proxy_measure, TARGET_MEASURE


def target_of(rungs: Sequence[Rung], size: float | None) -> Rung:
    """The rung that decides: a size's largest samples; one that is not in the table has none.

    Raises:
        ValueError: the size is no finite number.
    """
    if size is None:
        return rungs[-1]
    if not np.isfinite(size):
        raise ValueError(f"target {size} is not a finite number")
    return next((r for r in reversed(rungs) if r.size == size), Rung(float(size), None))
