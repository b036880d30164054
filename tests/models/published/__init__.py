"""What is known of the published towers without their weights.

`features.safetensors` holds outputs of the public reference code at a reduced size, on weights and
pixels that `drawn` and `pixels` give: InternVideo2 (OpenGVLab/InternVideo at 3965eef), LanguageBind
(PKU-YuanGroup/LanguageBind at 7070c53, on transformers 4.31), V-JEPA (facebookresearch/jepa at
51c59d5), all in float32 on a CPU. `keys.json` holds the keys of their checkpoints at full size,
with `*` for the number of a layer: for each how many layers there are (0: no layer) and the shape.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

FOLDER = Path(__file__).parent


def features() -> dict[str, torch.Tensor]:
    return load_file(FOLDER / "features.safetensors")


def keys(tower: str) -> dict[str, tuple[int, ...]]:
    """Every key of a full-size checkpoint with its shape."""
    found = {}
    for key, (count, shape) in json.loads((FOLDER / "keys.json").read_text())[tower].items():
        for number in range(max(1, count)):
            found[key.replace("*", str(number))] = tuple(shape)
    return found


def drawn(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A weight from its key alone; numpy keeps this generator's numbers the same for ever."""
    random = np.random.RandomState(zlib.crc32(key.encode()))
    value = torch.from_numpy(random.standard_normal(shape)).float()
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "gamma":
        return 0.5 + 0.2 * value
    if leaf == "weight" and value.ndim == 1:
        return 1 + 0.2 * value
    if leaf == "weight" and "position" not in key:
        return value / value[0].numel() ** 0.5
    return 0.3 * value


def pixels(frames: int, size: int) -> torch.Tensor:
    """One clip (1, F, 3, S, S)."""
    random = np.random.RandomState(1)
    return torch.from_numpy(random.randint(0, 256, (1, frames, 3, size, size)).astype(np.uint8))
