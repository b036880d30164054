"""The verbs about data from outside."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from ablate.cli.given import BUILT_IN, from_outside, outside_data
from ablate.cli.options import cell_options, chosen_cells, console
from ablate.data.guard import Limits
from ablate.data.manifest import FileFacts
from ablate.data.outside import Outside
from ablate.store import RunStore

_NAMED = 10
"""Bad files of each kind that are shown."""


@click.group()
def data() -> None:
    """Look after data from outside."""


@data.command()
@click.argument("source")
@cell_options
@click.option("--retry", is_flag=True, help="Check files again that could not be used.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=Limits.seconds,
    show_default=True,
    help="Most time for one file.",
)
@click.option(
    "--gib",
    type=click.FloatRange(min=0, min_open=True),
    default=Limits.memory / 2**30,
    show_default=True,
    help="Most memory for one file.",
)
def check(source: str, retry: bool, seconds: float, gib: float, **choice: Any) -> None:
    """Decode what a study would look at of every file once, and remember what cannot be read.

    SOURCE is a YAML file of sources. Only files that are new or have changed are checked.
    """
    if source == BUILT_IN:
        raise ValueError("data check: the built-in world needs none; give a YAML file of sources")
    store = RunStore(choice.pop("store"))
    store.prepare()
    _, cells_on = chosen_cells(**choice)
    given = outside_data(source, store, cells_on("", ""))
    check_data(given, Limits(seconds, int(gib * 2**30)), again=retry)
    for note in from_outside(given).notes:
        console.print(Text(note), soft_wrap=True)
    for name, half in (("training", given.train), ("test", given.test)):
        path = store.data_root / half.fingerprint / "manifest.jsonl"
        console.print(Text(f"{name} manifest: {path}"), soft_wrap=True)


def prepare_data(data: str, store: str, **choice: Any) -> bool:
    """Checks the data that a sweep was given, if they are from outside and something is new.

    Returns:
        Whether there was anything to check.
    """
    if data == BUILT_IN:
        return False
    RunStore(store).prepare()
    _, cells_on = chosen_cells(**choice)
    return check_data(outside_data(data, RunStore(store), cells_on("", "")), Limits())


def check_data(data: Outside, limits: Limits, *, again: bool = False) -> bool:
    """Checks what has not been checked, names bad files, and leaves the facts for the runs.

    Args:
        data: from outside.
        limits: of each file.
        again: check files again that could not be used.

    Returns:
        Whether there was anything to check.

    Raises:
        ValueError: nothing that can be read is left of a half.
    """
    from ablate.console import generation_progress

    files, bad = data.unchecked(again=again), []
    tell = generation_progress(console, "checked files")
    for done, facts in enumerate(data.check(files, len(os.sched_getaffinity(0)), limits), 1):
        tell(done, len(files))
        if facts.fault is not None:
            bad.append(facts)
    _name(bad)
    for half, what in ((data.train, "conversation"), (data.test, "question")):
        if not half.samples:
            raise ValueError(f"{data.path}: there is no {what} whose files can be read")
    data.freeze()
    return bool(files)


def _name(bad: Sequence[FileFacts]) -> None:
    """The first bad files of each kind, and how many more there are."""
    shown: Counter[str] = Counter()
    for facts in bad:
        fault = str(facts.fault)
        shown[fault] += 1
        if shown[fault] <= _NAMED:
            console.print(Text(f"{fault}: {facts.path}: {facts.reason}"), soft_wrap=True)
    for fault, count in shown.items():
        if count > _NAMED:
            console.print(f"{fault}: {count - _NAMED:,} more")
