"""The loss is a mean over the global batch's answer tokens, and frozen means untouched."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from ablate.axes import StageData
from ablate.data.collate import Batch, GlobalBatch, collate
from ablate.data.prompt import Prompt
from ablate.data.stats import SamplingStats
from ablate.models.lmm import VideoLMM
from ablate.spec import Execution
from ablate.tokens import IGNORED, VISUAL
from ablate.train.module import Diverged, answer_nll
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage
from ablate.train.trainer import train
from tests.cells import BASE, silent
from tests.models.designs import model, pixels

ANSWERS = (1, 2, 4, 7)
"""Answer tokens of four samples: so unequal that a mean of means is another number."""
CLIPS = (1, 0, 2, 1)
TOKENS = 16
"""Visual tokens of a clip."""
PARTS = ("vision", "connector", "llm")


def _micros(built: VideoLMM, micro: int = 4, seed: int = 0, live: bool = False) -> Iterator[Batch]:
    """Four samples in micro-batches."""
    random = torch.Generator().manual_seed(seed)

    def words(count: int) -> list[int]:
        return torch.randint(5, 300, (count,), generator=random).tolist()

    prompts = []
    for clips, count in zip(CLIPS, ANSWERS, strict=True):
        asked, said = [VISUAL] * (TOKENS * clips) + words(6), words(count)
        prompts.append(Prompt((*asked, *said), (*[IGNORED] * len(asked), *said)))
    seen = pixels(built, sum(CLIPS), seed)
    for first in range(0, 4, micro):
        part = slice(first, first + micro)
        shown = slice(sum(CLIPS[:first]), sum(CLIPS[: first + micro]))
        own = tuple(tensor[shown] for tensor in seen)
        with torch.no_grad():
            media = {"pixels": own} if live else {"features": built.encode(own)}
        names = [f"{k}" for k in range(4)][part]
        yield collate(names, prompts[part], CLIPS[part], 0, **media)


def _batch(built: VideoLMM, seed: int = 0, live: bool = False, micro: int = 4) -> GlobalBatch:
    return GlobalBatch(_micros(built, micro, seed, live), -(-4 // micro), sum(ANSWERS))


class _Loader:
    """Batches in a loader of their own: Lightning takes a list for several loaders."""

    def __init__(self, batches: list[GlobalBatch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[GlobalBatch]:
        return iter(self.batches)


def _train(built: VideoLMM, stage: ResolvedStage, batches: list[GlobalBatch]) -> list[float]:
    progress = _progress()
    train(built, (stage,), lambda _: _Loader(batches), Execution(), progress, silent)
    assert [step for step, _ in progress.curve] == list(range(stage.steps))
    return [loss for _, loss in progress.curve]


def _progress() -> Progress:
    return Progress(SamplingStats(BASE.sampling))


def _stage(steps: int = 1, rate: float = 1e-3, parts: tuple[str, ...] = PARTS[1:]) -> ResolvedStage:
    rates = dict.fromkeys(parts, rate)
    return ResolvedStage(0, 0, steps, 4, rates, frozenset(parts), StageData.MIXTURE)


def _losses(built: VideoLMM, steps: int, micro: int = 4) -> list[float]:
    batches = [_batch(built, seed, micro=micro) for seed in range(steps)]
    return _train(built, _stage(steps), batches)


def _gradients(micro: int) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients, before they are clipped, of one step cut into micro-batches."""
    built, found = model(), {}

    def keep(name: str):
        def hook(parameter: torch.nn.Parameter) -> None:
            found[name] = parameter.grad.clone()

        return hook

    for name, parameter in built.named_parameters():
        parameter.register_post_accumulate_grad_hook(keep(name))
    (loss,) = _losses(built, 1, micro)
    return loss, found


@pytest.mark.parametrize("micro", [1, 2, 3])
def test_micro_batches_change_neither_loss_nor_gradient(micro: int) -> None:
    whole_loss, whole = _gradients(4)
    loss, cut = _gradients(micro)
    assert loss == pytest.approx(whole_loss, abs=1e-5)
    assert cut.keys() == whole.keys() and any("connector" in name for name in cut)
    for name, gradient in whole.items():
        torch.testing.assert_close(cut[name], gradient, atol=1e-5, rtol=1e-5, msg=name)


def test_micro_batches_train_alike_for_several_steps() -> None:
    whole, cut = _losses(model(), 3), _losses(model(), 3, micro=1)
    assert cut == pytest.approx(whole, abs=1e-4)


def test_the_loss_is_the_mean_over_all_answer_tokens() -> None:
    built = model()
    with torch.no_grad():
        sums = [float(answer_nll(built, one)) for one in _micros(built, 1)]
    means = [total / count for total, count in zip(sums, ANSWERS, strict=True)]
    (loss,) = _losses(model(), 1)
    assert loss == pytest.approx(sum(sums) / sum(ANSWERS), abs=1e-5)
    assert loss != pytest.approx(sum(means) / len(means), abs=1e-3)


@pytest.mark.parametrize(
    "parts", [("connector",), ("llm",), ("connector", "llm"), PARTS], ids="+".join
)
def test_only_parts_with_a_rate_change(parts: tuple[str, ...]) -> None:
    built = model(integration="separators")
    before = {part: [p.clone() for p in values] for part, values in built.parts().items()}
    batches = [_batch(built, seed, live="vision" in parts) for seed in range(2)]
    _train(built, _stage(2, parts=parts), batches)
    for part, values in built.parts().items():
        same = [torch.equal(a, b) for a, b in zip(before[part], values, strict=True)]
        if part in parts:
            assert not all(same), f"{part} has a rate and did not learn"
        else:
            assert all(same), f"{part} is frozen and changed"


def test_a_stage_after_another_freezes_anew() -> None:
    built = model()
    first = _stage(1, parts=("llm",))
    second = dataclasses.replace(_stage(1, parts=("connector",)), index=1, first_step=1)
    kept: list[list[torch.Tensor]] = []

    def loader(stage: ResolvedStage) -> _Loader:
        kept.append([p.clone() for p in built.parts()["llm"]])
        return _Loader([_batch(built, stage.index)])

    progress = _progress()
    train(built, (first, second), loader, Execution(), progress, silent)
    assert [step for step, _ in progress.curve] == [0, 1]
    after = built.parts()["llm"]
    assert not all(torch.equal(a, b) for a, b in zip(kept[0], after, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(kept[1], after, strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(value: float) -> None:
    built = model()
    with torch.no_grad():
        built.llm.model.norm.weight.fill_(value)
    with pytest.raises(Diverged, match=r"loss is .* at step 0"):
        _losses(built, 1)


def test_learning_lowers_the_loss() -> None:
    built = model()
    losses = _train(built, _stage(30, 1e-2), [_batch(built) for _ in range(30)])
    assert losses[-1] < losses[0] - 1
