"""The LightningModule of one training stage."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import ParallelStrategy
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ablate.data.collate import Batch, GlobalBatch
from ablate.models.lmm import VideoLMM
from ablate.tokens import IGNORED
from ablate.train.group import shard, total
from ablate.train.progress import Progress
from ablate.train.schedule import ResolvedStage

WARMUP = 0.03
"""Share of a stage's steps in which the rate rises (paper App. C)."""
CLIP_NORM = 1.0
"""Largest gradient norm (paper App. C)."""
BETAS = (0.9, 0.95)
"""AdamW's memory: a short one leaves plateaus sooner, and runs here have hundreds of steps."""

Report = Callable[[int, float], None]
"""Called with (step of the run, loss) after every optimiser step."""


class Diverged(RuntimeError):
    """The loss stopped being a number; a cell that diverges has no score."""

    kind = "diverged"


class StageModule(pl.LightningModule):
    """Trains the parts that have a rate; the loss is a mean over the global batch's answer tokens.

    Dividing every micro-batch's summed loss by the global number of answer tokens makes the
    gradient independent of the cut.
    """

    def __init__(
        self,
        model: VideoLMM,
        stage: ResolvedStage,
        progress: Progress,
        report: Report,
        towers_learn: bool = False,
    ) -> None:
        """Train `model` for one stage.

        Args:
            model: what learns.
            stage: with its rates.
            progress: takes in the loss curve.
            report: called after every step.
            towers_learn: whether the towers learn in any stage, and so run inside the model.
        """
        super().__init__()
        self.automatic_optimization = False
        # A checkpoint holds only what was trained so far; the rest is as the model was built.
        self.strict_loading = False
        self.model, self.stage = model, stage
        self.progress, self.report = progress, report
        self.towers_learn = towers_learn

    def configure_optimizers(self) -> tuple[list, list]:
        """AdamW with a rate per part, linear warm-up and cosine decay over the stage."""
        parts = self.model.parts()
        groups = [
            {"params": parts[part], "lr": rate, "name": part}
            for part, rate in self.stage.rates.items()
            if parts[part]
        ]
        optimizer = torch.optim.AdamW(groups, betas=BETAS, weight_decay=0.0, fused=True)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate_factor)
        return [optimizer], [scheduler]

    def _rate_factor(self, step: int) -> float:
        warmup = max(1, round(WARMUP * self.stage.steps))
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, self.stage.steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * progress))

    def setup(self, stage: str) -> None:
        """Freeze what has no rate, before a strategy looks at what is trained."""
        self.model.train_only(self.stage.rates)

    def configure_model(self) -> None:
        """Spread the model over the processes where the strategy does so."""
        if self._device_mesh is not None:
            shard(self.model, self._device_mesh["data_parallel"], towers=self.towers_learn)

    def on_train_epoch_start(self) -> None:
        """Lightning switches everything to training mode: switch the frozen parts back."""
        self.model.train_only(self.stage.rates)

    def training_step(self, batch: GlobalBatch, batch_idx: int) -> None:
        """One optimiser step on a global batch, or on this process's share of it.

        Raises:
            Diverged: the loss is not finite.
        """
        optimizer = cast(Optimizer, self.optimizers())
        # Processes average their gradients; the mean is to be over all answer tokens.
        tokens = total(self, batch.answer_tokens) / self.trainer.world_size
        nll = 0.0
        for number, micro in enumerate(batch.micros, 1):
            part = answer_nll(self.model, micro) / tokens
            with self._apart(number < batch.count):
                self.manual_backward(part)
            nll += float(part.detach())
        loss = total(self, nll) / self.trainer.world_size
        step = self.progress.step
        if not math.isfinite(loss):
            raise Diverged(f"loss is {loss} at step {step}")
        self.clip_gradients(optimizer, gradient_clip_val=CLIP_NORM, gradient_clip_algorithm="norm")
        optimizer.step()
        optimizer.zero_grad()
        cast(LRScheduler, self.lr_schedulers()).step()
        self.progress.curve.append((step, loss))
        rates = {f"rate/{group['name']}": group["lr"] for group in optimizer.param_groups}
        for logger in self.loggers:
            logger.log_metrics({"loss": loss, "stage": self.stage.index, **rates}, step)
        self.report(step, loss)

    def _apart(self, apart: bool) -> AbstractContextManager:
        """Where gradients of several micro-batches add up before processes exchange them."""
        strategy = self.trainer.strategy
        if apart and isinstance(strategy, ParallelStrategy):
            return strategy.block_backward_sync()
        return nullcontext()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out what was never trained; add the progress and the random state."""
        trained = {f"model.{name}" for name in self.model.named(self.stage.trained)}
        held = checkpoint["state_dict"]
        checkpoint["state_dict"] = {name: held[name] for name in held if name in trained}
        checkpoint["progress"] = self.progress.state_dict()
        checkpoint["random"] = torch.get_rng_state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from the progress and the random state of a checkpoint."""
        self.progress.load_state_dict(checkpoint["progress"])
        torch.set_rng_state(checkpoint["random"])


def answer_nll(model: VideoLMM, batch: Batch) -> torch.Tensor:
    """Summed negative log-likelihood of the answer tokens of a batch, in nats (a scalar)."""
    targets = batch.labels[:, 1:]
    supervised = targets != IGNORED
    logits = model(
        batch.input_ids,
        batch.attention_mask,
        batch.features,
        positions=functional.pad(supervised, (0, 1)),
        pictures=batch.picture_features,
        pixels=batch.pixels,
        picture_pixels=batch.picture_pixels,
    )
    return functional.cross_entropy(logits.float(), targets[supervised], reduction="sum")
