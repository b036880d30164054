"""What a terminal shows: plans, progress and states; plain lines where no one is watching."""

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ablate.cost import parameters, trainable_parameters
from ablate.disk import footprint, human_bytes
from ablate.memory import peak_memory
from ablate.plan import Plan
from ablate.spec import Cell
from ablate.tokens import tokens_per_clip

SILENCE = 10.0
"""Most seconds between two lines of progress where the output is not a terminal."""


def human_time(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:,.0f} days"


def human_count(number: float) -> str:
    """A count with a metric suffix."""
    for limit, suffix in (
        (1e24, "Y"),
        (1e21, "Z"),
        (1e18, "E"),
        (1e15, "P"),
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "K"),
    ):
        if number >= limit:
            return f"{number / limit:.3g}{suffix}"
    return f"{number:.3g}"


def cell_name(cell: Cell, axes: tuple[str, ...]) -> str:
    """A cell in words: its levels on the axes that differ, size and seed."""
    return f"{cell.size.name} {cell.design.name(axes)} seed {cell.seed}"


def generation_progress(console: Console, what: str) -> Callable[[int, int], None]:
    """A callback (done, total) that shows how far generating `what` has come."""
    last = -SILENCE

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > SILENCE / 2:
            last = now
            console.print(Text(f"{what}: {done:,} of {total:,}"), soft_wrap=True)

    return tell


def plan_table(plan: Plan) -> Table:
    """One row per size: cells by state, then what one cell takes, then what a sweep takes.

    Parameters of the language model, of all that is trained in the largest stage and of the whole
    model; visual tokens of a sample and peak memory; FLOPs and time of the cells that are left.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "size", "done", "missing", "failed", "LM", "trained", "total", "tokens", "memory", "FLOPs",
        "time",
    ):  # fmt: skip
        table.add_column(name, justify="left" if name == "size" else "right", no_wrap=True)
    done = {cell.score_id for cell in plan.done}
    failed = {cell.score_id for cell, _ in plan.failed}
    for name in dict.fromkeys(cell.size.name for cell in reversed(plan.cells)):
        cells = [cell for cell in plan.cells if cell.size.name == name]
        to_run = [cell for cell in cells if cell.score_id not in done]
        prices = list(plan.price(to_run))
        designs = {cell.design_id: cell for cell in cells}.values()
        trained = [trainable_parameters(cell.design, cell.size) for cell in designs]
        total = [sum(parameters(cell.design, cell.size).values()) for cell in designs]
        visual = [cell.design.sampling.max_clips * tokens_per_clip(cell.design) for cell in designs]
        memory = [peak_memory(cell).total for cell in designs]
        table.add_row(
            name,
            str(len(cells) - len(to_run)),
            str(sum(cell.score_id not in failed for cell in to_run)),
            str(len(failed & {cell.score_id for cell in to_run})),
            human_count(cells[0].size.parameters),
            _range(trained),
            _range(total),
            _range(visual),
            _range(memory),
            human_count(sum(sum(price.flops.values()) for price in prices)),
            human_time(sum(price.seconds for price in prices)),
        )
    return table


def cost_lines(plan: Plan) -> list[str]:
    """Where the FLOPs of the cells go, and how large the parts are, in words."""
    total: dict[str, float] = {}
    for price in plan.price(plan.cells):
        for part, amount in price.flops.items():
            total[part] = total.get(part, 0.0) + amount
    everything = sum(total.values())
    shares = ", ".join(f"{part} {amount / everything:.0%}" for part, amount in total.items())
    largest = plan.cells[0]
    counts = parameters(largest.design, largest.size)
    sizes = ", ".join(f"{part} {human_count(count)}" for part, count in counts.items())
    on_disk = footprint(plan.unfinished)
    return [
        f"cost: {shares}",
        f"parameters of a {largest.size.name} cell: {sizes}",
        f"disk at most: {human_bytes(on_disk.weights)} of weights, "
        f"{human_bytes(on_disk.checkpoints)} of checkpoints a running cell",
    ]


def _range(values: Sequence[float]) -> str:
    """Smallest and largest with one suffix where they share it."""
    low, high = human_count(min(values)), human_count(max(values))
    if low == high:
        return low
    suffix = high[-1] if high[-1].isalpha() else ""
    return f"{low.removesuffix(suffix) if suffix else low}-{high}"
