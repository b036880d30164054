"""What one training run is: the six axes, a design, a cell, and the ids computed from them.

Standard library only, so that planning and analysis never load torch or ray.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

_E = TypeVar("_E", bound=StrEnum)

SPEC_VERSION = 1
"""Raised when the same description would train to something else; part of every id."""


class Tower(StrEnum):
    """Vision towers by the paper's names; the size row decides: public one or tiny sibling."""

    SIGLIP = "siglip"
    DINOV2 = "dinov2"
    VIDEOMAE = "videomae"


class ConnectorKind(StrEnum):
    """How patch features become language-model tokens (paper Sec. 4.3)."""

    MLP = "mlp"
    CONV = "conv"
    PERCEIVER = "perceiver"


class IntegrationKind(StrEnum):
    """What stands around the visual tokens of a clip (paper Sec. 4.4)."""

    PLAIN = "plain"
    SEPARATORS = "separators"
    TIMESTAMPS = "timestamps"
    BOTH = "both"


class Init(StrEnum):
    """Where the language model's first weights come from."""

    PRETRAINED = "pretrained"
    RANDOM = "random"


class StageData(StrEnum):
    """What a training stage sees (paper Sec. 5.1)."""

    VIDEO = "video"
    MIXTURE = "mixture"


# === levels of the six axes ===


@dataclass(frozen=True)
class Uniform:
    """`frames` frames spread evenly over the video, grouped into clips of `frames_per_clip`."""

    frames: int
    frames_per_clip: int = 4

    def __post_init__(self) -> None:
        _require_positive(self, "frames", "frames_per_clip")
        if self.frames % self.frames_per_clip:
            raise ValueError(
                f"uniform sampling: {self.frames} frames do not divide into clips of "
                f"{self.frames_per_clip}; choose a multiple"
            )

    @property
    def max_clips(self) -> int:
        """Number of clips, whatever the duration."""
        return self.frames // self.frames_per_clip

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return f"uniform-{self.frames}"


@dataclass(frozen=True)
class Fps:
    """Clips at a fixed frame rate, consecutive until `max_clips`, then spaced evenly.

    The frames inside a clip always keep their rate (paper Sec. 4.1).
    """

    fps: float
    frames_per_clip: int
    max_clips: int

    def __post_init__(self) -> None:
        _require_positive(self, "fps", "frames_per_clip", "max_clips")

    @property
    def clip_seconds(self) -> float:
        """Seconds one clip covers."""
        return self.frames_per_clip / self.fps

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return f"fps-{self.fps:g}x{self.frames_per_clip * self.max_clips}"


@dataclass(frozen=True)
class Still:
    """The middle frame alone, repeated to one clip: the control that shows what motion adds."""

    frames_per_clip: int
    max_clips: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _require_positive(self, "frames_per_clip")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return "still"


Sampling = Uniform | Fps | Still


@dataclass(frozen=True)
class Encoder:
    """One vision tower, or several fused on the channel axis (paper Sec. 4.2)."""

    towers: tuple[Tower, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "towers", tuple(_choice(Tower, t) for t in self.towers))
        if not self.towers:
            raise ValueError(f"encoder: no tower given; choose from {', '.join(Tower)}")
        if len(set(self.towers)) < len(self.towers):
            raise ValueError(f"encoder: a tower is named twice in {'+'.join(self.towers)}")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return "+".join(self.towers)


@dataclass(frozen=True)
class Connector:
    """Resamples a clip's patches to `tokens_per_frame` tokens per frame (paper Sec. 4.3)."""

    kind: ConnectorKind
    tokens_per_frame: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _choice(ConnectorKind, self.kind))
        _require_positive(self, "tokens_per_frame")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return f"{self.kind}-{self.tokens_per_frame}"


@dataclass(frozen=True)
class Integration:
    """What stands around the visual tokens of each clip (paper Sec. 4.4)."""

    kind: IntegrationKind

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _choice(IntegrationKind, self.kind))

    @property
    def separators(self) -> bool:
        """Whether learned start and end tokens enclose a clip."""
        return self.kind in (IntegrationKind.SEPARATORS, IntegrationKind.BOTH)

    @property
    def timestamps(self) -> bool:
        """Whether a clip is preceded by its time range as text."""
        return self.kind in (IntegrationKind.TIMESTAMPS, IntegrationKind.BOTH)

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return str(self.kind)


@dataclass(frozen=True)
class Stage:
    """One call of `Trainer.fit`: what learns, at which multiple of the size row's rate, on what.

    `None` means frozen; 1.0 means the learning rate of the size row.
    """

    share: float
    """Share of the cell's samples, between 0 and 1."""
    vision: float | None = None
    connector: float | None = None
    llm: float | None = None
    data: StageData = StageData.MIXTURE

    PARTS: ClassVar[tuple[str, ...]] = ("vision", "connector", "llm")

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", _choice(StageData, self.data))
        if not 0 < self.share <= 1:
            raise ValueError(f"stage: share {self.share:g} is not between 0 and 1")
        if not self.trainable:
            raise ValueError("stage: every part is frozen; give vision, connector or llm a rate")
        for part in self.trainable:
            _require_positive(self, part)

    @property
    def trainable(self) -> tuple[str, ...]:
        """Parts that learn in this stage."""
        return tuple(part for part in self.PARTS if getattr(self, part) is not None)

    @property
    def label(self) -> str:
        """Initials of the trainable parts, each with its multiple unless that is 1."""
        return "".join(
            part[0] + ("" if (rate := getattr(self, part)) == 1 else f"{rate:g}")
            for part in self.trainable
        )


@dataclass(frozen=True)
class Schedule:
    """The stages of training in order; their shares of the samples add up to 1 (paper Sec. 5.1)."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        total = sum(stage.share for stage in self.stages)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"schedule: the stages' shares add up to {total:g}, not 1")

    @property
    def trains_vision(self) -> bool:
        """Whether any stage unfreezes the vision towers."""
        return any(stage.vision is not None for stage in self.stages)

    @property
    def label(self) -> str:
        """Trainable parts per stage, for example `c>vc>cl`."""
        return ">".join(stage.label for stage in self.stages)


@dataclass(frozen=True)
class Mixture:
    """Shares of the training samples by modality, in percent (paper Sec. 5.3)."""

    text: float = 0
    image: float = 0
    multi_image: float = 0
    video: float = 100

    MODALITIES: ClassVar[tuple[str, ...]] = ("text", "image", "multi_image", "video")

    def __post_init__(self) -> None:
        shares = self.shares
        if min(shares.values()) < 0:
            raise ValueError(f"mixture: a share is negative in {self.label}")
        if abs(sum(shares.values()) - 100) > 1e-9:
            raise ValueError(f"mixture: shares add up to {sum(shares.values()):g}, not 100")

    @property
    def shares(self) -> dict[str, float]:
        """Percent by modality."""
        return {name: getattr(self, name) for name in self.MODALITIES}

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return f"t{self.text:g}-i{self.image:g}-m{self.multi_image:g}-v{self.video:g}"


Level = Sampling | Encoder | Connector | Integration | Schedule | Mixture


# === design, size, cell ===


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


@dataclass(frozen=True)
class Protocol:
    """How a trained model is examined: part of the score's id, not of the training's."""

    sampling: Sampling | None = None
    """Evaluation sampling; None means as in training."""


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "init", _choice(Init, self.init))
        _require_positive(self, "samples", "lr_scale")

    @property
    def design_id(self) -> str:
        """Hash of the six axes."""
        return self.design.design_id

    @property
    def train_id(self) -> str:
        """Hash of all that decides the trained weights; how a cell executes is only recorded."""
        described = to_dict(self)
        for evaluation in ("protocol", "eval_data"):
            del described[evaluation]
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

    def stream(self, purpose: str) -> int:
        """Seed of one independent source of randomness: `init`, `order` or `sampling`."""
        digest = hashlib.sha256(f"{self.seed}/{purpose}".encode()).digest()
        return int.from_bytes(digest[:4], "big")


@dataclass(frozen=True)
class Execution:
    """How a cell runs: recorded with it, never part of an id."""

    device: str = "cpu"
    precision: str = "32-true"
    micro_batch: int | None = None
    """Conversations per forward pass; None for the whole global batch."""
    data_workers: int = 0
    threads: int = 1


# === dictionaries and ids ===

_TYPES = {
    cls.__name__: cls
    for cls in (
        Uniform, Fps, Still, Encoder, Connector, Integration, Stage, Schedule, Mixture,
        Design, LlmShape, Size, Protocol, Cell, Execution,
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
    try:
        return cls(**{key: from_dict(item) for key, item in fields.items()})
    except TypeError as error:
        raise ValueError(f"spec: {name}: {error}") from None


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


def _choice(enum: type[_E], value: str) -> _E:
    try:
        return enum(value)
    except ValueError:
        axis = enum.__name__.removesuffix("Kind").lower()
        raise ValueError(f"unknown {axis} {value!r}; choose from {', '.join(enum)}") from None


def _require_positive(owner: object, *names: str) -> None:
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(
                f"{type(owner).__name__.lower()}: {name} must be positive, not {value!r}"
            )
