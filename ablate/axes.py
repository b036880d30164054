"""The six axes: what a level is on each of them, and which values it refuses.

Standard library only, so that planning and analysis never load torch or ray.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, TypeVar

_E = TypeVar("_E", bound=StrEnum)


class Tower(StrEnum):
    """Vision towers by the paper's names; the size row decides: public one or tiny sibling."""

    SIGLIP = "siglip"
    CLIP = "clip"
    DINOV2 = "dinov2"
    LANGUAGEBIND_IMAGE = "languagebind_image"
    VIDEOMAE = "videomae"
    VJEPA = "vjepa"
    VJEPA2 = "vjepa2"
    LANGUAGEBIND_VIDEO = "languagebind_video"
    INTERNVIDEO2 = "internvideo2"
    EFFICIENTNET = "efficientnet"


class ConnectorKind(StrEnum):
    """How patch features become language-model tokens (paper Sec. 4.3)."""

    MLP = "mlp"
    CONV = "conv"
    PERCEIVER = "perceiver"


class ImagePath(StrEnum):
    """How a picture reaches the language model (paper App. C.2)."""

    UNIFIED = "unified"
    """Repeated to a clip, through the towers and the connector of the videos."""
    SPLIT = "split"
    """Once, through the image towers alone and a connector of its own."""


class IntegrationKind(StrEnum):
    """What stands around the visual tokens of a clip (paper Sec. 4.4)."""

    PLAIN = "plain"
    SEPARATORS = "separators"
    TIMESTAMPS = "timestamps"
    BOTH = "both"
    RELEASED = "released"
    """As the published models are prompted: a sentence on the clips, then seconds before each."""


class StageData(StrEnum):
    """What a training stage sees (paper Sec. 5.1)."""

    VIDEO = "video"
    MIXTURE = "mixture"


# === levels ===


@dataclass(frozen=True)
class Uniform:
    """`frames` frames spread evenly over the video, grouped into clips of `frames_per_clip`."""

    frames: int
    frames_per_clip: int = 4

    def __post_init__(self) -> None:
        require_positive(self, "frames", "frames_per_clip")
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
        require_positive(self, "fps", "frames_per_clip", "max_clips")

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
        require_positive(self, "frames_per_clip")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return "still"


Sampling = Uniform | Fps | Still


@dataclass(frozen=True)
class Encoder:
    """One vision tower, or several fused on the channel axis (paper Sec. 4.2)."""

    towers: tuple[Tower, ...]
    image_path: ImagePath = ImagePath.UNIFIED

    def __post_init__(self) -> None:
        object.__setattr__(self, "towers", tuple(choice(Tower, t) for t in self.towers))
        object.__setattr__(self, "image_path", choice(ImagePath, self.image_path))
        if not self.towers:
            raise ValueError(f"encoder: no tower given; choose from {', '.join(Tower)}")
        if len(set(self.towers)) < len(self.towers):
            raise ValueError(f"encoder: a tower is named twice in {'+'.join(self.towers)}")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        split = ":split" if self.image_path is ImagePath.SPLIT else ""
        return "+".join(self.towers) + split


@dataclass(frozen=True)
class Connector:
    """Resamples a clip's patches to `tokens_per_frame` tokens per frame (paper Sec. 4.3)."""

    kind: ConnectorKind
    tokens_per_frame: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", choice(ConnectorKind, self.kind))
        require_positive(self, "tokens_per_frame")

    @property
    def label(self) -> str:
        """Short name for tables and plots."""
        return f"{self.kind}-{self.tokens_per_frame}"


@dataclass(frozen=True)
class Integration:
    """What stands around the visual tokens of each clip (paper Sec. 4.4)."""

    kind: IntegrationKind

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", choice(IntegrationKind, self.kind))

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
        object.__setattr__(self, "data", choice(StageData, self.data))
        if not 0 < self.share <= 1:
            raise ValueError(f"stage: share {self.share:g} is not between 0 and 1")
        if not self.trainable:
            raise ValueError("stage: every part is frozen; give vision, connector or llm a rate")
        for part in self.trainable:
            require_positive(self, part)

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


def choice(enum: type[_E], value: str) -> _E:
    """The member of `enum` with this value.

    Raises:
        ValueError: there is none; the message lists the choices.
    """
    try:
        return enum(value)
    except ValueError:
        axis = enum.__name__.removesuffix("Kind").lower()
        raise ValueError(f"unknown {axis} {value!r}; choose from {', '.join(enum)}") from None


def require_positive(owner: object, *names: str) -> None:
    """Refuse an owner of which a named field is not a positive number.

    Raises:
        ValueError: naming the field and its value.
    """
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(
                f"{type(owner).__name__.lower()}: {name} must be positive, not {value!r}"
            )
