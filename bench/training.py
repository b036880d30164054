"""Training steps of the public rows: FLOPs reached, against a matrix product and a plain loop.

Weights are random and features generated, so nothing is downloaded: a step's time does not depend
on their values. The frozen towers' work is not in it, nor is the way of the features to the device.
Needs neither Ray nor a video library: `python -m bench.training` on a machine with a GPU, or with
the rows to take: `python -m bench.training 1.5B 7B`.
"""

import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import torch
from torch import nn
from transformers import PreTrainedModel

from ablate.axes import Connector, ConnectorKind, Encoder, Fps, Mixture, Schedule, Stage, Tower
from ablate.cost import connector_of
from ablate.data.collate import Batch, GlobalBatch, collate
from ablate.data.prompt import Prompt
from ablate.data.stats import SamplingStats
from ablate.encoders import clip_path
from ablate.models.attention import choose
from ablate.models.encoders.fusion import fuse
from ablate.models.language import build_llm
from ablate.models.lmm import VideoLMM
from ablate.models.precision import kept_as
from ablate.sizes import size_row
from ablate.spec import Design, Execution, Format, Precision, Size
from ablate.tokens import IGNORED, VISUAL, tokens_per_clip
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage
from ablate.train.trainer import train
from experiments.baseline import PLAIN

SIZES = ("smollm2-135M", "0.5B", "1.5B", "3B", "7B")
CLIPS, QUESTION, ANSWER = 25, 64, 192
"""A sample: the clips of the paper's first two stages (Table 7), and tokens of text."""
BATCH = 8
"""Samples of a step, cut into the largest micro-batches that fit."""
WARM, TIMED = 2, 5
"""Steps that are thrown away, and steps that are timed."""
MATRIX = {"cpu": 1024, "cuda": 8192}
"""Side of the product that gives the reference rate."""
BF16 = Precision(Format.BF16, Format.BF16, Format.BF16)

DESIGN = Design(
    sampling=Fps(2, frames_per_clip=4, max_clips=CLIPS),
    encoder=Encoder((Tower.SIGLIP, Tower.INTERNVIDEO2)),
    connector=Connector(ConnectorKind.PERCEIVER, 16),
    integration=PLAIN,
    schedule=Schedule((Stage(1.0, connector=1.0, llm=1.0),)),
    mixture=Mixture(),
)
"""The paper's exploration defaults (Sec. 4)."""


@dataclasses.dataclass(frozen=True)
class Speed:
    """One row, both ways."""

    size: str
    micro: int
    """Samples of a forward pass."""
    attention: str
    step: float
    """Seconds of a step of this program; median."""
    plain: float
    """Seconds of the same step in a plain loop of transformers; median."""
    flops: float
    """Model FLOPs of a step: three forward passes, nothing computed twice counted."""
    matrix_rate: float
    """FLOPs per second of one large matrix product in bf16, in the same process."""

    @property
    def utilisation(self) -> float:
        """Share of the matrix product's rate that the step reaches."""
        return self.flops / self.step / self.matrix_rate

    def __str__(self) -> str:
        return (
            f"{self.size}: micro-batch {self.micro}, {self.attention}, step {self.step:.3g} s, "
            f"{self.flops / self.step / 1e12:.3g} TFLOP/s, {self.utilisation:.0%} of the matrix "
            f"product's {self.matrix_rate / 1e12:.3g}; plain loop {self.plain:.3g} s, "
            f"ratio {self.plain / self.step:.2f}"
        )


def compare(size: Size, device: str, batch: int = BATCH, design: Design = DESIGN) -> Speed:
    """Time the same training step in this program and in a plain loop.

    Args:
        size: the row; its language model and connector are trained in bf16.
        device: `cuda` or `cpu`.
        batch: samples of a step, a power of two; micro-batches are halved until they fit.
        design: how many clips, and what connects them.
    """
    micro = batch
    while True:
        try:
            return _compare(size, device, batch, micro, design)
        except torch.OutOfMemoryError:
            if micro == 1:
                raise
        # Outside, so that the error and the tensors of its frames are gone.
        micro //= 2
        torch.cuda.empty_cache()


def _compare(size: Size, device: str, batch: int, micro: int, design: Design) -> Speed:
    # The same for all micro-batches: the features of a sample of 25 clips take 480 MB.
    made, count = make_batch(size, design, micro).to(device), batch // micro
    how = Execution(device=device, precision=BF16)
    rate = matrix_rate(device)
    ours = _ours(size, design, made, count, how)
    plain = _plain(size, design, made, count, how)
    flops = count * step_flops(size, design, made)
    return Speed(size.name, micro, str(choose(how)), ours, plain, flops, rate)


def make_batch(size: Size, design: Design, samples: int) -> Batch:
    """Random features and tokens of samples that all have the most clips."""
    random = torch.Generator().manual_seed(0)
    clips, path = design.sampling.max_clips, clip_path(design, size)
    words = torch.randint(size.llm.vocab, (samples, QUESTION + ANSWER), generator=random).tolist()
    visual = [VISUAL] * (clips * tokens_per_clip(design))
    unlearned = [IGNORED] * (len(visual) + QUESTION)
    prompts = [Prompt((*visual, *row), (*unlearned, *row[QUESTION:])) for row in words]
    features = tuple(
        torch.randn(samples * clips, *tower.grid(path.frames), tower.hidden, generator=random)
        for tower in path.towers
    )
    names = [str(k) for k in range(samples)]
    return collate(names, prompts, [clips] * samples, 0, features=features)


def step_flops(size: Size, design: Design, batch: Batch) -> float:
    """Model FLOPs of a step on one micro-batch."""
    connector = connector_of(design, size, clip_path(design, size))
    sequences = sum(size.llm.forward_flops(row.length) for row in batch.rows)
    return 3 * (sequences + sum(row.clips for row in batch.rows) * connector.flops)


def matrix_rate(device: str) -> float:
    """FLOPs per second of a square product in bf16, the best of several."""
    n = MATRIX[device]
    a, b = (torch.randn(n, n, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * n**3 / min(_timed(lambda: a @ b, device) for _ in range(3 * (WARM + TIMED)))


def _ours(size: Size, design: Design, micro: Batch, count: int, how: Execution) -> float:
    """Median seconds between the reports of two steps."""
    connector, llm = _parts(size, design, how)
    # Features are given: nothing calls the towers.
    towers = nn.ModuleDict({f"tower{k}": nn.Identity() for k in range(len(design.encoder.towers))})
    model = VideoLMM(towers, connector, None, llm)
    rates = {"connector": 1e-5, "llm": 1e-5}
    steps, (first, *_) = WARM + TIMED, design.schedule.stages
    samples = count * len(micro.rows)
    stage = ResolvedStage(0, 0, steps, samples, rates, frozenset(rates), first.data)
    ends: list[float] = []
    progress = Progress(SamplingStats(design.sampling))
    batch = GlobalBatch([micro] * count, count, count * micro.answer_tokens)
    train(
        model, (stage,), lambda _: _Loader([batch] * steps), how, progress,
        lambda *_: ends.append(_now(how.device)),
    )  # fmt: skip
    times = [after - before for before, after in itertools.pairwise(ends)]
    return statistics.median(times[WARM - 1 :])


def _plain(size: Size, design: Design, micro: Batch, count: int, how: Execution) -> float:
    """Median seconds of a loop as it is usually written: mask, labels, loss of the model."""
    connector, llm = _parts(size, design, how)
    parameters = [*connector.parameters(), *llm.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)

    def step() -> None:
        for _ in range(count):
            embeds = llm.get_input_embeddings()(micro.input_ids.clamp(min=0))
            visual = connector(fuse(micro.features or ()).to(embeds.dtype)).flatten(0, 1)
            embeds = embeds.masked_scatter((micro.input_ids == VISUAL).unsqueeze(-1), visual)
            made = llm(
                inputs_embeds=embeds, attention_mask=micro.attention_mask, labels=micro.labels
            )
            (made.loss / count).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    times = [_timed(step, how.device) for _ in range(WARM + TIMED)]
    return statistics.median(times[WARM:])


def _parts(size: Size, design: Design, how: Execution) -> tuple[nn.Module, PreTrainedModel]:
    """Connector and language model with random weights, made where they are used."""
    with kept_as(Format.BF16) as keep, torch.device(how.device):
        connector = keep(connector_of(design, size, clip_path(design, size)).build())
        llm = keep(build_llm(size.llm, attention=choose(how)))
    return connector.train(), llm.train()


class _Loader:
    """Batches in a loader of their own: Lightning takes a list for several loaders."""

    def __init__(self, batches: list[GlobalBatch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[GlobalBatch]:
        return iter(self.batches)


def _timed(work: Callable[[], object], device: str) -> float:
    begun = _now(device)
    work()
    return _now(device) - begun


def _now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main(names: list[str]) -> None:
    """Print a line for every row."""
    if not torch.cuda.is_available():
        raise SystemExit("bench.training: needs a GPU; tests run it on a CPU at a small row")
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, bf16, {BATCH} samples of "
        f"{CLIPS} clips and {QUESTION + ANSWER} tokens of text"
    )
    for name in names or SIZES:
        try:
            print(compare(size_row(name), "cuda"), flush=True)
        except torch.OutOfMemoryError:
            print(f"{name}: does not fit, even a sample at a time", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
