"""The verb that ranks the levels of a study, beside the paper's ranking."""

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.cli.options import chosen_plan, console, study_options

if TYPE_CHECKING:
    from analysis.conclusions.ranking import Ranking


@click.command()
@study_options
def rank(**choice: Any) -> None:
    """Rank the levels of a study at each size, beside the ranking the paper prints."""
    from analysis.conclusions.ranking import rank_levels
    from analysis.tables.load import load

    study, made = chosen_plan(**choice)
    frame = load(choice["store"], [cell.score_id for cell in made.done if cell.lr_scale == 1])
    frame = frame.sort_values(["size", "samples"], kind="stable")
    console.print(Text(f"{choice['study']}: {study.question}"), soft_wrap=True)
    for (size, samples), rows in frame.groupby(["size_name", "samples"], sort=False):
        waiting = sum(cell.size.name == size for cell in made.unfinished)
        left = f"; {waiting} cells are still missing" if waiting else ""
        console.print(Text(f"\n{size}, {samples:,} samples{left}"))
        _print_ranking(rank_levels(rows, choice["study"], study.axes))


def _print_ranking(ranking: "Ranking") -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("level", no_wrap=True)
    for name in ("accuracy", "95% interval", "seeds", "paper", "place in paper"):
        table.add_column(name, justify="right", no_wrap=True)
    places = sorted((one.paper for one in ranking.ranks if one.paper is not None), reverse=True)
    for one in ranking.ranks:
        table.add_row(
            Text(one.level),
            f"{one.score:.1f}",
            "-" if one.low is None else f"{one.low:.1f} to {one.high:.1f}",
            str(one.seeds),
            "-" if one.paper is None else f"{one.paper:.1f}",
            "-" if one.paper is None else str(places.index(one.paper) + 1),
        )
    Console(width=max(console.width, 120)).print(table)
    console.print(_summary(ranking))


def _summary(ranking: "Ranking") -> str:
    noise = (
        "one seed each: no interval"
        if ranking.seed_sd is None
        else f"seeds of one level differ by a standard deviation of {ranking.seed_sd:.1f} points"
    )
    if ranking.tau is None:
        return f"{noise}; no two levels have a counterpart in the paper"
    limits = "" if ranking.tau_low is None else f" [{ranking.tau_low:.2f}, {ranking.tau_high:.2f}]"
    return f"{noise}; Kendall tau to the paper {ranking.tau:.2f}{limits}, {ranking.common} levels"
