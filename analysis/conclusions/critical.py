"""The critical size and the critical data size, each with a confidence statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.statistics.curve import MIN_VARIANTS, Comparison, paired_difference
from analysis.words import count_name, figure, size_name

DELTA = 0.05  # how much r2 less data may cost


@dataclass(frozen=True)
class CriticalSize:
    """Smallest size such that it and every larger one agree with the target, as far as certain."""

    metric: str
    threshold: float
    confidence: float
    status: str
    """`certified`, `none` or `refused`."""
    certified: float | None
    plausible: tuple[float, ...]
    excluded: tuple[float, ...]
    reason: str


@dataclass(frozen=True)
class CriticalSamples:
    """Smallest data size such that it and every larger one agree as well as the largest."""

    size: float
    delta: float
    confidence: float
    status: str
    certified: float | None
    plausible: tuple[float, ...]
    excluded: tuple[float, ...]
    reason: str


@dataclass(frozen=True)
class SizeDifference:
    """r2 of two neighbouring proxy sizes on the same variants, a the larger size."""

    size_a: float
    size_b: float
    delta_r2: float
    ci95: tuple[float, float]


def largest_samples(comparisons: Sequence[Comparison], target_size: float) -> list[Comparison]:
    """Per size below the target, the proxy with most samples that can be judged; largest first.

    A size that can be judged at no data size stands in with its largest.
    """
    best: dict[float, Comparison] = {}
    for comparison in comparisons:
        size = comparison.rung.size
        if size == target_size:
            continue
        rank = (comparison.pair.n >= MIN_VARIANTS, comparison.rung.samples or 0)
        held = best.get(size)
        if held is None or rank > (held.pair.n >= MIN_VARIANTS, held.rung.samples or 0):
            best[size] = comparison
    return [best[size] for size in sorted(best, reverse=True)]


def critical_size(
    proxies: Sequence[Comparison], metric: str, threshold: float, confidence: float
) -> CriticalSize:
    """Test from the largest proxy down that the metric reaches the threshold; stop at a failure.

    The fixed sequence names too small a size with probability at most 1 - confidence, without a
    penalty for the number of sizes.

    Args:
        proxies: one per size, largest first (`largest_samples`).
        metric: `r2` or `decision_accuracy`.
        threshold: that it has to reach.
        confidence: of each one-sided limit.
    """
    judged = [(p, p.point.judged_by(metric)) for p in proxies]
    certified: float | None = None
    stopped = ""
    for proxy, figures in judged:
        name = size_name(proxy.rung.size)
        if figures is None:
            stopped = f"{name} cannot be judged ({_why_not(proxy)})"
            break
        if figures[1] < threshold:
            stopped = (
                f"at {name} the lower limit is {figure(figures[1])} (observed {figure(figures[0])})"
            )
            break
        certified = proxy.rung.size
    known = [(p.rung.size, figures) for p, figures in judged if figures is not None]
    held = len(known) and certified is not None
    label = "R2" if metric == "r2" else "decision accuracy"
    claim = f"{label} >= {threshold:g} with {100 * confidence:.4g}% confidence"
    if not known:
        status, reason = "refused", _refusal(proxies)
    elif held:
        status = "certified"
        reason = f"every size from {size_name(certified or 0)} up shows {claim}"
        reason += f"; {stopped}." if stopped else "."
    else:
        status, reason = "none", f"No size shows {claim}: {stopped}."
    return CriticalSize(
        metric=metric,
        threshold=threshold,
        confidence=confidence,
        status=status,
        certified=certified,
        plausible=tuple(
            size
            for size, (point, _, _) in known
            if point >= threshold and (certified is None or size < certified)
        ),
        excluded=tuple(size for size, (_, _, upper) in known if upper < threshold),
        reason=reason[0].upper() + reason[1:],
    )


def _why_not(proxy: Comparison) -> str:
    if proxy.pair.n < MIN_VARIANTS:
        return f"{proxy.pair.n} variants in common with the target, {MIN_VARIANTS} are needed"
    return "its scores or the target's show no spread"


def _refusal(proxies: Sequence[Comparison]) -> str:
    if not proxies:
        return "There is no proxy size below the target."
    reasons = {f"{size_name(p.rung.size)}: {_why_not(p)}" for p in proxies}
    return f"No proxy size can be judged ({'; '.join(sorted(reasons))})."


def compare_sizes(proxies: Sequence[Comparison]) -> list[SizeDifference]:
    """Paired difference in r2 of every two neighbouring sizes that can be compared."""
    found = []
    usable = [p for p in proxies if p.pair.n >= MIN_VARIANTS]
    for larger, smaller in pairwise(usable):
        paired = paired_difference(larger, smaller, 0.975)
        if paired:
            delta, low, high = paired
            found.append(SizeDifference(larger.rung.size, smaller.rung.size, delta, (low, high)))
    return found


def critical_samples(
    comparisons: Sequence[Comparison], target_size: float, confidence: float
) -> CriticalSamples | None:
    """Non-inferiority to the largest data size, from the top down, at the largest proxy size.

    Sizes below the target come first: there the question is how much data a proxy needs. At the
    target size itself the largest data size is the target, with an r2 of 1.

    Returns:
        None when no proxy size has several data sizes.
    """
    by_size: dict[float, list[Comparison]] = {}
    for comparison in comparisons:
        by_size.setdefault(comparison.rung.size, []).append(comparison)
    several = [s for s, group in by_size.items() if len(group) > 1 or s == target_size]
    if not several:
        return None
    size = max(several, key=lambda s: (s != target_size, s))
    ladder = sorted(by_size[size], key=lambda c: -(c.rung.samples or 0))
    reference = None if size == target_size else ladder.pop(0)
    losses = [_loss(reference, proxy, confidence) for proxy in ladder]
    certified: float | None = None
    stopped = "no smaller one was trained"
    for proxy, loss in zip(ladder, losses, strict=True):
        name = f"{count_name(proxy.rung.samples or 0)} samples"
        if loss is None:
            stopped = f"{name} cannot be judged"
            break
        if loss[1] > DELTA:
            stopped = f"with {name} r2 may fall by {figure(loss[1])} (observed {figure(loss[0])})"
            break
        certified = proxy.rung.samples
    return _samples_verdict(size, confidence, reference, ladder, losses, certified, stopped)


def _samples_verdict(
    size: float,
    confidence: float,
    reference: Comparison | None,
    ladder: Sequence[Comparison],
    losses: Sequence[tuple[float, float, float] | None],
    certified: float | None,
    stopped: str,
) -> CriticalSamples:
    unknown = reference is not None and not (reference.point.r or 0) > 0
    known = [(p.rung.samples or 0.0, loss) for p, loss in zip(ladder, losses, strict=True) if loss]
    if unknown or not known:
        status = "refused"
        reason = "The largest data size shows no agreement, or no smaller one can be judged."
    elif certified is None:
        status, reason = "none", f"No plateau seen: {stopped}."
    else:
        status = "certified"
        reason = (
            f"From {count_name(certified)} samples on, r2 is within {DELTA:g} of the largest data "
            f"size; {stopped}."
        )
    return CriticalSamples(
        size=size,
        delta=DELTA,
        confidence=confidence,
        status=status,
        certified=certified,
        plausible=tuple(
            samples
            for samples, loss in known
            if loss[0] <= DELTA and (certified is None or samples < certified)
        ),
        excluded=tuple(samples for samples, loss in known if loss[2] > DELTA),
        reason=reason,
    )


def _loss(
    reference: Comparison | None, proxy: Comparison, confidence: float
) -> tuple[float, float, float] | None:
    """Fall of r2 below the reference: observed, at most and at least; None when not judged."""
    figures = proxy.point.judged_by("r2")
    if figures is None or proxy.correlation is None:
        return None
    point, lower, upper = figures
    if reference is None:
        return 1 - point, 1 - lower, 1 - upper
    if proxy.correlation.r < 0:  # nothing is left of the agreement, whatever r2 says
        all_of_it = reference.point.r2 or 0.0
        return all_of_it, all_of_it, all_of_it
    paired = paired_difference(reference, proxy, confidence)
    return (paired[0], paired[2], paired[1]) if paired else None
