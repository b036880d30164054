"""Frozen towers' features of footage, computed once and shared by every run that can use them.

A tower is called with one clip at a time and its output rounded to half precision, whether it is
kept or has just been made: a cached and a fresh feature are the same bits, whatever the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ablate.data.cache import ArrayCache
from ablate.data.frames import Footage, View

Encode = Callable[[Tensor], Tensor]
"""A tower: uint8 (1, F, 3, S, S) to features (1, T, H, W, E), on any device."""


@dataclass(frozen=True)
class TowerInput:
    """What one tower is fed and what it gives."""

    view: View
    grid: tuple[int, int, int]
    """Tokens of a clip along time, height and width."""
    width: int
    """Features of a token (E)."""
    weights: str | None
    """Hash of the weights as they are now: names the kept features. None if they are to learn."""


class FeatureStore:
    """Keeps features by tower weights and footage."""

    def __init__(self, cache: ArrayCache) -> None:
        self.cache = cache

    def load(self, tower: TowerInput, footage: Footage) -> np.ndarray | None:
        """float16 (C, T, H, W, E), or None if they have to be made; needs no tower."""
        if not footage.clips:
            return np.zeros((0, *tower.grid, tower.width), np.float16)
        return self.cache.load(_key(tower, footage))

    def make(
        self, tower: TowerInput, footage: Footage, pixels: np.ndarray, encode: Encode
    ) -> np.ndarray:
        """Computes and keeps float16 (C, T, H, W, E).

        Args:
            tower: whose features these are.
            footage: what the pixels show.
            pixels: uint8 (C, F, 3, S, S).
            encode: the tower.

        Raises:
            ValueError: the tower gives another shape than it said, or values beyond half precision.
        """
        return self.cache.get(_key(tower, footage), lambda: _encode(tower, pixels, encode))


@torch.inference_mode()
def _encode(tower: TowerInput, pixels: np.ndarray, encode: Encode) -> np.ndarray:
    shape = (1, *tower.grid, tower.width)
    features = np.empty((len(pixels), *shape[1:]), np.float16)
    for index in range(len(pixels)):
        made = encode(torch.from_numpy(pixels[index : index + 1]))
        if tuple(made.shape) != shape:
            raise ValueError(f"tower gives features of shape {tuple(made.shape)}, not {shape}")
        features[index] = made[0].to("cpu", torch.float16).numpy()
    if not np.isfinite(features).all():
        raise ValueError("tower gives features that half precision cannot hold")
    return features


def _key(tower: TowerInput, footage: Footage) -> str:
    return f"features|{tower.weights}|{tower.view}|{footage.key}"
