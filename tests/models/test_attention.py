"""The kernel of attention: the best there is, a fall-back where it cannot be, and no silent one."""

import dataclasses

import pytest
import torch

from ablate.models import attention, language
from ablate.sizes import size_row
from ablate.spec import Attention, Execution, Format, Precision, from_dict, to_dict

HALF = Precision(Format.MIXED, Format.MIXED, Format.MIXED)
GPU = Execution(device="cuda", precision=HALF)


@pytest.fixture(params=[True, False], ids=["installed", "absent"])
def installed(request, monkeypatch) -> bool:
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: request.param)
    return request.param


def test_flash_attention_is_taken_only_where_it_can_be_used(installed: bool) -> None:
    assert attention.choose(GPU) is (Attention.FLASH if installed else Attention.SDPA)
    assert attention.choose(Execution()) is Attention.SDPA
    single = dataclasses.replace(GPU, precision=Precision())
    assert attention.choose(single) is Attention.SDPA


def test_what_was_asked_for_is_taken_or_refused_with_the_reason(installed: bool) -> None:
    asked = dataclasses.replace(GPU, attention=Attention.SDPA)
    assert attention.choose(asked) is Attention.SDPA
    asked = dataclasses.replace(GPU, attention=Attention.FLASH)
    if installed:
        assert attention.choose(asked) is Attention.FLASH
    else:
        with pytest.raises(ValueError, match="needs the package flash-attn"):
            attention.choose(asked)
    with pytest.raises(ValueError, match="needs a GPU; choose sdpa"):
        attention.choose(Execution(attention=Attention.FLASH))
    with pytest.raises(ValueError, match="needs half precision"):
        attention.choose(dataclasses.replace(asked, precision=Precision()))


def test_an_unknown_kernel_is_refused_with_the_choices() -> None:
    described = to_dict(GPU) | {"attention": "eager"}
    with pytest.raises(ValueError, match=r"eager.*sdpa, flash"):
        from_dict(described)
    assert from_dict(to_dict(dataclasses.replace(GPU, attention=Attention.FLASH))).attention == (
        Attention.FLASH
    )


def test_the_language_model_is_built_with_the_kernel() -> None:
    shape = size_row("10K").llm
    assert language.build_llm(shape).config._attn_implementation == "sdpa"
    with torch.device("meta"), pytest.raises((ImportError, ValueError), match=r"[Ff]lash"):
        # Not installed here: transformers refuses, so that nothing else is computed in its name.
        language.build_llm(shape, attention=Attention.FLASH)
