"""From checked rows to paired scores: one proxy against the target on one benchmark."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.tables.table import Table

MACRO = "macro"
TARGET_MEASURE = "accuracy"

_DIGITS = 13  # float sums of equal scores differ in the last digits: a tie must stay a tie

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Runs:
    """Single training runs: one entry per variant and seed."""

    variant: Codes
    seed: Codes
    score: Floats


@dataclass(frozen=True)
class Side:
    """What one rung (size and samples) scored on one benchmark."""

    mean: Floats
    """Seed mean per variant of the table; NaN where there is no score."""
    runs: Runs

    @property
    def seeds(self) -> Codes:
        """Number of scored seeds per variant of the table."""
        return np.bincount(self.runs.variant, minlength=len(self.mean))


@dataclass(frozen=True)
class Rung:
    """A proxy or the target: a size trained on a number of samples."""

    size: float
    samples: float | None


@dataclass(frozen=True)
class PairedScores:
    """The variants that one proxy and the target have in common; higher is better."""

    proxy: Rung
    target: Rung
    benchmark: str | None
    averaged: tuple[str | None, ...]
    """The benchmarks behind the scores: itself, or those of the macro."""
    variants: Codes
    """Codes of the n common variants in the table."""
    x: Floats
    """Seed means at the proxy, shape (n,)."""
    y: Floats
    """Seed means at the target, shape (n,)."""
    proxy_runs: Runs
    """Runs at the proxy; variants are numbered 0..n-1."""
    target_runs: Runs
    levels: dict[str, Codes]
    """Per factor, the level codes of the n variants."""
    benchmarks_left_out: int = 0
    """Benchmarks that the macro cannot use: not scored at both the proxy and the target."""

    @property
    def n(self) -> int:
        """Number of common variants."""
        return len(self.variants)

    def restricted_to(self, other: "PairedScores") -> "PairedScores":
        """The same scores on the variants that another pair has too."""
        kept = np.flatnonzero(np.isin(self.variants, other.variants))
        return replace(
            self,
            variants=self.variants[kept],
            x=self.x[kept],
            y=self.y[kept],
            proxy_runs=_renumbered(self.proxy_runs, kept),
            target_runs=_renumbered(self.target_runs, kept),
            levels={factor: codes[kept] for factor, codes in self.levels.items()},
        )


class Scores:
    """All sides of a table, oriented so that higher is better."""

    def __init__(self, table: Table, lower_is_better: Collection[str | None]) -> None:
        """Average the seeds of every cell.

        Args:
            table: the checked table.
            lower_is_better: benchmarks whose sign is turned.
        """
        self.table = table
        self._sides: dict[tuple[int, int, Rung], Side] = {}
        samples = np.zeros_like(table.size) if table.samples is None else table.samples
        turned = np.isin(
            table.benchmark, [table.benchmarks.index(name) for name in lower_is_better]
        )
        score = np.where(turned, -table.score, table.score)
        cell = (samples, table.size, table.benchmark, table.measure)
        order = np.lexsort((table.seed, table.variant, *cell))
        changes = np.any([np.diff(key[order]) != 0 for key in cell], axis=0)
        for rows in np.split(order, np.flatnonzero(changes) + 1):
            first = rows[0]
            rung = Rung(float(table.size[first]), self._samples(samples[first]))
            key = int(table.measure[first]), int(table.benchmark[first]), rung
            rows = rows[~np.isnan(score[rows])]
            runs = Runs(table.variant[rows], table.seed[rows], score[rows])
            self._sides[key] = Side(_seed_means(runs, len(table.variants)), runs)
        self.rungs = sorted({key[2] for key in self._sides}, key=lambda r: (r.size, r.samples or 0))

    def _samples(self, value: float) -> float | None:
        return None if self.table.samples is None else float(value)

    def side(self, rung: Rung, benchmark: str | None, measure: str | None) -> Side:
        """Scores of a rung on one benchmark; empty where the table has none."""
        table = self.table
        key = table.measures.index(measure), table.benchmarks.index(benchmark), rung
        none = np.zeros(0, np.intp)
        empty = Side(np.full(len(table.variants), np.nan), Runs(none, none, np.zeros(0)))
        return self._sides.get(key, empty)

    def means(self, rung: Rung, benchmark: str | None, measure: str | None) -> Floats:
        """Seed mean of every variant of the table at one rung; for macro over all it scored."""
        if not self._is_macro(benchmark):
            return self.side(rung, benchmark, measure).mean
        sides = [self.side(rung, name, measure) for name in self.table.benchmarks]
        return _macro([s for s in sides if len(s.runs.score)], len(self.table.variants)).mean

    def _is_macro(self, benchmark: str | None) -> bool:
        return benchmark == MACRO and len(self.table.benchmarks) > 1

    def pair(
        self, proxy: Rung, target: Rung, benchmark: str | None, measures: tuple[str | None, ...]
    ) -> PairedScores:
        """Join a proxy and the target on the variants that both scored.

        Args:
            proxy: the rung that predicts.
            target: the rung that decides.
            benchmark: one benchmark, or `MACRO` for all that both rungs were scored on.
            measures: the proxy's measure and the target's.
        """
        macro = self._is_macro(benchmark)
        names = self.table.benchmarks if macro else (benchmark,)
        sides = [
            [self.side(rung, name, measure) for name in names]
            for rung, measure in zip((proxy, target), measures, strict=True)
        ]
        if macro:
            common = [b for b in range(len(names)) if all(len(s[b].runs.score) for s in sides)]
            x, y = (_macro([side[b] for b in common], len(self.table.variants)) for side in sides)
        else:
            common = [0]
            (x,), (y,) = sides
        variants = np.flatnonzero(~np.isnan(x.mean) & ~np.isnan(y.mean))
        return PairedScores(
            proxy=proxy,
            target=target,
            benchmark=benchmark,
            averaged=tuple(names[b] for b in common),
            variants=variants,
            x=x.mean[variants],
            y=y.mean[variants],
            proxy_runs=_renumbered(x.runs, variants),
            target_runs=_renumbered(y.runs, variants),
            levels={factor: codes[variants] for factor, codes in self.table.level.items()},
            benchmarks_left_out=len(names) - len(common),
        )

    def seeds(self, rung: Rung, benchmark: str | None, measure: str | None) -> int:
        """Smallest number of seeds per scored variant at a rung; over all benchmarks for macro."""
        counts = [
            count[count > 0]
            for name in (self.table.benchmarks if self._is_macro(benchmark) else (benchmark,))
            for count in [self.side(rung, name, measure).seeds]
        ]
        return min((int(count.min()) for count in counts if len(count)), default=0)

    def cost(self, rung: Rung) -> float | None:
        """Mean cost of one run at a rung, None when the table gives none."""
        table = self.table
        if table.cost is None:
            return None
        rows = table.size == rung.size
        if table.samples is not None:
            rows &= table.samples == rung.samples
        costs = np.sort(table.cost[rows & ~np.isnan(table.cost)])
        return float(costs.mean()) if len(costs) else None


def _seed_means(runs: Runs, variants: int) -> Floats:
    count = np.bincount(runs.variant, minlength=variants)
    total = np.bincount(runs.variant, weights=runs.score, minlength=variants)
    with np.errstate(invalid="ignore"):
        means = np.where(count > 0, total / count, np.nan)
    return rounded(means, float(np.abs(runs.score).max(initial=0.0)))


def rounded(means: Floats, scale: float) -> Floats:
    """Means without the float noise of their sums, so that ties stay ties.

    Args:
        means: NaN stays.
        scale: largest magnitude of what was averaged.
    """
    if scale < 1e-100:
        return means
    return np.round(means, _DIGITS - int(np.floor(np.log10(scale))))


def _macro(sides: list[Side], variants: int) -> Side:
    """Mean over benchmarks of scores standardised over variants; only variants with all of them."""
    total = np.zeros(variants) if sides else np.full(variants, np.nan)
    runs: dict[tuple[int, int], list[float]] = {}
    for side in sides:
        present = side.mean[~np.isnan(side.mean)]
        centre, reach = present.mean(), float(np.ptp(present)) or np.inf
        # in units of the range first: the squares of tiny scores would vanish
        spread = (present / reach).std(ddof=1) if np.isfinite(reach) else 1.0
        total += (side.mean - centre) / reach / spread
        standardised = (side.runs.score - centre) / reach / spread
        for variant, seed, score in zip(
            side.runs.variant.tolist(), side.runs.seed.tolist(), standardised.tolist(), strict=True
        ):
            runs.setdefault((variant, seed), []).append(score)
    whole = sorted(
        (variant, seed, sum(scores) / len(scores))
        for (variant, seed), scores in runs.items()
        if len(scores) == len(sides)
    )
    codes = np.array([run[:2] for run in whole], np.intp).reshape(-1, 2)
    scores = np.array([run[2] for run in whole], float)
    return Side(
        rounded(total / max(len(sides), 1), scale=1.0), Runs(codes[:, 0], codes[:, 1], scores)
    )


def _renumbered(runs: Runs, variants: Codes) -> Runs:
    kept = np.isin(runs.variant, variants)
    return Runs(np.searchsorted(variants, runs.variant[kept]), runs.seed[kept], runs.score[kept])
