"""Which measure of the proxy predicts the target's accuracy: accuracy itself, or a likelihood?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.statistics.curve import Comparison, Interval, paired_difference
from analysis.tables.pairs import TARGET_MEASURE


@dataclass(frozen=True)
class MeasureAgreement:
    """Agreement of one measure at one proxy with accuracy at the target."""

    size: float
    samples: float | None
    measure: str
    n: int
    r: float | None
    r2: float | None
    decision_accuracy: float | None
    delta_r2: float | None
    """r2 minus that of accuracy at this proxy, on the variants that have both."""
    ci95: Interval | None

    @property
    def better(self) -> bool | None:
        """Whether it predicts better than accuracy does; None where that is open."""
        if self.r is None or self.ci95 is None or self.ci95[0] <= 0 <= self.ci95[1]:
            return None
        return self.ci95[0] > 0 and self.r > 0


def compare_measures(by_measure: Mapping[str, Sequence[Comparison]]) -> list[MeasureAgreement]:
    """Judge every measure at every proxy.

    Args:
        by_measure: measure -> its comparisons with the target's accuracy, in the same order of
            proxies; accuracy is one of them.
    """
    found = []
    for measure, comparisons in by_measure.items():
        for own, accuracy in zip(comparisons, by_measure[TARGET_MEASURE], strict=True):
            point = own.point
            paired = None
            if measure != TARGET_MEASURE:
                paired = paired_difference(own, accuracy, 0.975)
            found.append(
                MeasureAgreement(
                    size=point.size,
                    samples=point.samples,
                    measure=measure,
                    n=point.n,
                    r=point.r,
                    r2=point.r2,
                    decision_accuracy=point.decision_accuracy,
                    delta_r2=paired[0] if paired else None,
                    ci95=paired[1:] if paired else None,
                )
            )
    return sorted(found, key=lambda one: (-one.size, -(one.samples or 0), one.measure))
