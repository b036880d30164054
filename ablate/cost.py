"""What a cell costs: parameters and FLOPs by part, in closed form.

The same functions price the expected workload in a plan and the realised one in a record.
Standard library only.
"""

import math
from dataclasses import dataclass

from ablate.axes import Mixture, StageData
from ablate.connectors import Component, component
from ablate.encoders import Path, clip_path, picture_path
from ablate.spec import Cell, Design, Size
from ablate.tokens import picture_context, video_context
from ablate.train.schedule import ResolvedStage, resolve

TEXT_TOKENS = 45
"""Expected tokens of a conversation's questions and answers."""
QUESTION_TOKENS = 8
"""Expected tokens of an evaluation question."""
IMAGES = 2
"""Expected pictures of a multi-image sample."""


@dataclass(frozen=True)
class Workload:
    """What passes through a cell's model: expected in a plan, realised in a record."""

    tokens_per_sample: float
    """Mean context length of a training conversation."""
    clips_per_sample: float
    """Clips on the path of the videos; pictures are among them unless they have a path apart."""
    pictures_per_sample: float
    """Pictures on a path of their own."""
    videos: int
    """Files decoded."""
    encoded_clips: int
    """Clips that pass the encoders in training: each distinct clip once when they are frozen."""
    encoded_pictures: int
    """The same of pictures on a path of their own."""
    eval_rows: int
    """Sequences scored in the evaluation."""
    eval_tokens: float
    """Mean length of such a sequence."""
    eval_clips: int
    """Distinct clips that the evaluation encodes."""


def connector_of(design: Design, size: Size, path: Path) -> Component:
    """The design's connector on this path, whose clips and pictures become as many tokens.

    Raises:
        ValueError: it cannot make so many tokens of the path's patches.
    """
    frames = design.sampling.frames_per_clip
    return component(design.connector, path.width, size.llm.hidden, frames, path.grid)


def parameters(design: Design, size: Size) -> dict[str, int]:
    """Exact parameter counts of `vision`, `connector` (with its integration) and `llm`.

    Raises:
        ValueError: a split image path without an image tower.
    """
    clips, pictures = clip_path(design, size), picture_path(design, size)
    connectors = sum(
        connector_of(design, size, path).parameters
        for path in (clips, pictures)
        if path is not None
    )
    separators = 2 * size.llm.hidden * design.integration.separators
    return {
        "vision": sum(tower.parameters for tower in clips.towers),
        "connector": connectors + separators,
        "llm": size.parameters,
    }


def trainable_parameters(design: Design, size: Size) -> int:
    """Parameters that are trained in the stage that trains most."""
    counts = parameters(design, size)
    return max(sum(counts[part] for part in stage.trainable) for stage in design.schedule.stages)


def modality_shares(cell: Cell) -> dict[str, float]:
    """Share of each modality among all training samples, stages that see only video included."""
    stages = resolve(cell)
    total = stages[-1].stop

    def share(stage: ResolvedStage, modality: str) -> float:
        mixture = Mixture() if stage.data is StageData.VIDEO else cell.design.mixture
        return mixture.shares[modality] / 100 * (stage.stop - stage.start) / total

    return {name: sum(share(stage, name) for stage in stages) for name in Mixture.MODALITIES}


def expected_workload(cell: Cell, train_videos: int, questions: int, test_videos: int) -> Workload:
    """Workload of a cell, counting every video at its largest number of clips.

    Args:
        cell: what is run.
        train_videos: distinct training videos of the data.
        questions: evaluation questions of the data; several may share a video.
        test_videos: distinct videos that they are about.
    """
    design, share = cell.design, modality_shares(cell)
    clips, samples = design.sampling.max_clips, resolve(cell)[-1].stop
    pictures = share["image"] + share["multi_image"] * IMAGES
    context = share["video"] * video_context(design, cell.size, clips)
    apart = pictures if picture_path(design, cell.size) else 0.0
    beside = share["video"] * clips + pictures - apart
    videos = math.ceil(min(samples * share["video"], train_videos))
    live = design.schedule.trains_vision
    eval_sampling = cell.eval_protocol.sampling
    assert eval_sampling is not None
    eval_clips = eval_sampling.max_clips
    return Workload(
        tokens_per_sample=context + pictures * picture_context(design) + TEXT_TOKENS,
        clips_per_sample=beside,
        pictures_per_sample=apart,
        videos=videos,
        encoded_clips=math.ceil(
            samples * beside if live else videos * clips + samples * (pictures - apart)
        ),
        encoded_pictures=math.ceil(samples * apart),
        eval_rows=questions,
        eval_tokens=video_context(design, cell.size, eval_clips) + QUESTION_TOKENS,
        eval_clips=test_videos * eval_clips,
    )


def flops(cell: Cell, work: Workload) -> dict[str, float]:
    """FLOPs by part: `encode <tower>`, `connector`, `llm` for training, `evaluate` for the rest.

    A trained part costs its forward pass three times, a frozen part that gradients pass through
    twice, a frozen tower once.
    """
    design, size = cell.design, cell.size
    clips, pictures = clip_path(design, size), picture_path(design, size)
    connect = connector_of(design, size, clips).flops
    paths = [(clips, work.clips_per_sample, work.encoded_clips)]
    if pictures is not None:
        paths.append((pictures, work.pictures_per_sample, work.encoded_pictures))
    sequence = size.llm.forward_flops(round(work.tokens_per_sample))
    parts = {f"encode {tower.name}": 0.0 for tower in clips.towers}
    parts |= {"connector": 0.0, "llm": 0.0}
    for path, _, encoded in paths:
        for name, cost in path.forward_flops.items():
            parts[f"encode {name}"] += encoded * cost
    for stage in resolve(cell):
        samples = stage.stop - stage.start
        parts["llm"] += samples * sequence * (3 if "llm" in stage.rates else 2)
        for path, per_sample, _ in paths:
            parts["connector"] += samples * per_sample * connector_of(design, size, path).flops * 3
            if "vision" in stage.rates:
                for name, cost in path.forward_flops.items():
                    parts[f"encode {name}"] += samples * per_sample * cost * 2
    clips_per_row = work.eval_clips / max(1, work.eval_rows)
    parts["evaluate"] = (
        work.eval_clips * sum(clips.forward_flops.values())
        + work.eval_rows * clips_per_row * connect
        + work.eval_rows * size.llm.forward_flops(round(work.eval_tokens))
    )
    return parts
