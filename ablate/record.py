"""What a finished cell leaves behind, key by key."""

from typing import Any, TypedDict

from ablate.spec import Cell, to_dict


class Score(TypedDict):
    """Answers to the questions of one category, kind or group."""

    accuracy: float
    """Share of right answers, 0 to 1."""
    p_correct: float
    """Mean of the right option's share of the options' probability."""
    margin: float
    """Mean lead of the right option's probability over the best wrong one."""
    n: int
    """Questions."""
    se: float
    """Standard error of the accuracy from the draw of questions, with videos as the unit."""
    chance: float
    """Accuracy of guessing."""


class Spread(TypedDict):
    """What one quantity was over the videos of a run."""

    min: float
    mean: float
    max: float


class Drawn(TypedDict):
    """How much training drew of one source."""

    samples: dict[str, int]
    """Conversations by modality."""
    tokens: dict[str, int]
    """Positions without padding by modality."""


class Realised(TypedDict):
    """What sampling and mixture really gave; all but samples and tokens is about videos."""

    samples: dict[str, int]
    """Conversations by modality."""
    tokens: dict[str, int]
    """Positions without padding by modality."""
    sample_shares: dict[str, float]
    """The same in percent."""
    token_shares: dict[str, float]
    """The same in percent."""
    sources: dict[str, Drawn]
    """By source."""
    capped: int
    """Videos too long for consecutive clips."""
    duration: Spread | None
    """Seconds of a video."""
    clips: Spread | None
    """Clips of a video."""
    frames: Spread | None
    """Frames of a video."""
    fps: Spread | None
    """Frames a second inside a clip, as realised."""
    covered: Spread | None
    """Share of the video between the first and the last frame seen."""
    visual_tokens: Spread | None
    """Of a sample."""


class SourceReport(TypedDict):
    """Samples of one source."""

    weight: float
    kept: int
    dropped: dict[str, int]
    """Samples whose files cannot be used, by what is wrong with them: the same for every design."""


class DataReport(TypedDict):
    """What there was of one half of the data."""

    sources: dict[str, SourceReport]
    decoders: dict[str, int]
    """Files by the library that read them."""


class Halves(TypedDict):
    """Training and test data."""

    train: DataReport
    test: DataReport


class Cost(TypedDict):
    """What a cell took, by phase."""

    flops: dict[str, float]
    """Counted in closed form for what passed through the model."""
    seconds: dict[str, float]
    """Wall time; `total` is their sum."""


class Named(TypedDict):
    """What a record says of its cell: its description, and what a table of records is read by."""

    cell: dict[str, Any]
    """What was run, in the words of the spec; `ablate run` takes it."""
    train_id: str
    score_id: str
    design_id: str
    names: dict[str, str]
    """Label of the level on every axis."""
    evaluation: str
    """Label of the protocol: `as-trained`, or the sampling it was examined with."""
    variant: str
    """The labels in one string."""
    size: int
    """Parameters of the language model, embeddings included."""
    size_name: str
    """Row of the size ladder."""
    samples: int
    """Training conversations by which cells are compared."""
    seed: int


class Record(Named):
    """A finished cell: `<store>/runs/<train_id>/<score_id>/record.json`."""

    scores: dict[str, Score]
    """By category of question."""
    kinds: dict[str, Score]
    """By kind of question."""
    groups: dict[str, Score]
    """By duration of the video: short, medium, long."""
    controls: dict[str, dict[str, Score]]
    """The scores again with the question only, and with a single frame."""
    parameters: dict[str, int]
    """By part."""
    trainable_parameters: int
    """In the stage that trains most."""
    cost: Cost
    loss: list[tuple[int, float]]
    """Step and mean loss per answer token, in nats."""
    sampling: Realised
    data: Halves
    execution: dict[str, Any]
    """How it was trained: device, precision, micro-batch, threads; part of no id."""
    evaluated_with: dict[str, Any]
    """How it was examined."""
    versions: dict[str, str]
    """Packages, interpreter and instruction set that scores may depend on."""
    git: str | None
    """Commit of the checkout; None for an installed wheel."""


def named(cell: Cell) -> Named:
    """What a record says of its cell."""
    return {
        "cell": to_dict(cell),
        "train_id": cell.train_id,
        "score_id": cell.score_id,
        "design_id": cell.design_id,
        "names": cell.design.labels(),
        "evaluation": cell.protocol.label,
        "variant": cell.design.name(),
        "size": cell.size.parameters,
        "size_name": cell.size.name,
        "samples": cell.declared_samples,
        "seed": cell.seed,
    }
