"""What a study costs, in the terminal: probes before it, bills, and how far they were off."""

from rich.text import Text

from ablate.bill import accuracies, bills, kept_features
from ablate.cli.execution import this_machine
from ablate.cli.given import BUILT_IN
from ablate.cli.options import console, make_world
from ablate.disk import human_bytes
from ablate.grid import Study
from ablate.memory import peak_memory
from ablate.placement import place
from ablate.plan import Plan
from ablate.spec import Execution
from ablate.speed import keep_speeds, name_of
from ablate.store import RunStore
from ablate.world.recipe import RECIPES


def measure_speeds(study: Study, made: Plan, store: RunStore, data: str) -> None:
    """Probe every size of the plan that has cells to run, and keep the speeds in the store."""
    from ablate.probe import WORLD, probe
    from ablate.run import Job

    store.prepare()
    machine = this_machine(made.unfinished)
    for recipe in (RECIPES[study.world], WORLD) if data == BUILT_IN else (WORLD,):
        make_world(recipe, store, machine.cores)
    for name in dict.fromkeys(cell.size.name for cell in reversed(made.unfinished)):
        cells = [cell for cell in made.unfinished if cell.size.name == name]
        console.print(f"probing {name}")
        # The way that suits the design that needs most suits the others.
        largest = max(cells, key=lambda cell: peak_memory(cell).total)
        job = Job(str(store.root.resolve()), place(largest, [machine], Execution()))
        speed = probe(cells, made.counts, job)
        keep_speeds(store, {name_of(largest): speed})


def print_bills(made: Plan, price: float | None, devices: int | None) -> None:
    """Device-hours, wall time, money and kept features of what is left."""
    from ablate.console import human_time

    machine = this_machine(())
    for bill in bills(made):
        slots = devices or (machine.cores if bill.kind == "CPU" and not bill.alone else 1)
        told = [
            f"{bill.kind}-hours: {bill.hours:,.3g}",
            f"{human_time(bill.seconds / slots)} with {slots} at a time",
        ]
        if price is not None and bill.kind == "GPU":
            told.append(f"{bill.hours * price:,.2f} at {price:g} an hour")
        sources = [f"measured on {device}" for device in bill.probed]
        if bill.assumed:
            sources.append(f"speed assumed for {', '.join(bill.assumed)}: --probe measures it")
        console.print(Text(f"{', '.join(told)} ({'; '.join(sources)})"), soft_wrap=True)
    if features := kept_features(made):
        console.print(f"disk at most: {human_bytes(features)} of features that are kept")


def print_accuracies(made: Plan, store: RunStore) -> None:
    """How far the plan was off, where a size is done."""
    from ablate.console import human_time

    for one in accuracies(made, store):
        source = "a probe" if one.probed else "assumed speeds"
        line = (
            f"plan against {one.cells} finished cells of {one.size}: "
            f"{human_time(one.expected)} by {source}, took {human_time(one.took)} "
            f"({one.error:+.0%})"
        )
        console.print(Text(line), soft_wrap=True)
