"""The verb that asks whether an effect of a design is one of its learning rate."""

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.cli.options import chosen_plan, console, study_options

if TYPE_CHECKING:
    from analysis.conclusions.rates import RateCheck

DEFAULT = ("0.5", "1", "2")
"""Multiples of the size row's rates where none are named."""
_NAMED = 5
"""Pairs of designs that change places which are named: the largest changes."""


@click.command()
@study_options
def rates(**choice: Any) -> None:
    """Show the best learning rate of every design by size, and what it changes.

    Reads what `ablate sweep --rates 0.5,1,2` has trained. The best rate has the least training loss
    at the end; accuracies only tell whether designs change places with it.
    """
    from analysis.conclusions.rates import check_rates
    from analysis.tables.load import load_rates

    choice["rates"] = choice["rates"] or DEFAULT
    study, made = chosen_plan(**choice)
    runs = load_rates(choice["store"], [cell.score_id for cell in made.done])
    console.print(Text(f"{choice['study']}: {study.question}"), soft_wrap=True)
    if made.unfinished:
        console.print(f"{len(made.unfinished)} cells are still missing or failed")
    runs["variant"] = runs[list(study.axes)].agg(" ".join, axis=1)
    for samples, rows in runs.groupby("samples"):
        console.print(f"\n{samples:,} samples")
        _print_check(check_rates(rows))


def _print_check(check: "RateCheck") -> None:
    tried = sorted(check.tuned[0].losses)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("design", no_wrap=True)
    for name in ("size", *(f"loss at {rate:g}" for rate in tried), "best", "saves", "accuracy"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in check.tuned:
        table.add_row(
            Text(one.design),
            one.size,
            *(f"{one.losses[rate]:.3f}" for rate in tried),
            f"{one.best:g}",
            f"{one.gain:.3f}",
            f"{one.scores[1.0]:.1f} -> {one.scores[one.best]:.1f}",
        )
    Console(width=max(console.width, 120)).print(table)
    for line in _sentences(check):
        console.print(Text(line), soft_wrap=True)


def _sentences(check: "RateCheck") -> list[str]:
    noise = (
        "one seed each: noise is not known"
        if check.seed_sd is None
        else f"seeds differ by a standard deviation of {check.seed_sd:.3f} in their loss and "
        f"{check.score_sd:.1f} points in accuracy"
    )
    lines = [f"rates are multiples of the size row's; {noise}"]
    for one in check.differing:
        beyond = {True: "more than seed noise", False: "within seed noise", None: "noise unknown"}
        lines.append(
            f"best rate differs: {one.design}: {one.rates[0]:g} at {one.sizes[0]}, "
            f"{one.rates[1]:g} at {one.sizes[1]} ({beyond[one.clear]})"
        )
    if not check.differing and len({one.size for one in check.tuned}) > 1:
        lines.append("no design has another best rate at another size")
    if edge := check.at_edge():
        lines.append(
            f"{len(edge)} of {len(check.tuned)} are best at the lowest or highest rate tried: try "
            "further ones"
        )
    swapped = (
        f"{len(check.swaps)} of {check.pairs} pairs of designs change places once each has its "
        "best rate"
    )
    if check.swaps and check.score_sd is not None:
        swapped += f", {sum(bool(s.clear) for s in check.swaps)} by more than seed noise"
    lines.append(swapped)
    changes = sorted(check.swaps, key=lambda swap: swap.lead[1] - swap.lead[0])
    for swap in changes[:_NAMED]:
        first, second = swap.designs
        lines.append(
            f"changed: {swap.size}: {first} leads {second} by {swap.lead[0]:.1f} points at the "
            f"ladder's rate, trails by {-swap.lead[1]:.1f} at the best ones"
        )
    return lines
