"""Builds the model of a design at a size, with seeded or pretrained first weights."""

import zlib
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from ablate.cost import connector_of
from ablate.encoders import clip_path, picture_path
from ablate.models import checkpoint, language
from ablate.models.encoders import PublishedTower, VisionTower, build_tower
from ablate.models.integration import Separators
from ablate.models.lmm import VideoLMM
from ablate.models.precision import kept_as
from ablate.spec import FP32, Attention, Design, Init, Precision, Size
from ablate.towers import TowerShape


def build_model(
    design: Design,
    size: Size,
    init: Init,
    seed: int,
    *,
    weights: str | None = None,
    precision: Precision = FP32,
    attention: Attention = Attention.SDPA,
    meta: bool = False,
) -> VideoLMM:
    """The model of `design` at `size`, in evaluation mode.

    Equal arguments give bit-identical weights; the global random state is left alone.

    Args:
        design: what to build; only encoder, connector, integration and the clip length matter.
        size: the language model, and whether the towers are tiny.
        init: where the towers' and the language model's weights come from.
        seed: seed of all fresh weights.
        weights: folder that mirrors hub ids; None to ask the hub.
        precision: what the parts' weights are kept in.
        attention: of the language model.
        meta: shapes only, on torch's meta device.

    Raises:
        ValueError: a clip that a tower cannot take, a split image path without an image tower, more
            tokens than patches, or missing weights.
    """
    clips, pictures = clip_path(design, size), picture_path(design, size)
    load = init is Init.PRETRAINED and not meta
    # Before anything large is built: what is missing is said at once.
    files = find_weights(design, size, weights) if load else None
    # Every part has a seed of its own: designs that differ in one part start alike in the others.
    with torch.device("meta" if meta else "cpu"), torch.random.fork_rng(devices=[]):
        towers = []
        for shape in clips.towers:
            torch.manual_seed(seed + zlib.crc32(shape.name.encode()))
            with kept_as(precision.vision) as keep:
                towers.append(keep(build_tower(shape)))
        with kept_as(precision.connector) as keep:
            torch.manual_seed(seed + 1)
            connector = keep(connector_of(design, size, clips).build())
            torch.manual_seed(seed + 2)
            separators = None
            if design.integration.separators:
                separators = keep(Separators(size.llm.hidden))
            torch.manual_seed(seed + 4)
            apart = keep(connector_of(design, size, pictures).build()) if pictures else None
        torch.manual_seed(seed + 3)
        published = files.llm if files is not None else None
        facts = language.read_facts(published.config, size.llm) if published else None
        with kept_as(precision.llm) as keep:
            llm = keep(language.build_llm(size.llm, facts, attention))
    if files is not None:
        for tower, file in zip(towers, files.towers, strict=True):
            load_tower(tower, file)
        if files.llm is not None:
            language.load_llm(llm, files.llm.weights)
    encoders = nn.ModuleDict({tower.shape.name: tower for tower in towers})
    return VideoLMM(encoders, connector, separators, llm, apart).eval()


def load_tower(tower: VisionTower, file: Path | None = None) -> None:
    """Load a tower's weights: of a published checkpoint, or those that come inside a package.

    Raises:
        ValueError: the weights are missing, cannot be read or do not fit.
    """
    if file is None:
        tower.load_shipped()
    else:
        assert isinstance(tower, PublishedTower)
        tower.load_published(checkpoint.read(file, tower.published.inside))


class Files(NamedTuple):
    """Where published weights lie; None for what no hub id names."""

    llm: language.Published | None
    towers: tuple[Path | None, ...]


def find_weights(design: Design, size: Size, weights: str | None) -> Files:
    """Find the published weights that a pretrained cell starts from, without reading them.

    Raises:
        ValueError: weights that cannot be had.
    """
    llm = language.find_llm(size, weights)
    towers = clip_path(design, size).towers
    return Files(llm, tuple(_find_tower(shape, weights) for shape in towers))


def _find_tower(shape: TowerShape, weights: str | None) -> Path | None:
    if shape.hub_id is None:
        return None
    return checkpoint.find(shape.name, shape.hub_id, weights, file=shape.file, url=shape.url)
