"""What a cell costs: parameters and FLOPs by part, in closed form, and the time they take.

The same functions price the expected workload in a plan and the realised one in a record.
Standard library only.
"""

import math
from dataclasses import dataclass

from ablate.connectors import connector_flops, connector_parameters, integration_parameters
from ablate.spec import Cell, Design, Size
from ablate.tokens import context_per_clip, tokens_per_clip
from ablate.towers import TowerShape, fused_grid, tower_shape
from ablate.train.schedule import resolve

TEXT_TOKENS = 45
"""Expected tokens of a conversation's questions and answers."""
QUESTION_TOKENS = 8
"""Expected tokens of an evaluation question."""
IMAGES = 2
"""Expected pictures of a multi-image sample."""

CPU_FLOPS, GPU_FLOPS = 8e9, 4e14
"""FLOPs per second that one CPU thread, and one current data-centre GPU, are assumed to reach."""
STEP_SECONDS = 0.012
"""Time of an optimiser step beside its FLOPs."""
DECODE_SECONDS = 0.01
"""Time to open a video and decode the frames of one sample."""


@dataclass(frozen=True)
class Workload:
    """What passes through a cell's model: expected in a plan, realised in a record."""

    tokens_per_sample: float
    """Mean context length of a training conversation."""
    clips_per_sample: float
    videos: int
    """Files decoded."""
    encoded_clips: int
    """Clips that pass the encoders in training: each distinct clip once when they are frozen."""
    eval_rows: int
    """Sequences scored in the evaluation."""
    eval_tokens: float
    """Mean length of such a sequence."""
    eval_clips: int
    """Distinct clips that the evaluation encodes."""


def shapes(design: Design, size: Size) -> tuple[TowerShape, ...]:
    """Facts of the design's towers at this size."""
    return tuple(tower_shape(tower, size.tiny_towers) for tower in design.encoder.towers)


def parameters(design: Design, size: Size) -> dict[str, int]:
    """Exact parameter counts of `vision`, `connector` (with its integration) and `llm`."""
    towers = shapes(design, size)
    width = sum(shape.hidden for shape in towers)
    connector = connector_parameters(
        design.connector, width, size.llm.hidden, tokens_per_clip(design)
    )
    return {
        "vision": sum(shape.parameters for shape in towers),
        "connector": connector
        + integration_parameters(design.integration.separators, size.llm.hidden),
        "llm": size.parameters,
    }


def trainable_parameters(design: Design, size: Size) -> int:
    """Parameters that are trained in the stage that trains most."""
    counts = parameters(design, size)
    return max(sum(counts[part] for part in stage.trainable) for stage in design.schedule.stages)


def expected_workload(cell: Cell, train_videos: int, questions: int) -> Workload:
    """Workload of a cell, counting every video at its largest number of clips.

    Args:
        cell: what is run.
        train_videos: distinct training videos of the data.
        questions: evaluation questions of the data; several may share a video.
    """
    design = cell.design
    share = {name: percent / 100 for name, percent in design.mixture.shares.items()}
    clips = design.sampling.max_clips
    sample_clips = share["video"] * clips + share["image"] + share["multi_image"] * IMAGES
    samples = sum(stage.stop - stage.start for stage in resolve(cell))
    videos = math.ceil(min(samples * share["video"], train_videos))
    stills = math.ceil(samples * (share["image"] + share["multi_image"] * IMAGES))
    live = design.schedule.trains_vision
    eval_sampling = cell.eval_protocol.sampling
    assert eval_sampling is not None
    per_clip = context_per_clip(design)
    return Workload(
        tokens_per_sample=sample_clips * per_clip + TEXT_TOKENS,
        clips_per_sample=sample_clips,
        videos=videos,
        encoded_clips=math.ceil(samples * sample_clips) if live else videos * clips + stills,
        eval_rows=questions,
        eval_tokens=eval_sampling.max_clips * per_clip + QUESTION_TOKENS,
        eval_clips=questions * eval_sampling.max_clips,
    )


def flops(cell: Cell, work: Workload) -> dict[str, float]:
    """FLOPs by part: `encode <tower>`, `connector`, `llm` for training, `evaluate` for the rest.

    A trained part costs its forward pass three times, a frozen part that gradients pass through
    twice, a frozen tower once.
    """
    design, size = cell.design, cell.size
    frames = design.sampling.frames_per_clip
    towers = shapes(design, size)
    per_clip = {shape.name: shape.forward_flops(frames) for shape in towers}
    grid = fused_grid([shape.grid(frames) for shape in towers])
    width = sum(shape.hidden for shape in towers)
    connect = connector_flops(
        design.connector, width, size.llm.hidden, tokens_per_clip(design), grid
    )
    sequence = size.llm.forward_flops(round(work.tokens_per_sample))
    parts = {f"encode {name}": work.encoded_clips * cost for name, cost in per_clip.items()}
    parts |= {"connector": 0.0, "llm": 0.0}
    for stage in resolve(cell):
        samples = stage.stop - stage.start
        parts["connector"] += samples * work.clips_per_sample * connect * 3
        parts["llm"] += samples * sequence * (3 if "llm" in stage.rates else 2)
        if "vision" in stage.rates:
            for name, cost in per_clip.items():
                parts[f"encode {name}"] += samples * work.clips_per_sample * cost * 2
    clips_per_row = work.eval_clips / max(1, work.eval_rows)
    parts["evaluate"] = (
        work.eval_clips * sum(per_clip.values())
        + work.eval_rows * clips_per_row * connect
        + work.eval_rows * size.llm.forward_flops(round(work.eval_tokens))
    )
    return parts


def expected_seconds(cell: Cell, work: Workload) -> float:
    """Rough time on one CPU thread, or one GPU for the rows that need it; a plan says which."""
    rate = CPU_FLOPS if cell.size.tiny_towers else GPU_FLOPS
    steps = sum(stage.steps for stage in resolve(cell))
    return sum(flops(cell, work).values()) / rate + steps * STEP_SECONDS
