"""Finds a published checkpoint and reads its weights.

A checkpoint is named by its hub id. It is looked for in a folder that mirrors hub ids, then on the
hub. Only tensors are read: from safetensors files, or from torch files that hold no code.
"""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file

USUAL = (
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
"""Names of weights on the hub, the better ones first; an index lists the parts of a large one."""
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".pth.tar")

State = dict[str, torch.Tensor]


def find(
    owner: str,
    hub_id: str,
    weights: str | Path | None,
    *,
    file: str | None = None,
    url: str | None = None,
) -> Path:
    """The file, or the index of files, that holds a checkpoint's weights.

    Args:
        owner: what the weights are for, named when they cannot be had.
        hub_id: name of the checkpoint.
        weights: folder that mirrors hub ids: the checkpoint lies in `weights/hub_id`.
        file: name of its weights, where it is not a usual one.
        url: where that file is published, if not on the hub.

    Raises:
        ValueError: the checkpoint is nowhere, or it is not clear which of its files is meant.
    """
    folder = _mirrored(hub_id, weights)
    if folder is None:
        wanted = (file,) if file else ("model*.safetensors*", "pytorch_model*.bin*")
        folder = _fetch(owner, hub_id, weights, wanted, url)
    for name in (file, *USUAL):
        if name is not None and (folder / name).is_file():
            return folder / name
    others = sorted(path.name for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    if len(others) == 1:
        return folder / others[0]
    held = f"holds {', '.join(others)}" if others else "holds no weights"
    raise ValueError(f"{folder}: {held}; want {file or ' or '.join(USUAL)}")


def find_file(owner: str, hub_id: str, weights: str | Path | None, name: str) -> Path:
    """Another file of a checkpoint, such as its tokenizer; see `find`.

    Raises:
        ValueError: the checkpoint is nowhere, or has no such file.
    """
    folder = _mirrored(hub_id, weights) or _fetch(owner, hub_id, weights, (name,), None)
    if not (folder / name).is_file():
        raise ValueError(f"{folder}: holds no {name}")
    return folder / name


def read(path: Path, inside: tuple[str, ...] = ()) -> State:
    """The tensors of a file, or of all files that an index lists.

    Args:
        path: what `find` gave.
        inside: entries that may hold the weights beside the state of an optimiser, in order.

    Raises:
        ValueError: the file cannot be read, or holds other things than tensors.
    """
    if path.suffix == ".json":
        try:
            parts = sorted(set(json.loads(path.read_text())["weight_map"].values()))
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path}: not an index of weights") from None
        return {name: v for part in parts for name, v in read(path.parent / part).items()}
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        held: Any = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except pickle.UnpicklingError:
        raise ValueError(
            f"{path}: no torch file, or one that holds more than tensors, which is not read as it "
            "could run code; save its weights as safetensors"
        ) from None
    except (SafetensorError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path}: not a readable checkpoint ({error})") from None
    if isinstance(held, dict):
        held = next((held[name] for name in inside if name in held), held)
    if not isinstance(held, dict):
        raise ValueError(f"{path}: holds no tensors by name, but a {type(held).__name__}")
    if strangers := [name for name, value in held.items() if not torch.is_tensor(value)]:
        raise ValueError(f"{path}: {strangers[0]!r} is no tensor; which entry holds the weights?")
    return held


def _mirrored(hub_id: str, weights: str | Path | None) -> Path | None:
    """The checkpoint's folder in a mirror; None if there is no mirror, or not of this one."""
    if weights is None or not (Path(weights) / hub_id).is_dir():
        return None
    return Path(weights) / hub_id


def _fetch(
    owner: str, hub_id: str, weights: str | Path | None, wanted: tuple[str, ...], url: str | None
) -> Path:
    """The folder into which the first of the `wanted` patterns that gives files is downloaded."""
    looked = "no folder given" if weights is None else f"no folder {Path(weights) / hub_id}"
    if url is not None:
        raise _missing(owner, hub_id, f"{looked}, and its makers publish it at {url}")
    try:
        for pattern in wanted:
            folder = Path(snapshot_download(hub_id, allow_patterns=pattern))
            if any(folder.glob(pattern)):
                break
        return folder
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        why = str(error).strip().splitlines()[0]
        raise _missing(owner, hub_id, f"{looked}, and not from the hub: {why}") from None


def _missing(owner: str, hub_id: str, reason: str) -> ValueError:
    return ValueError(
        f"{owner}: no weights of {hub_id} ({reason}); give a local directory that holds {hub_id}/ "
        "with --weights DIR (WEIGHTS=DIR), run where that hub id can be reached, or start from "
        "random weights with --init random (INIT=random)"
    )
