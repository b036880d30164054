"""The 84 published scores of the paper (arXiv 2412.10360, Sec. 3) analysed again, and further."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fit import FitResult, fit
from analysis.pages.sheets import Sheet
from analysis.pages.verdict import interval_of
from analysis.tables.published import consistency
from analysis.words import figure, size_name

FACTORS = ("setting", "mixture")
BROKEN = "7"
"""The setting far below the others at every size, most likely unfrozen vision towers (Sec. 5.2)."""
PRINTED = {
    (4e9, 7e9): 0.938, (1.5e9, 7e9): 0.831, (5e8, 7e9): 0.694,
    (1.5e9, 4e9): 0.903, (5e8, 4e9): 0.772, (5e8, 1.5e9): 0.736,
}  # fmt: skip
"""Proxy and target -> R² as printed in Fig. 15."""
PRINTED_LINE = 0.12, 0.78
"""R² to 7B = slope * ln(size in billions) + start (Fig. 3, left)."""
THRESHOLDS = (0.8, 0.9)


@dataclass(frozen=True)
class Part:
    """The agreement of some of the designs with 7B, per proxy size."""

    name: str
    r2: dict[float, float | None]
    r: dict[float, float | None]
    within_r2: dict[float, float | None]
    """After removing each mixture's mean."""
    within_r: dict[float, float | None]
    within_decision_accuracy: dict[float, float]
    """Over the pairs of designs with the same mixture."""


@dataclass(frozen=True)
class Reanalysis:
    """All figures of the re-analysis."""

    frame: pd.DataFrame
    result: FitResult
    """Of all 21 designs against 7B, with both factors declared."""
    pairs: dict[tuple[float, float], float]
    """Proxy and target -> R², for every two sizes."""
    line: tuple[float, float]
    """Slope and start of R² on ln(size in billions), through three proxies and 7B itself."""
    shares: dict[str, float]
    """Parts of the variance of the 21 scores at 7B, adding up to 1."""
    every: Part
    sane: Part
    """Without the broken setting."""
    certified: dict[float, float | None]
    """Threshold of R² -> smallest certified size."""

    @property
    def sizes(self) -> tuple[float, ...]:
        """Proxy sizes, largest first."""
        return tuple(point.size for point in self.result.headline)


def reanalyse() -> Reanalysis:
    """Analyse the published scores again; takes well under a second."""
    frame = consistency()
    result = fit(frame, factors=FACTORS)
    pairs = {
        (point.size, target): point.r2
        for target in sorted(frame["size"].unique())[1:]
        for point in fit(frame, target=float(target)).curve
        if point.r2 is not None
    }
    known = {point.size: point.r2 for point in result.headline if point.r2 is not None}
    return Reanalysis(
        frame=frame,
        result=result,
        pairs=pairs,
        line=log_line(known | {result.target.size: 1.0}),
        shares=variance_shares(frame[frame["size"] == result.target.size]),
        every=_part("all 21 designs", frame),
        sane=_part(f"without setting {BROKEN}", frame[frame.setting != BROKEN]),
        certified={
            threshold: fit(frame, factors=FACTORS, threshold=threshold).critical_size.certified
            for threshold in THRESHOLDS
        },
    )


def log_line(r2: dict[float, float]) -> tuple[float, float]:
    """Least-squares slope and start of R² on ln(size in billions)."""
    slope, start = np.polyfit(np.log(np.array(list(r2)) / 1e9), list(r2.values()), 1)
    return float(slope), float(start)


def variance_shares(scores: pd.DataFrame) -> dict[str, float]:
    """Sums of squares of one size's scores by mixture and setting, as parts of the total.

    The design is crossed and complete, so that the parts add up; the broken setting against all
    others is taken out of the setting's part.
    """
    mean = scores.score.mean()
    total = float(((scores.score - mean) ** 2).sum())

    def explained(by: "pd.Series[str] | pd.Series[bool]") -> float:
        return float(((scores.score.groupby(by).transform("mean") - mean) ** 2).sum()) / total

    mixture, setting = explained(scores.mixture), explained(scores.setting)
    broken = explained(scores.setting == BROKEN)
    return {
        "mixture": mixture,
        f"setting {BROKEN} against the rest": broken,
        "other settings": setting - broken,
        "rest": 1 - mixture - setting,
    }


def claims_sheet(found: Reanalysis) -> Sheet:
    """What the paper prints next to what its scores say, a column per proxy size."""
    points = found.result.headline
    rows = [
        ("R², as printed", *(figure(PRINTED[p.size, 7e9]) for p in points)),
        ("R², recomputed", *(figure(p.r2) for p in points)),
        ("its 95% interval", *(_brackets(interval_of(p, "r2")) for p in points)),
        ("R² certified with 95% confidence", *(figure(p.r2_lower_one_sided) for p in points)),
        ("pairs decided as at 7B", *(figure(p.decision_accuracy) for p in points)),
        ("its 95% interval", *(_brackets(p.decision_accuracy_ci95) for p in points)),
        ("regret of the proxy's pick, points", *(f"{p.regret:.2f}" for p in points)),
    ]
    rows.append((f"R² {found.sane.name}", *(figure(found.sane.r2[s]) for s in found.sizes)))
    for part, which in ((found.every, ""), (found.sane, f", {found.sane.name}")):
        within = [_signed(part.within_r[s], part.within_r2[s]) for s in found.sizes]
        alike = [figure(part.within_decision_accuracy[s]) for s in found.sizes]
        rows.append((f"R² within mixtures{which}", *within))
        rows.append((f"pairs within mixtures decided alike{which}", *alike))
    return Sheet("agreement with 7B", ("", *map(size_name, found.sizes)), tuple(rows))


def pairs_sheet(found: Reanalysis) -> Sheet:
    """R² of every two sizes, printed and recomputed (Fig. 15)."""
    rows = [
        (f"{size_name(proxy)} and {size_name(target)}", figure(printed), figure(again))
        for (proxy, target), printed in PRINTED.items()
        for again in [found.pairs[proxy, target]]
    ]
    return Sheet("R² of every two sizes", ("", "printed", "recomputed"), tuple(rows))


def _part(name: str, frame: pd.DataFrame) -> Part:
    result = fit(frame, factors=FACTORS)
    within = {entry.size: entry for entry in result.centred if entry.by == ("mixture",)}
    mixtures = [fit(rows) for _, rows in frame.groupby("mixture")]
    same: dict[float, list[float]] = {}
    for mixture in mixtures:
        for point in mixture.headline:
            same.setdefault(point.size, []).append(point.decision_accuracy or 0.0)
    return Part(
        name=name,
        r2={point.size: point.r2 for point in result.headline},
        r={point.size: point.r for point in result.headline},
        within_r2={size: entry.r2 for size, entry in within.items()},
        within_r={size: entry.r for size, entry in within.items()},
        # Every mixture has as many pairs as the others.
        within_decision_accuracy={size: float(np.mean(parts)) for size, parts in same.items()},
    )


def _brackets(limits: tuple[float, float] | None) -> str:
    return f"[{figure(limits[0])}, {figure(limits[1])}]" if limits else "-"


def _signed(r: float | None, r2: float | None) -> str:
    return f"{figure(r2)}\nr {figure(r)}"
