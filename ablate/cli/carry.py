"""The verbs that carry finished cells between stores."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click
from rich.text import Text

from ablate.cli.options import console
from ablate.disk import human_bytes
from ablate.spec import Cell
from ablate.store import RunStore
from ablate.world.recipe import RECIPES, fingerprint

_STORE = click.option("--store", default="store", show_default=True, help="Folder of all results.")


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@_STORE
def pack(out: Path, store: str) -> int:
    """Write every finished cell of a store to the file OUT, for `ablate merge` elsewhere.

    A pack holds records and answers, no weights and no data. A record that another store would not
    believe is named and left out.
    """
    from ablate.pack import pack as write

    packed = write(RunStore(store), out)
    for reason in packed.left_out:
        console.print(Text(f"left out: {reason}"), soft_wrap=True)
    size = human_bytes(out.stat().st_size)
    console.print(Text(f"{packed.cells} cells in {out}, {size}"), soft_wrap=True)
    return 1 if packed.left_out else 0


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_STORE
@click.option(
    "--keep-ours", is_flag=True, help="Where both scored a cell differently, keep the store's."
)
def merge(file: Path, store: str, keep_ours: bool) -> int:
    """Take the finished cells of the pack FILE into a store; those it has stay as they are.

    Hashes, descriptions, ids, scores and answers are checked before anything is written. A cell
    that both have, with other scores, is refused.
    """
    from ablate.pack import merge as take_in

    kept = RunStore(store)
    kept.prepare()
    merged = take_in(kept, file, keep=keep_ours)
    console.print(f"{len(merged.added)} cells merged, {len(merged.present)} were there already")
    for data, count in _unknown_data(kept, (*merged.added, *merged.present)).items():
        console.print(
            f"{count} of them on data {data}, which store {store} has not: its studies see them "
            "once `ablate data check` has found the same data here",
            soft_wrap=True,
        )
    if merged.waiting:
        held = f"{len(merged.waiting)} left to {kept.holder(merged.waiting[0])}, which is at them"
        console.print(f"{held}; merge again when it has ended", soft_wrap=True)
    return 1 if merged.waiting else 0


def _unknown_data(store: RunStore, cells: Iterable[Cell]) -> Counter[str]:
    """How many cells were trained or examined on data that the store has never seen."""
    built_in = {fingerprint(one, half) for one in RECIPES.values() for half in ("train", "test")}
    missing: Counter[str] = Counter()
    for cell in cells:
        for data in dict.fromkeys((cell.data, cell.eval_data)):
            if data not in built_in and not (store.data_root / data).is_dir():
                missing[data] += 1
    return missing
