"""Batches from kept features against batches that decode and encode every time."""

import tempfile
import time
from pathlib import Path

import torch

from ablate.data.annotations import read_conversations
from ablate.data.cache import ArrayCache
from ablate.data.features import TowerInput
from ablate.data.frames import view_of
from ablate.data.samples import SampleMaker
from ablate.data.sources import Source
from ablate.data.tokenizer import ClosedTokenizer
from ablate.data.viewer import Viewer
from ablate.models.build import build_model
from ablate.sizes import size_row
from ablate.spec import Init
from ablate.towers import tower_shape, weights_hash
from ablate.world.generate import generate
from ablate.world.recipe import RECIPES, fingerprint
from experiments.baseline_tiny import BASE

BATCH, ROUNDS = 32, 5


def compare() -> str:
    """Time the same batch with an empty and with a filled cache, alternating; median of rounds."""
    torch.set_num_threads(1)
    size = size_row("10K")
    model = build_model(BASE, size, Init.PRETRAINED, 0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recipe = RECIPES["world-smoke"]
        generate(recipe, root, 2, lambda done, total: None)
        found = root / fingerprint(recipe, "train")
        source = Source("world", found / "annotations.json", found, fingerprint=found.name)
        videos = [c for c in read_conversations(source) if c.modality == "video"][:BATCH]
        cold, warm = [], []
        for round_number in range(ROUNDS):
            maker = _maker(size, ArrayCache(root / f"cache{round_number}"))
            for times in (cold, warm):
                begun = time.perf_counter()
                samples = [maker.make(video) for video in videos]
                maker.batch(samples, list(model.encoders.values()))
                times.append(time.perf_counter() - begun)
    slow, fast = sorted(cold)[ROUNDS // 2], sorted(warm)[ROUNDS // 2]
    return (
        f"a batch of {BATCH} videos: decoded and encoded {1000 * slow:.0f} ms, "
        f"kept {1000 * fast:.0f} ms, ratio {slow / fast:.1f}"
    )


def _maker(size, cache: ArrayCache) -> SampleMaker:
    frames = BASE.sampling.frames_per_clip
    towers = []
    for tower in BASE.encoder.towers:
        shape = tower_shape(tower, tiny=True)
        grid = shape.grid(frames)
        towers.append(TowerInput(view_of(shape), grid, shape.hidden, weights_hash(tower)))
    viewer = Viewer(BASE.sampling, towers, cache, frozen=True)
    return SampleMaker(BASE, ClosedTokenizer(), viewer, size.llm.context)
