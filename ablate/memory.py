"""Peak memory of training a cell, in closed form: what lies on the device at the largest stage.

Weights, gradients and AdamW's two moments are exact. Activations follow Korthikanti et al. (arXiv
2205.05198, Sec. 4.1: what each matrix product and non-linearity keeps for the backward pass), here
for gated feed-forward parts, grouped key-value heads, fused attention (which keeps no scores) and
no dropout; tests count what autograd keeps. Buffers of kernels and fragmentation are not counted.
Standard library only.
"""

import math
from dataclasses import dataclass

from ablate.cost import IMAGES, TEXT_TOKENS, connector_of, parameters
from ablate.encoders import Path, clip_path, picture_path
from ablate.rehearsal import is_rehearsal
from ablate.spec import BF16, MIXED, Cell, Execution, Format, LlmShape, Strategy
from ablate.tokens import max_context, picture_context
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
    overlap: bool
    """Whether whole gradients and whole activations exist at once: with several micro-batches."""

    @property
    def total(self) -> float:
        """What exists at once: a single micro-batch's activations go as its gradients come."""
        join = sum if self.overlap else max
        return self.weights + self.optimizer + join((self.gradients, self.activations))


def planned_execution(cell: Cell) -> Execution:
    """How a cell is assumed to run: small rows whole batches on a CPU, others one sample in bf16.

    A rehearsal keeps weights and optimiser states in bf16 too, for a machine without a GPU.
    """
    if cell.size.tiny_towers:
        return Execution()
    if is_rehearsal(cell):
        return Execution(precision=BF16, checkpointing=True, micro_batch=1)
    return Execution(device="cuda", precision=MIXED, micro_batch=1)


def peak_memory(cell: Cell, execution: Execution | None = None) -> Memory:
    """Memory of the stage that needs most, with every sample a video at its most clips.

    Of several processes it is that of one. Where they spread the model, layers in use are whole,
    which is not counted.

    Args:
        cell: what is trained.
        execution: precision and micro-batch; None for what its row is assumed to run with.
    """
    how = execution or planned_execution(cell)
    counts = parameters(cell.design, cell.size)
    holders = how.processes if how.strategy is Strategy.FSDP else 1
    stored = {part: count * _stored(how, part) / holders for part, count in counts.items()}
    share = how.share(cell.size.batch)
    samples = min(how.micro_batch or share, share)

    def at(trainable: tuple[str, ...]) -> Memory:
        learning = sum(stored[part] for part in trainable)
        return Memory(
            weights=sum(stored.values()),
            gradients=learning,
            optimizer=2 * learning,
            activations=samples * _activations(cell, trainable, how)
            + _copies(counts, trainable, how),
            overlap=samples < share,
        )

    stages = cell.design.schedule.stages
    return max((at(stage.trainable) for stage in stages), key=lambda memory: memory.total)


def _copies(counts: dict[str, int], trainable: tuple[str, ...], how: Execution) -> float:
    """Weights in half precision, which autocast keeps until the backward pass has used them."""
    mixed = {part for part in counts if getattr(how.precision, part) is Format.MIXED}
    passed = {"connector", "llm"} | ({"vision"} & set(trainable))
    return HALF * sum(counts[part] for part in mixed & passed)


def _stored(how: Execution, part: str) -> int:
    """Bytes of a part's weight, and of what passes between its layers."""
    return HALF if getattr(how.precision, part) is Format.BF16 else FULL


def _kept(how: Execution, part: str) -> int:
    """Bytes of what a part's matrix products keep."""
    return FULL if getattr(how.precision, part) is Format.FP32 else HALF


def _activations(cell: Cell, trainable: tuple[str, ...], how: Execution) -> float:
    """Bytes that one sample keeps for the backward pass: the larger of a video and pictures."""
    design, size = cell.design, cell.size
    clips, pictures = clip_path(design, size), picture_path(design, size)
    still = pictures or clips
    shown = IMAGES if design.mixture.multi_image else 1
    video = max_context(design, size), clips, design.sampling.max_clips
    stills = shown * picture_context(design), still, shown
    return max(
        _llm(size.llm, context + TEXT_TOKENS, "llm" in trainable, how)
        + count * _kept(how, "connector") * connector_of(design, size, path).kept
        + count * _towers(path, trainable, how)
        for context, path, count in (video, stills)
    )


def _llm(shape: LlmShape, tokens: float, learns: bool, how: Execution) -> float:
    """Layers, and logits in single precision where answers are learned, with their gradient.

    A frozen layer passes gradients on: it keeps no inputs of its matrix products.
    """
    kept = _kept(how, "llm")
    kv = shape.kv_heads * shape.hidden // shape.heads
    norms = 2 * shape.hidden * (FULL + (kept if learns else 0))
    values = 2 * shape.hidden + 2 * kv + 3 * shape.intermediate
    if learns:
        values += 2 * shape.hidden + shape.intermediate
    layer = norms + kept * values
    logits = TEXT_TOKENS * shape.vocab * (kept + 2 * FULL)
    return tokens * _layers(shape.layers, layer, shape.hidden * _stored(how, "llm"), how) + logits


def _layers(count: int, layer: float, between: float, how: Execution) -> float:
    """Bytes of a token in all layers: what they keep, or their inputs and one computed again."""
    return count * between + layer if how.checkpointing else count * layer


def _towers(path: Path, trainable: tuple[str, ...], how: Execution) -> float:
    """A clip's features in single precision and, where towers learn, all their layers."""
    features = FULL * math.prod(path.grid) * path.width
    if "vision" not in trainable:
        return features
    return features + sum(_tower(tower, path.frames, how) for tower in path.towers)


def _tower(tower: TowerShape, frames: int, how: Execution) -> float:
    steps, height, width = tower.grid(frames)
    prefix = tower.prefix_tokens * (1 if tower.video else steps)
    if not isinstance(tower, VitShape):
        return 0.0
    values = 8 * tower.hidden + 2 * tower.intermediate + 2 * tower.hidden * tower.layer_scale
    between = tower.hidden * _stored(how, "vision")
    layers = _layers(tower.layers, _kept(how, "vision") * values, between, how)
    return (steps * height * width + prefix) * layers
