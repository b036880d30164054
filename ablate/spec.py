"""What one training run is: a design, a size, a cell, and the ids computed from them.

Standard library only, so that planning and analysis never load torch or ray.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from ablate.axes import (
    Connector,
    Encoder,
    Fps,
    Integration,
    Mixture,
    Sampling,
    Schedule,
    Stage,
    Still,
    Uniform,
    choice,
    require_positive,
)

SPEC_VERSION = 2
"""Raised when the same description would train to something else; part of every id."""


class Init(StrEnum):
    """Where the first weights of the vision towers and the language model come from.

    Pretrained: published checkpoints where the size row names them; at the other rows the shipped
    tiny towers and a fresh language model. Random: fresh weights everywhere.
    """

    PRETRAINED = "pretrained"
    RANDOM = "random"


@dataclass(frozen=True)
class Design:
    """One level on every axis."""

    sampling: Sampling
    encoder: Encoder
    connector: Connector
    integration: Integration
    schedule: Schedule
    mixture: Mixture

    AXES: ClassVar[tuple[str, ...]] = (
        "sampling", "encoder", "connector", "integration", "schedule", "mixture",
    )  # fmt: skip

    @property
    def design_id(self) -> str:
        """Hash of the six axes."""
        return content_id(self)

    def labels(self) -> dict[str, str]:
        """Label of the level on every axis."""
        return {axis: getattr(self, axis).label for axis in self.AXES}

    def name(self, axes: tuple[str, ...] = AXES) -> str:
        """The labels on `axes` in one string; for people, never parsed."""
        return " ".join(getattr(self, axis).label for axis in axes)


@dataclass(frozen=True)
class LlmShape:
    """Architecture facts of a decoder language model (Qwen2 or Llama style)."""

    vocab: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    tied: bool
    qkv_bias: bool = True
    context: int = 32_768

    @property
    def parameters(self) -> int:
        """Exact parameter count, embeddings included."""
        head = self.hidden // self.heads
        kv = self.kv_heads * head
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * kv
        bias = self.hidden + 2 * kv if self.qkv_bias else 0
        layer = attention + bias + 3 * self.hidden * self.intermediate + 2 * self.hidden
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * layer + self.hidden

    def forward_flops(self, tokens: int) -> float:
        """FLOPs of one forward pass over a sequence: 2 per weight and token, plus attention."""
        weights = self.parameters - (0 if self.tied else self.vocab * self.hidden)
        attention = 4 * self.layers * self.hidden * tokens * tokens
        return 2.0 * weights * tokens + attention


@dataclass(frozen=True)
class Size:
    """A row of the size ladder: the language model and what is derived from it."""

    name: str
    llm: LlmShape
    tiny_towers: bool
    """Whether encoder levels resolve to the tiny siblings instead of the public towers."""
    lr_vision: float
    lr_connector: float
    lr_llm: float
    batch: int
    """Conversations per optimiser step."""
    weights: str | None = None
    """Hub id of the pretrained language model; None for rows that are trained from scratch."""
    plan_only: bool = False

    @property
    def parameters(self) -> int:
        """Exact parameter count of the language model; the column `size` of every table."""
        return self.llm.parameters


AS_TRAINED = "as-trained"
"""Label of the protocol that examines a model with the sampling it was trained with."""


@dataclass(frozen=True)
class Protocol:
    """How a trained model is examined: part of the score's id, not of the training's."""

    sampling: Sampling | None = None
    """Evaluation sampling; None means as in training."""

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return AS_TRAINED if self.sampling is None else self.sampling.label


@dataclass(frozen=True)
class Cell:
    """One training run: design x size x samples x seed on one dataset, and how it is examined."""

    design: Design
    size: Size
    samples: int
    """Training conversations."""
    seed: int
    data: str
    """Fingerprint of the training data."""
    eval_data: str
    """Fingerprint of the evaluation data."""
    towers: str
    """Fingerprint of the encoder's first weights."""
    init: Init = Init.PRETRAINED
    lr_scale: float = 1.0
    steps: int | None = None
    """Optimiser steps, where fewer than the samples give; None for all."""
    protocol: Protocol = field(default_factory=Protocol)
    matched_to: int | None = None
    """Samples of the base design whose tokens or FLOPs it spends; None where it has as many."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "init", choice(Init, self.init))
        require_positive(self, "samples", "lr_scale")

    @property
    def design_id(self) -> str:
        """Hash of the six axes."""
        return self.design.design_id

    @property
    def train_id(self) -> str:
        """Hash of all that decides the trained weights; how a cell executes is only recorded."""
        described = to_dict(self)
        for beside in ("protocol", "eval_data", "matched_to"):
            del described[beside]
        return content_id({"spec": SPEC_VERSION, **described})

    @property
    def score_id(self) -> str:
        """Hash of the training plus all that decides the score."""
        return content_id([self.train_id, self.eval_data, to_dict(self.eval_protocol)])

    @property
    def eval_protocol(self) -> Protocol:
        """The protocol with its sampling resolved."""
        return dataclasses.replace(
            self.protocol, sampling=self.protocol.sampling or self.design.sampling
        )

    @property
    def declared_samples(self) -> int:
        """Samples by which cells are compared: those of the base design it is made equal to."""
        return self.matched_to or self.samples

    def stream(self, purpose: str) -> int:
        """Seed of one independent source of randomness: `init`, `order` or `sampling`."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}".encode()).digest()
        return int.from_bytes(digest[:4], "big")


class Format(StrEnum):
    """How numbers are kept and multiplied."""

    FP32 = "fp32"
    MIXED = "mixed"
    """Weights, gradients and optimiser states in fp32, matrix products in bf16."""
    BF16 = "bf16"


@dataclass(frozen=True)
class Precision:
    """Number format by part."""

    vision: Format = Format.FP32
    connector: Format = Format.FP32
    llm: Format = Format.FP32

    def __post_init__(self) -> None:
        for part in Stage.PARTS:
            object.__setattr__(self, part, choice(Format, getattr(self, part)))


FP32 = Precision()
MIXED = Precision(Format.MIXED, Format.MIXED, Format.MIXED)
BF16 = Precision(Format.BF16, Format.BF16, Format.BF16)


class Attention(StrEnum):
    """What computes the language model's attention."""

    SDPA = "sdpa"
    """PyTorch's own, which picks a kernel for the device."""
    FLASH = "flash"
    """The package flash-attn: a GPU and half precision."""


LOGGERS = ("tensorboard", "wandb")


class Strategy(StrEnum):
    """What several processes that train a cell together keep."""

    DDP = "ddp"
    """Each the whole model."""
    FSDP = "fsdp"
    """Each a part of every layer's weights, gradients and optimiser states."""


@dataclass(frozen=True)
class Execution:
    """How a cell runs: recorded with it, never part of an id."""

    device: str = "cpu"
    precision: Precision = FP32
    checkpointing: bool = False
    """Whether activations of transformer layers are computed again instead of kept."""
    attention: Attention | None = None
    """None for flash-attn where it is installed and can be used, else SDPA; records say which."""
    micro_batch: int | None = None
    """Conversations per forward pass of a process; None for all it has of a global batch."""
    processes: int = 1
    """That train the cell together, each on its share of every global batch and its own GPU."""
    strategy: Strategy = Strategy.DDP
    """What each of several processes keeps."""
    data_workers: int = 0
    threads: int = 1
    weights: str | None = None
    """Folder that mirrors hub ids, for published checkpoints; None for the hub itself."""
    checkpoint_seconds: float = 60.0
    """Most seconds of work that a killed run loses: the time between two checkpoints."""
    patience_seconds: float = 1800.0
    """Seconds without progress after which a process is ended."""
    loggers: tuple[str, ...] = ()
    """Where curves go besides CSV, of `LOGGERS`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", choice(Strategy, self.strategy))
        if self.attention is not None:
            object.__setattr__(self, "attention", choice(Attention, self.attention))
        require_positive(self, "processes")

    def share(self, batch: int) -> int:
        """Conversations of a global batch that each process takes.

        Raises:
            ValueError: the processes cannot share it evenly.
        """
        if batch % self.processes:
            raise ValueError(f"processes: {self.processes} cannot share a batch of {batch} evenly")
        return batch // self.processes


# === dictionaries and ids ===

_TYPES = {
    cls.__name__: cls
    for cls in (
        Uniform, Fps, Still, Encoder, Connector, Integration, Stage, Schedule, Mixture,
        Design, LlmShape, Size, Protocol, Cell, Precision, Execution,
    )
}  # fmt: skip


def to_dict(value: Any) -> Any:
    """Plain JSON types for a spec value; every dataclass carries its `type`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_dict(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, list | tuple):
        return [to_dict(item) for item in value]
    return str(value) if isinstance(value, StrEnum) else value


def from_dict(value: Any) -> Any:
    """Inverse of `to_dict`.

    Raises:
        ValueError: an unknown type or field, or a value its dataclass refuses.
    """
    if isinstance(value, list):
        return tuple(from_dict(item) for item in value)
    if not isinstance(value, dict):
        return value
    fields = dict(value)
    name = fields.pop("type", None)
    if name not in _TYPES:
        raise ValueError(f"spec: unknown type {name!r}; choose from {', '.join(_TYPES)}")
    cls = _TYPES[name]
    known = {f.name for f in dataclasses.fields(cls)}
    if unknown := sorted(set(fields) - known):
        raise ValueError(
            f"spec: {name} has no field {unknown[0]!r}; it has {', '.join(sorted(known))}"
        )
    made = {key: from_dict(item) for key, item in fields.items()}
    hints = _hints(cls)
    for key, item in made.items():
        if not _fits(item, hints[key]):
            raise ValueError(f"spec: {name}: {key} cannot be {fields[key]!r:.60}")
    try:
        return cls(**made)
    except TypeError as error:
        raise ValueError(f"spec: {name}: {error}") from None


_hints = cache(get_type_hints)
_WHOLE = 2**53
"""Beyond it whole numbers are not told apart as floating-point numbers."""


def _fits(value: Any, kind: Any) -> bool:
    """Whether what a dictionary gave is of a field's type; a whole number is also a float."""
    if kind is Any:
        return True
    if (inside := get_args(kind)) and get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(one, inside[0]) for one in value)
    if inside:
        return any(_fits(value, one) for one in inside)
    if kind in (int, float):
        plain = isinstance(value, int if kind is int else int | float)
        return plain and not isinstance(value, bool) and abs(value) < _WHOLE
    return isinstance(value, str if issubclass(kind, StrEnum) else kind)


def content_id(value: Any) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    plain = _canonical(to_dict(value))
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    """Numbers that are equal are written alike: 2 and 2.0 must not make two ids."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
