"""Number formats by part, and activations computed again: what changes and what must not."""

import pytest
import torch

from ablate.axes import Tower
from ablate.models.build import build_model
from ablate.models.lmm import VideoLMM
from ablate.models.precision import multiply, recompute
from ablate.sizes import size_row
from ablate.spec import Format, Init, Precision
from tests.models.designs import PAIR, design, pixels, prompts

PARTS = ("vision", "connector", "llm")
EVERY = {kept: Precision(kept, kept, kept) for kept in Format}


def built(precision: Precision, towers: tuple[Tower, ...] = PAIR, size: str = "10K") -> VideoLMM:
    made = build_model(design(towers), size_row(size), Init.RANDOM, 0, precision=precision)
    multiply(made, precision, "cpu")
    return made


def answer(model: VideoLMM) -> torch.Tensor:
    ids, mask = prompts((2, 1), 16)
    return model(ids, mask, model.encode(pixels(model, 3)))


def gradients(model: VideoLMM, parts: tuple[str, ...]) -> dict[str, torch.Tensor]:
    model.train_only(parts)
    answer(model).float().square().mean().backward()
    return {n: p.grad.float() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("part", PARTS)
def test_a_parts_weights_and_gradients_have_its_format(part: str) -> None:
    model = built(Precision(**{part: Format.BF16}))
    model.train_only(PARTS)
    answer(model).float().sum().backward()
    for name, parameters in model.parts().items():
        dtype = torch.bfloat16 if name == part else torch.float32
        assert {p.dtype for p in parameters} == {dtype}
        assert {p.grad.dtype for p in parameters if p.grad is not None} == {dtype}


@pytest.mark.parametrize("kept", [Format.MIXED, Format.BF16])
def test_lower_formats_answer_nearly_alike(kept: Format) -> None:
    exact, rounded = built(EVERY[Format.FP32]), built(EVERY[kept])
    rounded.load_state_dict(exact.state_dict())
    one, other = answer(exact), answer(rounded).float()
    assert not torch.equal(one, other)
    assert (one - other).std() < 0.03 * one.std()


@pytest.mark.parametrize("part", PARTS)
def test_mixed_parts_keep_weights_and_multiply_in_bf16(part: str) -> None:
    mixed = built(Precision(**{part: Format.MIXED}))
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}
    assert not torch.equal(answer(mixed), answer(built(Precision())))


def test_rotary_angles_keep_their_precision() -> None:
    def angles(model: VideoLMM) -> torch.Tensor:
        return model.llm.model.rotary_emb.inv_freq

    exact, rounded = angles(built(Precision())), angles(built(EVERY[Format.BF16]))
    assert rounded.dtype is torch.float32 and torch.equal(rounded, exact)


@pytest.mark.parametrize("towers", [(Tower.SIGLIP,), (Tower.DINOV2,), (Tower.VIDEOMAE,)])
def test_towers_normalise_pixels_before_rounding(towers: tuple[Tower, ...]) -> None:
    model = built(EVERY[Format.BF16], towers)
    assert all(t.scale.dtype is t.shift.dtype is torch.float32 for t in model.towers)


@pytest.mark.parametrize("parts", [PARTS, ("connector",), ("vision", "connector")], ids="+".join)
def test_activations_computed_again_change_no_gradient(parts: tuple[str, ...]) -> None:
    kept, again = built(Precision()), built(Precision())
    recompute(again)
    expected, found = gradients(kept, parts), gradients(again, parts)
    assert expected.keys() == found.keys() and expected
    for name, gradient in expected.items():
        assert torch.equal(found[name], gradient), name


@pytest.mark.parametrize("parts", [("vision",), ("llm",), ("connector",)], ids="+".join)
def test_activations_computed_again_are_not_kept(parts: tuple[str, ...]) -> None:
    def saved(model: VideoLMM) -> int:
        model.train_only(parts)
        ids, mask = prompts((2, 1), 16)
        sizes: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            features = model.encode(pixels(model, 3))
            if "vision" in parts:
                return sum(sizes.values())
            sizes.clear()
            model(ids, mask, features)
        weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
        return sum(size for at, size in sizes.items() if at not in weights)

    again = built(Precision(), size="1M")
    recompute(again)
    assert saved(again) < 0.5 * saved(built(Precision(), size="1M"))


def test_features_of_another_format_are_kept_apart() -> None:
    prints = [built(Precision(vision=kept)).towers[0].fingerprint() for kept in Format]
    assert len(set(prints)) == len(Format)


def test_an_unknown_format_lists_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'fp8'.*fp32, mixed, bf16"):
        Precision(llm="fp8")
