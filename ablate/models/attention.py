"""Which kernel the language model's attention runs on.

Towers always take SDPA: they see whole clips without a mask, for which PyTorch has the same kernels
as flash-attn.
"""

from transformers.utils import is_flash_attn_2_available

from ablate.spec import Attention, Execution, Format


def choose(how: Execution) -> Attention:
    """What was asked for, else flash-attn where it is installed and can be used, else SDPA.

    Raises:
        ValueError: flash-attn was asked for where it cannot be used; the line says why.
    """
    missing = _missing(how)
    if how.attention is Attention.FLASH and missing:
        raise ValueError(f"attention {Attention.FLASH}: needs {missing}; choose {Attention.SDPA}")
    return how.attention or (Attention.SDPA if missing else Attention.FLASH)


def _missing(how: Execution) -> str | None:
    """What flash-attn lacks to be used; None if nothing."""
    if how.device != "cuda":
        return "a GPU"
    if how.precision.llm is Format.FP32:
        return "half precision, mixed or bf16"
    if not is_flash_attn_2_available():
        return "the package flash-attn (pip install 'ablate[gpu]')"
    return None
