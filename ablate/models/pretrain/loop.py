"""The training loop that the three objectives share."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn

WARMUP_STEPS = 50
WEIGHT_DECAY = 0.01
BETAS = (0.9, 0.95)
CLIP_NORM = 5.0
PIXEL_NOISE = 4.0
"""Standard deviation, of 255: decoded video is not as clean as drawn frames."""
SPREAD_WEIGHT = 1.0
FLOOR = 1e-4
"""Least variance of a direction that is told from none."""
CURVE_POINTS = 25


def noisy(frames: torch.Tensor) -> torch.Tensor:
    """Training pixels: uint8 frames of any shape as float with noise."""
    return frames.float() + PIXEL_NOISE * torch.randn(frames.shape)


def spread_penalty(features: torch.Tensor) -> torch.Tensor:
    """Keeps the channels of features (..., E) decorrelated, centred and of unit scale.

    The divergence of a Gaussian with their mean and covariance from the standard one, per channel.
    The feature is a hidden state before any norm: left alone, a few directions hold nearly all of
    its variance, and a connector, which has no norm at its entrance, learns the others slowly.
    """
    x = features.flatten(0, -2)
    mean = x.mean(dim=0)
    covariance = (x - mean).T @ (x - mean) / len(x)
    width = x.shape[1]
    volume = torch.logdet(covariance + FLOOR * torch.eye(width))
    return SPREAD_WEIGHT * (covariance.trace() + mean.square().sum() - width - volume) / (2 * width)


def fit(
    parameters: Iterable[nn.Parameter],
    loss_of_batch: Callable[[], torch.Tensor],
    *,
    steps: int,
    rate: float,
    say: Callable[[str], None] = print,
) -> list[float]:
    """Minimise with AdamW, a short warm-up and cosine decay.

    Args:
        parameters: what learns.
        loss_of_batch: draws a batch and returns its loss.
        steps: optimiser steps.
        rate: highest learning rate.
        say: called with a line now and then.

    Returns:
        Mean loss of each of `CURVE_POINTS` equal parts of the training.
    """
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, lr=rate, betas=BETAS, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / WARMUP_STEPS) * (1 + math.cos(math.pi * step / steps)) / 2,
    )
    losses, part = [], max(1, steps // CURVE_POINTS)
    for step in range(steps):
        loss = loss_of_batch()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % part == 0:
            say(f"  step {step + 1} of {steps}: loss {sum(losses[-part:]) / part:.4f}")
    return [round(sum(losses[at : at + part]) / part, 4) for at in range(0, steps - part + 1, part)]
