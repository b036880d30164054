"""InternVideo2: positions on other grids, and clips of any length."""

import dataclasses

import pytest
import torch

from ablate.axes import Tower
from ablate.models.encoders import build_tower
from ablate.models.encoders.internvideo2 import clip_sinusoids
from ablate.models.encoders.positions import resample_positions
from ablate.towers import PUBLIC, VitShape

SMALL = dataclasses.replace(
    PUBLIC[Tower.INTERNVIDEO2], image_size=28, hidden=48, layers=2, heads=4, intermediate=96
)


def clips(frames: int, shape: VitShape = SMALL) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    size = (2, frames, 3, shape.image_size, shape.image_size)
    return torch.randint(0, 256, size, generator=random, dtype=torch.uint8)


@pytest.mark.parametrize("frames", [1, 2, 4, 8, 16])
def test_clips_of_any_length_are_taken(frames: int) -> None:
    assert build_tower(SMALL)(clips(frames)).shape == (2, frames, 2, 2, 48)


def test_the_forward_pass_is_deterministic() -> None:
    built = build_tower(SMALL).eval()
    assert torch.equal(built(clips(4)), built(clips(4)))


def test_frames_are_seen_together() -> None:
    built, frames = build_tower(SMALL), clips(4)
    changed = frames.clone()
    changed[:, 0] = 255 - changed[:, 0]
    assert ((built(frames) - built(changed)).abs().amax(dim=(2, 3, 4)) > 0).all()


def test_positions_on_their_own_grid_are_themselves() -> None:
    positions = torch.rand(1, 1 + 16, 8)
    assert resample_positions(positions, (4, 2, 2), (4, 2, 2), prefix=1) is positions


def test_resampled_positions_keep_the_prefix_and_follow_time_and_space() -> None:
    """Away from the border a ramp is hit: exactly in time, in space to what a cubic kernel can."""
    t, y, x = torch.meshgrid(torch.arange(4.0), torch.arange(8.0), torch.arange(8.0), indexing="ij")
    ramps = torch.stack([t, y, x], dim=-1).flatten(0, 2)
    prefix = torch.full((1, 3), 7.0)
    made = resample_positions(torch.cat([prefix, ramps])[None], (4, 8, 8), (8, 16, 16), prefix=1)
    assert made.shape == (1, 1 + 8 * 16 * 16, 3) and torch.equal(made[0, 0], prefix[0])
    made = made[0, 1:].view(8, 16, 16, 3)
    half = torch.arange(16) / 2 - 0.25
    inner = slice(4, 12)
    torch.testing.assert_close(made[1:7, 0, 0, 0], half[1:7], atol=1e-5, rtol=0)
    torch.testing.assert_close(made[2, inner, 5, 1], half[inner], atol=0.05, rtol=0)
    torch.testing.assert_close(made[2, 5, inner, 2], half[inner], atol=0.05, rtol=0)


def test_fresh_positions_tell_time_row_and_column_apart() -> None:
    positions = clip_sinusoids((4, 2, 3), 48)[0, 1:].view(4, 2, 3, 48)
    time, column, row = positions.split([12, 18, 18], dim=-1)
    assert torch.equal(time, time[:, :1, :1].expand_as(time))
    assert torch.equal(row, row[:1, :, :1].expand_as(row))
    assert torch.equal(column, column[:1, :1].expand_as(column))
    assert len(positions.flatten(0, 2).unique(dim=0)) == 24
