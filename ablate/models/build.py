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
    load = init is Init.PRETRAINED and not meta
    # Before anything large is built: what is missing is said at once.
    files = find_weights(design, size, weights) if load else None
    facts = language.read_facts(files.llm.config, size.llm) if files and files.llm else None
    model = fresh_model(
        design, size, seed, precision=precision, attention=attention, meta=meta, facts=facts
    )
    if files is not None:
        for tower, file in zip(model.towers, files.towers, strict=True):
            load_tower(tower, file)
        if files.llm is not None:
            language.load_llm(model.llm, files.llm.weights)
    return model


def fresh_model(
    design: Design,
    size: Size,
    seed: int,
    *,
    precision: Precision = FP32,
    attention: Attention = Attention.SDPA,
    meta: bool = False,
    facts: language.Facts | None = None,
) -> VideoLMM:
    """As `build_model`, with fresh weights everywhere.

    `facts` are of the language model's configuration, where it is not to have the usual ones.
    """
    clips, pictures = clip_path(design, size), picture_path(design, size)
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
        with kept_as(precision.llm) as keep:
            llm = keep(language.build_llm(size.llm, facts, attention))
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
    return Files(language.find_llm(size, weights), find_towers(design, size, weights))


def find_towers(design: Design, size: Size, weights: str | None) -> tuple[Path | None, ...]:
    """Find the published weights of the towers; None for those that come inside a package.

    Raises:
        ValueError: weights that cannot be had.
    """
    return tuple(
        None
        if shape.hub_id is None
        else checkpoint.find(shape.name, shape.hub_id, weights, file=shape.file, url=shape.url)
        for shape in clip_path(design, size).towers
    )
