"""Fusion: per-axis maximum grid, trilinear interpolation, concatenated channels."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from ablate.models.encoders.fusion import fuse

GRID = st.tuples(*[st.integers(1, 6)] * 3)


@settings(deadline=None, max_examples=30)
@given(first=GRID, second=GRID, clips=st.integers(0, 3))
def test_grid_and_channels(first, second, clips: int) -> None:
    fused = fuse([torch.rand(clips, *first, 3), torch.rand(clips, *second, 2)])
    assert fused.shape == (clips, *map(max, first, second), 5)


def test_features_on_the_grid_are_kept_and_others_interpolated() -> None:
    torch.manual_seed(0)
    fine, coarse = torch.rand(2, 4, 8, 8, 3), torch.rand(2, 2, 4, 4, 5)
    fused = fuse([fine, coarse])
    expected = functional.interpolate(
        coarse.permute(0, 4, 1, 2, 3), (4, 8, 8), mode="trilinear", align_corners=False
    )
    assert torch.equal(fused[..., :3], fine)
    torch.testing.assert_close(fused[..., 3:], expected.permute(0, 2, 3, 4, 1))


def test_interpolation_follows_a_linear_ramp() -> None:
    """Away from the border, cell centres of a ramp along time are hit exactly."""
    ramp = torch.arange(4.0).view(1, 4, 1, 1, 1)
    fused = fuse([ramp, torch.zeros(1, 8, 1, 1, 1)])[0, :, 0, 0, 0]
    torch.testing.assert_close(fused[1:7], torch.arange(6) / 2 + 0.25)


def test_half_precision_is_interpolated_in_full() -> None:
    coarse = torch.rand(1, 2, 4, 4, 5)
    half = fuse([coarse.half(), torch.zeros(1, 4, 8, 8, 1).half()])
    whole = fuse([coarse.half().float(), torch.zeros(1, 4, 8, 8, 1)])
    assert half.dtype == torch.half and torch.equal(half, whole.half())
