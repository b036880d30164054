"""Peak memory of training a cell, in closed form: what lies on the device at the largest stage.

Weights, gradients and AdamW's two moments are exact. Activations follow Korthikanti et al. (arXiv
2205.05198, Sec. 4.1: what each matrix product and non-linearity keeps for the backward pass), here
for gated feed-forward parts, grouped key-value heads, fused attention (which keeps no scores) and
no dropout. Buffers of kernels and fragmentation are not counted. Standard library only.
"""

import math
from dataclasses import dataclass

from ablate.axes import ConnectorKind
from ablate.connectors import FFN_MULTIPLE, conv_stride, perceiver_heads, pooled_grid
from ablate.cost import IMAGES, TEXT_TOKENS, parameters
from ablate.encoders import Path, clip_path, picture_path
from ablate.spec import Cell, Execution, LlmShape, Size
from ablate.tokens import max_context, picture_context, tokens_per_clip
from ablate.towers import TowerShape, VitShape

FULL, HALF = 4, 2
"""Bytes of a number in single and in half precision."""


@dataclass(frozen=True)
class Memory:
    """Bytes of a training at its peak."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations


def planned_execution(size: Size) -> Execution:
    """How a row is assumed to run: small rows whole batches on a CPU, others one sample in bf16."""
    if size.tiny_towers:
        return Execution()
    return Execution(device="cuda", precision="bf16-mixed", micro_batch=1)


def peak_memory(cell: Cell, execution: Execution | None = None) -> Memory:
    """Memory of the stage that needs most, with every sample a video at its most clips.

    Args:
        cell: what is trained, on one device.
        execution: precision and micro-batch; None for what its row is assumed to run with.
    """
    how = execution or planned_execution(cell.size)
    stored = HALF if how.precision == "bf16-true" else FULL
    kept = FULL if how.precision == "32-true" else HALF
    counts = parameters(cell.design, cell.size)
    samples = min(how.micro_batch or cell.size.batch, cell.size.batch)

    def at(trainable: tuple[str, ...]) -> Memory:
        learning = sum(counts[part] for part in trainable)
        return Memory(
            weights=sum(counts.values()) * stored,
            gradients=learning * stored,
            optimizer=2 * learning * stored,
            activations=samples * _activations(cell, "vision" in trainable, kept),
        )

    stages = cell.design.schedule.stages
    return max((at(stage.trainable) for stage in stages), key=lambda memory: memory.total)


def _activations(cell: Cell, live: bool, kept: int) -> float:
    """Bytes that one sample keeps for the backward pass: the larger of a video and pictures."""
    design, size = cell.design, cell.size
    clips, pictures = clip_path(design, size), picture_path(design, size)
    still = pictures or clips
    shown = IMAGES if design.mixture.multi_image else 1
    video = max_context(design, size), clips, design.sampling.max_clips
    stills = shown * picture_context(design), still, shown
    return max(
        _llm(size.llm, context + TEXT_TOKENS, kept)
        + count * (_connector(cell, path, kept) + _towers(path, live, kept))
        for context, path, count in (video, stills)
    )


def _llm(shape: LlmShape, tokens: float, kept: int) -> float:
    """Layers, and logits in single precision where answers are learned, with their gradient."""
    kv = shape.kv_heads * shape.hidden // shape.heads
    norms = 2 * shape.hidden * FULL
    layer = norms + kept * (6 * shape.hidden + 2 * kv + 4 * shape.intermediate)
    logits = TEXT_TOKENS * shape.vocab * (kept + 2 * FULL)
    return tokens * (shape.layers * layer + kept * shape.hidden) + logits


def _towers(path: Path, live: bool, kept: int) -> float:
    """A clip's features in single precision and, where towers learn, all their layers."""
    features = FULL * math.prod(path.grid) * path.width
    if not live:
        return features
    return features + kept * sum(_tower(tower, path.frames) for tower in path.towers)


def _tower(tower: TowerShape, frames: int) -> float:
    """Numbers that a learning tower keeps of one clip; known for transformers alone."""
    if not isinstance(tower, VitShape):
        raise ValueError(f"{tower.name}: no closed form of its memory in training; keep it frozen")
    steps, height, width = tower.grid(frames)
    prefix = tower.prefix_tokens * (1 if tower.video else steps)
    tokens = steps * height * width + prefix
    return tokens * tower.layers * (8 * tower.hidden + 2 * tower.intermediate)


def _connector(cell: Cell, path: Path, kept: int) -> float:
    """What a connector keeps of one clip of patches."""
    d, q = cell.size.llm.hidden, tokens_per_clip(cell.design)
    patches = math.prod(path.grid)
    read = patches * path.width
    match cell.design.connector.kind:
        case ConnectorKind.MLP:
            return kept * (read + patches * d + q * d)
        case ConnectorKind.CONV:
            stride = conv_stride(pooled_grid(q, path.grid), path.grid)
            halved = path.grid[0] * math.prod(-(-side // stride) for side in path.grid[1:])
            return kept * (read + 2 * halved * d)
        case ConnectorKind.PERCEIVER:
            heads, kv_heads, width = perceiver_heads(d)
            keys = patches + q
            attention = keys * (d + 2 * kv_heads * width) + q * (2 * heads * width)
            norms = 2 * patches * d + 6 * q * d
            return kept * (read + norms + attention + q * d * (1 + 4 * FFN_MULTIPLE))
