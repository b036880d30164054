"""Parts of the result as single sentences, the same in the terminal and on the page."""

from collections.abc import Iterator

from analysis.conclusions.advice import MORE_DESIGNS
from analysis.conclusions.against_paper import FEWEST, AxisComparison
from analysis.fit import FitResult
from analysis.pages.verdict import rung_name, share
from analysis.tables.pairs import MACRO
from analysis.words import count_name, figure, listed, size_name


def cheapest_sentence(result: FitResult) -> str:
    """The cheapest proxy that decides often enough as the target does; empty without one."""
    offer = result.cheapest_proxy
    if offer is None:
        return ""
    unit = " standard deviations" if result.benchmark == MACRO else ""
    seeds = "one seed" if offer.seeds == 1 else f"{offer.seeds} seeds"
    return (
        f"Cheapest proxy that may decide: {rung_name(result, offer.size, offer.samples)} with "
        f"{seeds}, at {share(offer.relative_cost)} of the target's cost; it orders at least "
        f"{share(offer.decision_accuracy_lower)} of all pairs of designs as the target does, with "
        f"{100 * result.critical_size.confidence:g}% confidence, and the one it picks is expected "
        f"to lose at most {offer.regret_upper:.3g}{unit} there."
    )


def axes_sentence(result: FitResult) -> str:
    """Which size to trust for which axis; empty without declared factors."""
    if not result.axes:
        return ""
    told, none, nothing = [], [], []
    for one in result.axes:
        if not one.pairs:
            nothing.append(one.axis)
        elif one.trusted_from is None:
            none.append(one.axis)
        else:
            cost = f", {share(one.relative_cost)}" if one.relative_cost is not None else ""
            counted = f"({one.pairs} of {one.tried}{cost})"
            told.append(f"{one.axis} from {size_name(one.trusted_from)} {counted}")
    parts = [listed(told)] if told else []
    parts += [f"no proxy yet for {listed(none)}"] if none else []
    parts += [f"nothing told apart at the target on {listed(nothing)}"] if nothing else []
    told_apart = "pairs that the target tells apart, share of its cost"
    return f"By axis ({told_apart}): {'; '.join(parts)}."


def staircase_sentence(result: FitResult) -> str:
    """The certified corners of the size x samples grid; empty where there is no grid."""
    if result.staircase is None:
        return ""
    corners = [
        f"{size_name(corner.size)} from {count_name(corner.samples)} samples"
        for corner in result.staircase
    ]
    certified = listed(corners) if corners else "nothing"
    sure = f"{100 * result.critical_size.confidence:g}%"
    return f"On the grid of sizes and samples, with {sure} confidence over all of it: {certified}."


def seeds_sentence(result: FitResult) -> str:
    """How many seeds would certify the largest proxy that is not; empty where none is known to."""
    certified = result.critical_size.certified
    open_ = [one for one in result.seeds if certified is None or one.size < certified]
    if not open_:
        return ""
    one = open_[0]
    name = size_name(one.size)
    if one.needed is None:
        return f"Seeds alone would not certify {name}: it lacks more than noise took."
    now = "one" if one.seeds == 1 else one.seeds
    return f"About {one.needed} seeds of every design would certify {name}, which has {now}."


def no_step_sentence(result: FitResult) -> str:
    """That nothing which was simulated helps; empty where something does, or without verdict."""
    if result.next or result.critical_size.status == "refused":
        return ""
    return (
        f"none of the steps simulated (one more seed, {MORE_DESIGNS} more designs of these levels, "
        "a size between) is expected to raise the lower limit; new levels were not simulated."
    )


def measure_sentences(result: FitResult) -> Iterator[str]:
    """Per proxy, the measures that predict the target's accuracy better than accuracy does."""
    for rung in dict.fromkeys((one.size, one.samples) for one in result.measures):
        rows = [one for one in result.measures if (one.size, one.samples) == rung]
        better = [
            f"{one.measure} (R2 {figure(one.r2)}, {figure(one.delta_r2)} more, 95% "
            f"[{figure(one.ci95[0])}, {figure(one.ci95[1])}])"
            for one in rows
            if one.better and one.ci95
        ]
        told = listed(better) if better else "no measure, with 95% confidence"
        name = rung_name(result, *rung)
        yield f"At {name}, predicts the target's accuracy better than accuracy does: {told}."


def unmeasured(result: FitResult, *, factors: bool, cost: bool, signal: bool) -> list[str]:
    """What the verdict does not rest on, one sentence each.

    Args:
        result: of the fit.
        factors: whether design factors were declared.
        cost: whether the table holds costs.
        signal: whether the signal check was made.
    """
    codes = {warning.code for warning in result.warnings}
    target = size_name(result.target.size)
    gaps = []
    if "one_seed" in codes:
        gaps.append(
            "Seed noise, at some proxy or at the target: a poor agreement may be noise there."
        )
    if not cost:
        gaps.append("Cost: the table has none, so shares are parameters times samples.")
    if not factors:
        gaps.append("Which design axes transfer: no factors were declared.")
    if result.critical_samples is None:
        gaps.append("How much data a proxy needs: each size has one number of samples.")
    if not signal:
        gaps.append("Whether the benchmark tells designs apart: no signal check was made.")
    gaps.append(f"Targets larger than {target}, and designs outside the levels compared here.")
    return gaps


def tau_told(axis: AxisComparison) -> str:
    """Kendall's tau to the paper's order of levels, or why there is none."""
    common = len(axis.levels)
    if common < FEWEST:
        return f"too few levels match ({common} of {common + axis.unmatched})"
    if axis.kendall_tau_b is None:
        return f"all of {common} levels are tied"
    return f"{figure(axis.kendall_tau_b)}, {common} levels, {share(axis.chance)} by chance"
