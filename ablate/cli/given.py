"""The data that a study is given: built in, or described by a YAML file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ablate.data.dataset import Half, pools_of
from ablate.data.mixture import check_pools
from ablate.data.outside import Outside, samplings_of
from ablate.grid import Check
from ablate.plan import Counts
from ablate.spec import Cell
from ablate.store import RunStore
from ablate.tasks import CATEGORIES
from ablate.train.schedule import resolve
from ablate.world.recipe import Recipe, fingerprint

BUILT_IN = "world"
"""What stands for the built-in world where a file could."""


@dataclass(frozen=True)
class Given:
    """What a plan needs to know of the data."""

    train: str
    """Fingerprint of the training half."""
    test: str
    """Fingerprint of the test half."""
    counts: Counts
    checks: tuple[Check, ...] = ()
    """What the data have against a cell."""
    notes: tuple[str, ...] = ()
    """What a plan says of them."""


def built_in(recipe: Recipe) -> Given:
    """A built-in dataset, known before any of its files exists."""
    return Given(
        fingerprint(recipe, "train"),
        fingerprint(recipe, "test"),
        Counts(recipe.train_videos, recipe.test_videos * len(CATEGORIES), recipe.test_videos),
    )


def outside_data(path: str, store: RunStore, cells: Iterable[Cell]) -> Outside:
    """Data from outside, as cells look at them; `path` names the YAML file.

    Raises:
        ValueError: the file or its annotations cannot be used.
    """
    return Outside(Path(path), store.data_root, samplings_of(cells))


def from_outside(data: Outside) -> Given:
    """Data from outside, by what has been checked of them."""
    pools = pools_of(data.train)

    def check(cell: Cell) -> str | None:
        try:
            check_pools(cell.design.mixture, resolve(cell), pools)
        except ValueError as error:
            return str(error)
        return None

    notes = [_told("training", "conversations", data.train), _told("test", "questions", data.test)]
    if left := len(data.unchecked()):
        notes.append(
            f"{left:,} files are still to be checked, by `ablate data check {data.path}` or when a "
            "sweep begins; what they hold is part of every cell's id"
        )
    return Given(
        data.train.fingerprint,
        data.test.fingerprint,
        Counts(data.train.videos, len(data.test.samples), data.test.videos),
        (check,),
        tuple(notes),
    )


def _told(name: str, what: str, half: Half) -> str:
    """One line about a half: how much there is, and what was dropped for which reason."""
    faults: Counter[str] = Counter()
    for (_, fault), count in half.dropped.items():
        faults[str(fault)] += count
    reasons = ", ".join(f"{count:,} {fault}" for fault, count in faults.most_common())
    sources = f"{len(half.sources)} source{'s' if len(half.sources) > 1 else ''}"
    dropped = f", {faults.total():,} dropped ({reasons})" if faults else ""
    return f"{name}: {len(half.samples):,} {what} of {sources}{dropped}"
