"""A trained model as a directory that stands alone: written, and read back to the same logits.

`config.json` says what the model is, `model.safetensors` holds every weight, `processor.json` what
videos and pictures become before they reach it, and `tokenizer.json` its vocabulary, unless that is
the closed one.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

from safetensors.torch import save_file

from ablate.axes import Stage
from ablate.data.chat import ChatTokenizer
from ablate.data.frames import view_of
from ablate.data.tokenizer import ClosedTokenizer, Tokenizer
from ablate.encoders import clip_path
from ablate.models import checkpoint
from ablate.models.attention import choose
from ablate.models.build import fresh_model
from ablate.models.language import Facts, find_tokenizer
from ablate.models.lmm import VideoLMM
from ablate.models.precision import multiply
from ablate.plain import misfit, parse_json
from ablate.spec import Cell, Design, Execution, Init, Precision, Size, from_dict, to_dict
from ablate.tokens import tokens_per_clip
from ablate.training import built

VERSION = 1
"""Raised when directories of before can no longer be read."""
CONFIG, PROCESSOR, TOKENIZER = "config.json", "processor.json", "tokenizer.json"


class Config(TypedDict):
    """What `config.json` holds."""

    ablate: int
    """Version of the format."""
    design: dict[str, Any]
    size: dict[str, Any]
    precision: dict[str, Any]
    rope_theta: float
    norm_eps: float
    made_from: dict[str, Any]
    """For people: where the weights come from."""


@dataclass(frozen=True)
class Exported:
    """A model that was read back, with what it takes to ask it something."""

    model: VideoLMM
    design: Design
    size: Size
    tokenizer: Tokenizer


def export(
    folder: Path,
    model: VideoLMM,
    design: Design,
    size: Size,
    precision: Precision,
    tokenizer: Path | None,
    made_from: dict[str, Any],
) -> None:
    """Write a model to `folder`, which appears whole or not at all.

    Args:
        folder: to be created.
        model: as it is executed.
        design: of the model.
        size: its row.
        precision: what its weights are kept and multiplied in.
        tokenizer: the language model's `tokenizer.json`; None for the closed vocabulary.
        made_from: plain values that say where the weights come from.

    Raises:
        ValueError: there is something at `folder` already.
    """
    if folder.exists():
        raise ValueError(f"{folder}: is there already; give a new directory")
    facts = model.llm.config
    config = Config(
        ablate=VERSION,
        design=to_dict(design),
        size=to_dict(size),
        precision=to_dict(precision),
        rope_theta=facts.rope_parameters["rope_theta"],
        norm_eps=facts.rms_norm_eps,
        made_from=made_from,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        (made / CONFIG).write_text(json.dumps(config, indent=1))
        (made / PROCESSOR).write_text(json.dumps(processor_settings(design, size), indent=1))
        if tokenizer is not None:
            shutil.copyfile(tokenizer, made / TOKENIZER)
        weights = model.named(Stage.PARTS)
        state = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
        save_file(state, made / "model.safetensors", metadata={"format": "pt"})
        made.chmod(0o755)
        os.rename(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def export_cell(cell: Cell, run: Path, folder: Path, weights: str | None = None) -> None:
    """Write the model of a training to `folder`.

    Args:
        cell: what was trained.
        run: its folder in a store.
        folder: to be created.
        weights: folder that mirrors hub ids, for what was not trained; None for the one that the
            training had.

    Raises:
        ValueError: its weights are not there, or those it started from.
    """
    facts = run / "training.json"
    if not (run / "weights.safetensors").is_file() or not facts.is_file():
        raise ValueError(
            f"{run}: holds no weights; the training has not ended, or they had to make room "
            "(`--keep`)"
        )
    how = from_dict(parse_json(facts.read_bytes(), facts)["execution"])
    how = replace(how, device="cpu", attention=None, processes=1, weights=weights or how.weights)
    model = built(cell, how)
    model.load_state_dict(checkpoint.read(run / "weights.safetensors"), strict=False)
    tokenizer = find_tokenizer(cell.size, how.weights, published=cell.init is Init.PRETRAINED)
    source = {"train_id": cell.train_id, "samples": cell.samples, "seed": cell.seed}
    export(folder, model, cell.design, cell.size, how.precision, tokenizer, source)


def load(folder: Path, device: str = "cpu") -> Exported:
    """Read a model that was exported.

    Raises:
        ValueError: a file is missing, cannot be read or does not fit; a line names it.
    """
    config = _config(folder / CONFIG)
    design, size, precision = (
        _spec(folder, config[part], kind)  # type: ignore[literal-required]
        for part, kind in (("design", Design), ("size", Size), ("precision", Precision))
    )
    _check_processor(folder / PROCESSOR, processor_settings(design, size))
    facts = Facts(config["rope_theta"], config["norm_eps"])
    attention = choose(Execution(device, precision))
    model = fresh_model(design, size, 0, precision=precision, attention=attention, facts=facts)
    _fill(model, folder / "model.safetensors")
    model.to(device)
    multiply(model, precision, device)
    own = folder / TOKENIZER
    tokenizer = ChatTokenizer(own) if own.is_file() else ClosedTokenizer()
    return Exported(model, design, size, tokenizer)


def processor_settings(design: Design, size: Size) -> dict[str, Any]:
    """What videos and pictures become before the towers see them, in plain values."""
    towers = {
        str(shape.name): {
            "image_size": shape.image_size,
            "square_with": list(view_of(shape).fill),
            "mean": list(shape.mean),
            "std": list(shape.std),
        }
        for shape in clip_path(design, size).towers
    }
    return {
        "towers": towers,
        "sampling": to_dict(design.sampling),
        "tokens_per_clip": tokens_per_clip(design),
        "prompt": str(design.integration.kind),
    }


def _fill(model: VideoLMM, file: Path) -> None:
    held, wanted = checkpoint.read(file), model.named(Stage.PARTS)
    if strangers := sorted(held.keys() ^ wanted.keys()):
        where = "lacks" if strangers[0] in wanted else "has no place for"
        raise ValueError(f"{file}: {where} {strangers[0]!r}")
    for name, value in held.items():
        ours = wanted[name]
        if (value.shape, value.dtype) != (ours.shape, ours.dtype):
            raise ValueError(
                f"{file}: {name!r} is {value.dtype} {tuple(value.shape)}, "
                f"not {ours.dtype} {tuple(ours.shape)}"
            )
        ours.detach().copy_(value)


def _config(path: Path) -> Config:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; `ablate export` makes a directory with it")
    config = parse_json(path.read_bytes(), path)
    if (why := misfit(config, Config)) is not None:
        raise ValueError(f"{path}: {why}")
    if config["ablate"] != VERSION:
        raise ValueError(f"{path}: of version {config['ablate']}, this program reads {VERSION}")
    return config


def _spec(folder: Path, plain: dict[str, Any], kind: type) -> Any:
    try:
        value = from_dict(plain)
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG}: {error}") from None
    if not isinstance(value, kind):
        raise ValueError(f"{folder / CONFIG}: {plain.get('type')!r} is no {kind.__name__.lower()}")
    return value


def _check_processor(path: Path, ours: dict[str, Any]) -> None:
    """Refuse settings that this program would not follow."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    theirs = parse_json(path.read_bytes(), path)
    if not isinstance(theirs, dict):
        raise ValueError(f"{path}: must be an object")
    for name in sorted(ours.keys() | theirs.keys()):
        if theirs.get(name) != ours.get(name):
            raise ValueError(
                f"{path}: {name} is {theirs.get(name)!r}; the model is fed {ours.get(name)!r}"
            )
