"""Writes a built-in dataset: video and picture files first, annotations last.

Every item is a function of the recipe and its index, every file appears whole or not at all, and a
file that exists is kept: an interrupted generation goes on where it stopped, with any workers.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from ablate.world.items import Entry, Item, make, write_whole
from ablate.world.recipe import Recipe, fingerprint

ANNOTATIONS = {"train": "annotations.json", "test": "questions.json"}
"""File of each split."""
_CHUNK = 20  # items that a process makes in one go


def generate(
    recipe: Recipe, root: Path, workers: int, progress: Callable[[int, int], None]
) -> Path:
    """Makes both splits of `recipe`, each in a folder of `root` named by its fingerprint.

    Args:
        recipe: what to make.
        root: folder of all built-in datasets; created where missing.
        workers: processes, each with one thread; 1 stays in this process.
        progress: called with the number of items that are done and their total; never if all is
            there.

    Returns:
        `root`.
    """
    missing = [split for split in ANNOTATIONS if not _complete(recipe, root, split)]
    items = {split: _items(recipe, root, split) for split in missing}
    total = sum(map(len, items.values()))
    done = 0
    for split in missing:
        folder = root / fingerprint(recipe, split)
        for media in ("videos", "images"):
            (folder / media).mkdir(parents=True, exist_ok=True)
        entries: list[Entry] = []
        for made in _make_all(items[split], workers):
            entries += made
            done += 1
            progress(done, total)
        write_whole(folder / ANNOTATIONS[split], partial(_write_json, entries))
    return root


def _complete(recipe: Recipe, root: Path, split: str) -> bool:
    """Whether the annotations and every file they name are there."""
    folder = root / fingerprint(recipe, split)
    path = folder / ANNOTATIONS[split]
    if not path.exists():
        return False
    named: set[str] = set()
    for entry in json.loads(path.read_bytes()):
        media = entry.get("video") or entry.get("image") or []
        named.update([media] if isinstance(media, str) else media)
    return all((folder / name).exists() for name in named)


def _items(recipe: Recipe, root: Path, split: str) -> list[Item]:
    counts = {"video": recipe.test_videos}
    if split == "train":
        counts = {
            "video": recipe.train_videos,
            "image": recipe.images,
            "image_set": recipe.image_sets,
            "text": recipe.texts,
        }
    folder = root / fingerprint(recipe, split)
    return [
        Item(recipe, split, modality, index, folder)
        for modality, count in counts.items()
        for index in range(count)
    ]


def _make_all(items: list[Item], workers: int) -> Iterator[list[Entry]]:
    """The annotations of every item, in order."""
    if workers <= 1:
        yield from map(make, items)
        return
    # Spawned, not forked: the caller may hold threads and open decoders.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, items, chunksize=_CHUNK)


def _write_json(entries: list[Entry], path: Path) -> None:
    path.write_text(json.dumps(entries))
