"""A model that was written is read back to the same logits, and what does not fit is named."""

import dataclasses
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from ablate.axes import Encoder, ImagePath, Integration, IntegrationKind, Tower
from ablate.exported import export, export_cell, load
from ablate.models.build import build_model
from ablate.models.lmm import VideoLMM
from ablate.models.precision import multiply
from ablate.run import run_cell
from ablate.sizes import size_row
from ablate.spec import FP32, Design, Format, Init, Precision
from ablate.store import RunStore
from ablate.tokens import tokens_per_clip
from tests.cells import BASE, few_cells, job, silent, small_cell
from tests.mirror import publish_llm, publish_siglip, reduced_row
from tests.models.designs import pixels, prompts

ALL = (Format.FP32, Format.MIXED, Format.BF16)
APART = dataclasses.replace(
    BASE,
    encoder=Encoder((Tower.SIGLIP, Tower.INTERNVIDEO2), ImagePath.SPLIT),
    integration=Integration(IntegrationKind.BOTH),
)


def _logits(model: VideoLMM, design: Design) -> torch.Tensor:
    ids, mask = prompts((2, 1), tokens_per_clip(design), separators=design.integration.separators)
    with torch.inference_mode():
        return model(ids, mask, None, pixels=pixels(model, 3))


@pytest.mark.parametrize("kept", ALL)
@pytest.mark.parametrize("design", [BASE, APART], ids=["plain", "apart"])
def test_a_model_is_read_back_to_the_same_logits(kept: Format, design: Design, tmp_path) -> None:
    size, precision = size_row("10K"), Precision(kept, kept, kept)
    model = build_model(design, size, Init.PRETRAINED, 3, precision=precision)
    multiply(model, precision, "cpu")
    export(tmp_path / "model", model, design, size, precision, None, {})
    back = load(tmp_path / "model")
    assert (back.design, back.size) == (design, size)
    assert torch.equal(_logits(back.model, design), _logits(model, design))
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json", "model.safetensors", "processor.json",
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_published_model_takes_its_constants_and_tokenizer_along(
    store, tmp_path, monkeypatch, offline
) -> None:
    row, mirror = reduced_row(monkeypatch), tmp_path / "mirror"
    design = dataclasses.replace(BASE, encoder=Encoder((Tower.SIGLIP,)))
    publish_llm(mirror, row)
    publish_siglip(mirror)
    config = mirror / str(row.weights) / "config.json"
    held = json.loads(config.read_text())
    held["rope_parameters"]["rope_theta"], held["rms_norm_eps"] = 5e5, 1e-4
    config.write_text(json.dumps(held))
    cell = small_cell(design, samples=32, size=row)
    run_cell(cell, job(store, weights=str(mirror)), silent)
    run = RunStore(store).run_dir(cell)
    export_cell(cell, run, tmp_path / "model")
    shutil.rmtree(mirror)
    back = load(tmp_path / "model")
    assert back.model.llm.config.rope_parameters["rope_theta"] == 5e5
    assert back.model.llm.config.rms_norm_eps == 1e-4
    assert back.tokenizer.encode("Is it red?")
    trained = load_file(run / "weights.safetensors")
    for name, value in back.model.named_parameters():
        if name in trained:
            assert torch.equal(value, trained[name]), name
    with pytest.raises(ValueError, match="no weights of"):
        export_cell(cell, run, tmp_path / "again")


@pytest.fixture(scope="module")
def written(done: Path, tmp_path_factory) -> tuple[Path, Path]:
    """A finished cell's score folder, and its model as a directory."""
    cell, out = few_cells()[0], tmp_path_factory.mktemp("written") / "model"
    export_cell(cell, RunStore(done).run_dir(cell), out)
    return RunStore(done).score_dir(cell), out


def test_an_exported_model_answers_as_the_cell_did(written, done, tmp_path, call) -> None:
    score, model = written
    out = tmp_path / "answers.parquet"
    code, told, err = call("eval", model, "--data", "world-smoke", "--store", done, "--out", out)
    assert code == 0 and err == ""
    pd.testing.assert_frame_equal(
        pd.read_parquet(out), pd.read_parquet(score / "questions.parquet"), check_exact=True
    )
    record = json.loads((score / "record.json").read_text())
    for category, one in record["scores"].items():
        line = next(row for row in told.splitlines() if row.startswith(category))
        controls = [
            record["controls"][part][category] for part in ("single_frame", "question_only")
        ]
        figures = [one["accuracy"], one["se"], *(c["accuracy"] for c in controls), one["chance"]]
        assert line.split()[1:] == [f"{figure:.3f}" for figure in figures]


def test_the_verb_writes_the_same_directory(written, done, tmp_path, call) -> None:
    score, model = written
    code, told, _ = call("export", score.parent, tmp_path / "model")
    assert code == 0 and "written" in told
    for path in model.iterdir():
        assert (tmp_path / "model" / path.name).read_bytes() == path.read_bytes()
    code, _, err = call("export", score.parent, tmp_path / "model")
    assert code == 2 and "is there already" in err
    code, _, err = call("export", done, tmp_path / "other")
    assert code == 2 and "neither a training of a store nor a released checkpoint" in err


def _edit(name: str, **changes):
    def damage(folder: Path) -> None:
        held = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(held | changes))

    return damage


def _without(tensor: str):
    def damage(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        del state[tensor]
        save_file(state, folder / "model.safetensors")

    return damage


def _with(tensor: str, value: torch.Tensor):
    def damage(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        save_file(state | {tensor: value}, folder / "model.safetensors")

    return damage


NORM = "llm.model.norm.weight"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no such file"),
        (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "config.json").write_text("{}"), "lacks ablate"),
        (_edit("config.json", ablate=2), "of version 2, this program reads 1"),
        (_edit("config.json", design={"type": "Nothing"}), "unknown type 'Nothing'"),
        (_edit("config.json", design={"type": "Still", "frames_per_clip": 4}), "is no design"),
        (lambda folder: (folder / "processor.json").unlink(), "no such file"),
        (_edit("processor.json", tokens_per_clip=7), "tokens_per_clip is 7"),
        (_edit("processor.json", crop=True), "crop is True"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "not a readable"),
        (_without(NORM), f"lacks '{NORM}'"),
        (_with("llm.extra", torch.zeros(1)), "has no place for 'llm.extra'"),
        (_with(NORM, torch.zeros(3)), f"'{NORM}' is torch.float32"),
        (_with(NORM, torch.zeros(16, dtype=torch.float16)), f"'{NORM}' is torch.float16"),
    ],
)
def test_what_does_not_fit_is_named_in_one_line(damage, said: str, tmp_path, call) -> None:
    size, folder = size_row("10K"), tmp_path / "model"
    export(folder, build_model(BASE, size, Init.RANDOM, 0), BASE, size, FP32, None, {})
    damage(folder)
    with pytest.raises(ValueError) as caught:
        load(folder)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    code, _, err = call("eval", folder, "--data", "world-smoke", "--store", tmp_path / "store")
    assert code == 2 and said in err
