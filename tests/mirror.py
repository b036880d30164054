"""Published checkpoints at a size that is made here: a pretrained row, and a mirror with files."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer as Engine
from tokenizers import decoders, models, pre_tokenizers

from ablate.axes import Tower
from ablate.data.chat import END, PAD, START
from ablate.models.encoders import build_tower
from ablate.models.language import build_llm
from ablate.sizes import size_row
from ablate.spec import Size
from ablate.towers import PUBLIC, TINY


def reduced_row(monkeypatch: pytest.MonkeyPatch) -> Size:
    """A pretrained row with a small language model; SigLIP and VideoMAE are small beside it."""
    for tower in (Tower.SIGLIP, Tower.VIDEOMAE):
        small = dataclasses.replace(TINY[tower], hub_id=PUBLIC[tower].hub_id)
        monkeypatch.setitem(PUBLIC, tower, small)
    llm = dataclasses.replace(size_row("10K").llm, vocab=512, context=2048)
    return dataclasses.replace(size_row("0.5B"), llm=llm, batch=16)


def publish_llm(root: Path, size: Size) -> dict[str, torch.Tensor]:
    """Write the row's language model, with random weights and a tokenizer of bytes."""
    folder = root / str(size.weights)
    torch.manual_seed(7)
    made = build_llm(size.llm)
    made.save_pretrained(folder)
    save_bytes_tokenizer(folder, (PAD, START, END))
    return made.state_dict()


def publish_siglip(root: Path) -> dict[str, torch.Tensor]:
    """Write SigLIP with random weights; returns them under the tower's names."""
    folder = root / str(PUBLIC[Tower.SIGLIP].hub_id)
    folder.mkdir(parents=True)
    torch.manual_seed(8)
    state = build_tower(PUBLIC[Tower.SIGLIP]).state_dict()
    named = {f"vision_model.{k.replace('layers', 'encoder.layers')}": v for k, v in state.items()}
    save_file(named, folder / "model.safetensors")
    return state


def save_bytes_tokenizer(folder: Path, control: tuple[str, ...]) -> Path:
    """A `tokenizer.json` with every byte a token, and control tokens."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    engine = Engine(models.BPE({letter: i for i, letter in enumerate(sorted(alphabet))}, []))
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    engine.add_special_tokens(list(control))
    engine.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"
