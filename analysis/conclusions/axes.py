"""Which size to trust for which axis: from which proxy on all its decisions transfer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.conclusions.decisions import Decision


@dataclass(frozen=True)
class Tally:
    """What becomes at one proxy of the pairs of levels that the target tells apart."""

    size: float
    alike: int
    """Decided as at the target."""
    reversed: int
    undecided: int
    """The proxy does not tell the two levels apart."""


@dataclass(frozen=True)
class AxisTrust:
    """From which size on decisions on one axis may be made on proxies."""

    axis: str
    pairs: int
    """Pairs of levels whose effect at the target is not 0, with 95% confidence."""
    tried: int
    """Pairs of levels in all; on the others the target itself decides nothing."""
    trusted_from: float | None
    """Smallest size at which, as at every larger proxy, all of them are decided alike."""
    relative_cost: float | None
    """Of one run there."""
    tallies: tuple[Tally, ...]
    """Per proxy, largest first."""


def trust_axes(
    decisions: Sequence[Decision], costs: Mapping[float, float | None]
) -> tuple[AxisTrust, ...]:
    """The sizes to trust per axis, largest proxy first, stopping at the first that fails.

    A pair is decided alike when both 95% intervals leave out 0 on the same side. The claim about a
    size needs every pair, and that about a smaller one every larger size, so that neither the
    number of pairs nor that of sizes makes a false claim likelier (intersection-union, fixed
    sequence). An axis without a pair that the target tells apart has nothing to transfer.

    Args:
        decisions: of all axes and proxies.
        costs: size -> cost of one run relative to the target.
    """
    found = []
    for axis in dict.fromkeys(decision.factor for decision in decisions):
        rows = [d for d in decisions if d.factor == axis and _told_apart(d.target_ci95)]
        sizes = sorted({d.size for d in decisions if d.factor == axis}, reverse=True)
        tallies = tuple(_tally(size, [d for d in rows if d.size == size]) for size in sizes)
        pairs = max((t.alike + t.reversed + t.undecided for t in tallies), default=0)
        trusted = None
        for tally in tallies:
            if not pairs or tally.alike < pairs:
                break
            trusted = tally.size
        cost = None if trusted is None else costs.get(trusted)
        tried = len({(d.level_a, d.level_b) for d in decisions if d.factor == axis})
        found.append(AxisTrust(axis, pairs, tried, trusted, cost, tallies))
    return tuple(found)


def _tally(size: float, rows: Sequence[Decision]) -> Tally:
    alike = sum(row.verdict in ("transfers", "shrinks") for row in rows)
    turned = sum(row.verdict == "reversed" for row in rows)
    return Tally(size, alike, turned, len(rows) - alike - turned)


def _told_apart(limits: tuple[float, float] | None) -> bool:
    return limits is not None and limits[0] * limits[1] > 0
