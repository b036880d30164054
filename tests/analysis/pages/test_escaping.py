"""Names that came from data are words on every page, whatever they are made of."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.source import gather, write_report
from ablate.failures import Failure
from ablate.store import RunStore
from analysis.pages.gallery import save_all
from analysis.pages.summary import summarise
from tests.analysis.pages.html import Page
from tests.analysis.pages.test_blocks import page
from tests.cells import few_cells

EVIL = "</svg><script>alert('x')</script><img src=x onerror=alert(1)>&\"'$\\frac{{{7*7}}[bold]"
"""Ends what it stands in, runs, breaks attributes, and is a formula and two templates besides."""


def _spoiled(names: dict) -> dict:
    return {f"{name}{EVIL}": value for name, value in names.items()}


@pytest.fixture(scope="module")
def spoiled(done: Path, tmp_path_factory) -> dict[str, object]:
    """A source whose levels, designs, sources, faults, categories, kinds and failures are evil."""
    root = tmp_path_factory.mktemp("spoiled") / "store"
    shutil.copytree(done / "runs", root / "runs")
    store = RunStore(root)
    for folder, record in store.records():
        record["names"] = {axis: f"{level}{EVIL}" for axis, level in record["names"].items()}
        record["variant"] += EVIL
        for part in ("scores", "kinds", "groups"):
            record[part] = _spoiled(record[part])
        for name, scores in record["controls"].items():
            record["controls"][name] = _spoiled(scores)
        for half in record["data"].values():
            (facts,) = half["sources"].values()
            half["sources"] = {EVIL: facts | {"dropped": {EVIL: 3}}}
        (folder / "record.json").write_text(json.dumps(record))
        questions = pd.read_parquet(folder / "questions.parquet")
        for column in ("category", "kind", "question_id", "video_id"):
            questions[column] += EVIL
        questions.to_parquet(folder / "questions.parquet")
    failed = few_cells()[-1]
    (store.score_dir(failed) / "record.json").unlink()
    store.fail(failed, Failure("data", EVIL))
    return {"study": "smoke", "samples": ["48"], "store": str(root)}


def test_no_block_of_a_study_lets_a_name_be_code(spoiled, tmp_path: Path) -> None:
    evidence = gather(spoiled)
    shown = page(evidence)
    shown.needs_nothing_else()
    assert "img" not in {tag for tag, _ in shown.tags}
    assert shown.text.count(EVIL) > 20
    save_all(evidence, tmp_path)
    for drawing in tmp_path.glob("*.svg"):
        assert "<script" not in drawing.read_text(), drawing
    assert summarise(evidence.result)


def test_no_block_of_a_table_lets_a_name_be_code(tmp_path: Path) -> None:
    from tests.analysis.planted import DATA

    scores = pd.read_csv(DATA / "apollo_scaling_consistency.csv")
    for column in ("variant", "benchmark", "setting", "mixture"):
        if column in scores:
            scores[column] = scores[column].astype(str) + EVIL
    scores.rename(columns={"mixture": f"mixture{EVIL}"}).to_csv(tmp_path / "t.csv", index=False)
    factors = ["setting", f"mixture{EVIL}"]
    shown = page(gather({"table": str(tmp_path / "t.csv"), "factors": factors}))
    shown.needs_nothing_else()
    assert "img" not in {tag for tag, _ in shown.tags} and EVIL in shown.text


@pytest.mark.slow
def test_the_whole_page_of_a_study_holds_no_code(spoiled, tmp_path: Path) -> None:
    text = write_report(spoiled, tmp_path / "report.html").read_text()
    shown = Page(text.partition(">")[2])
    shown.needs_nothing_else()
    assert EVIL in shown.text and "<script" not in text
