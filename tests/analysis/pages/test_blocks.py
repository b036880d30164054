"""The blocks of the notebooks, without a kernel: what they say, and what they leave out."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.conclusions.signal import check_signal
from analysis.evidence import Evidence, of_frame
from analysis.pages import axis, consistency, health
from analysis.pages.sheets import cost_sheets
from analysis.statistics.questions import EvaluationNoise
from analysis.tables.published import consistency as published
from analysis.tables.table import read_table
from tests.analysis.pages.html import Page
from tests.analysis.studies import study_table

AXES = ("sampling", "connector")
BLOCKS = (
    consistency.first_screen,
    consistency.agreement,
    consistency.designs,
    consistency.carried,
    consistency.warnings,
    axis.decisions,
    axis.against_paper,
    health.signal,
    health.questions,
    health.states,
    health.losses,
    health.realised,
    health.costs,
)


def page(evidence: Evidence) -> Page:
    """All blocks that have something to show."""
    blocks = [block(evidence) for block in BLOCKS]
    return Page("".join(block.html for block in blocks if block))


def page_of(frame: pd.DataFrame, **options) -> Page:
    return page(of_frame(frame, **options))


def costs_of(frame: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"size": size, "score_id": f"id-{size}", "unit": unit, "phase": phase, "amount": amount}
        for size in frame["size"].unique()
        for unit, phases in (
            ("flops", {"encode": 1e12, "llm": 3e12, "evaluate": 1e9}),
            ("seconds", {"decode": 2.0, "train": 8.0}),
        )
        for phase, amount in phases.items()
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def study() -> Page:
    frame = study_table(small=(0.2, 0.05, -0.2), noise=0.03)
    signal = check_signal(frame, {"question_only": study_table(centre=0.25, noise=0)})
    return page(
        replace(
            of_frame(frame, factors=AXES),
            question="Do small models choose connectors?",
            hypothesis="they do.",
            signal=signal,
        )
    )


def test_a_page_needs_nothing_but_itself(study):
    study.needs_nothing_else()


def test_the_first_words_are_question_and_verdict(study):
    start = study.text[:700]
    assert "Do small models choose connectors?" in start
    assert "Hypothesis: they do." in start
    assert "Trust proxies from 41K up to design for 124K." in start
    assert "33% of the target's, as recorded" in start
    assert "95% confidence" in start


def test_a_full_study_leaves_out_only_what_needs_its_runs(study):
    frame = study_table()
    full = replace(of_frame(frame, factors=AXES), signal=check_signal(frame))
    empty = [block.__name__ for block in BLOCKS if block(full) is None]
    assert empty == ["questions", "states", "losses", "realised", "costs"]


def test_an_axis_may_be_shown_alone():
    evidence = of_frame(study_table(), factors=AXES)
    alone = Page(axis.decisions(evidence, "connector").html)
    assert "connector" in alone.text and "sampling" not in alone.text
    with pytest.raises(ValueError, match="unknown axis 'optics'; choose from sampling, connector"):
        axis.decisions(evidence, "optics")


def test_a_full_study_has_every_figure(study):
    labels = [attributes["aria-label"] for tag, attributes in study.tags if tag == "svg"]
    assert len(labels) == 7  # agreement, cost, two scatters, two axes, categories
    assert all(labels)


def test_cost_is_split_by_phase():
    flops, seconds = cost_sheets(costs_of(study_table()))
    assert flops.rows[0] == ("12K", "4.001T", "25%", "75%", "<1%")
    assert seconds.rows[0] == ("12K", "10", "20%", "80%")


def test_a_reversed_decision_is_told(study):
    assert "decides the other way at a ringed proxy" in study.text
    assert "connector: of 3 pairs of levels at 41K: transfers 3" in study.text
    row = study.text.partition("mlp-1 → perceiver-4")[2]
    assert row.lstrip().startswith("reversed")


def test_every_proxy_is_a_row_with_its_zone(study):
    rows = [attributes.get("class") for tag, attributes in study.tags if tag == "tr"]
    assert "certified" in rows
    assert "open" in rows or "excluded" in rows


def test_a_bare_table_says_what_it_does_not_hold():
    frame = published()[["variant", "size", "score"]]
    text = page_of(frame).text
    assert "Which proxies decide like 7B?" in text
    assert "no factors were declared" in text
    assert "shares are parameters times samples" in text
    assert "no signal check was made" in text
    for absent in ("R² by benchmark", "transfers", "FLOPs of one run", "passed"):
        assert absent not in text


def test_a_file_of_text_cells_gives_the_same_page_as_its_numbers(tmp_path):
    frame = study_table(sizes=(9_000, 12_000, 124_000), seeds=1).drop(columns="cost")
    frame.to_csv(tmp_path / "t.csv", index=False)
    read = read_table(tmp_path / "t.csv")
    assert page_of(read, factors=AXES).text == page_of(frame, factors=AXES).text


def test_nothing_that_is_missing_is_written_as_a_number():
    frame = study_table(seeds=1)
    frame.loc[frame["size"] == 12_000, "score"] = 0.5
    frame["cost"] = np.nan
    text = page_of(frame).text
    assert not re.search(r"\b(nan|None|inf)\b", text)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (study_table(sizes=(12_000,)), "No verdict for 12K: nothing here can be judged."),
        (study_table(sizes=(12_000, 41_000), noise=0.5), "No proxy is certified"),
        (study_table()[lambda f: f.sampling == "uniform-8"], "No verdict"),
    ],
)
def test_a_refusal_is_a_page_too(frame, words):
    assert words in page_of(frame).text


def test_names_from_data_are_escaped():
    hostile = "<script>alert(1)</script><b onclick='x'>\"&amp;"
    frame = study_table().rename(columns={"connector": f"axis {hostile}"})
    frame["variant"] = hostile + frame.variant
    frame["benchmark"] = hostile + frame.benchmark
    frame[f"axis {hostile}"] = hostile + frame[f"axis {hostile}"]
    factors = (f"axis {hostile}", "sampling")
    evidence = replace(
        of_frame(frame, factors=factors),
        question=hostile, hypothesis=hostile, signal=check_signal(frame),
    )  # fmt: skip
    shown = page(evidence)
    shown.needs_nothing_else()
    assert hostile in shown.text


def test_the_same_evidence_gives_the_same_page():
    frame = study_table()
    first, second = (page_of(frame, factors=AXES) for _ in range(2))
    assert (first.tags, first.words) == (second.tags, second.words)


def test_several_data_sizes_are_named_and_drawn():
    frame = pd.concat([study_table(), study_table(sizes=(41_000,)).assign(samples=2400)])
    text = page_of(frame, factors=AXES).text
    assert "41K on 9.6K samples" in text
    assert "by training samples" in text


def test_noise_of_questions_is_told_where_answers_were_given():
    frame = study_table()
    noise = EvaluationNoise(124_000, 9600, "ocr", 9, 320, 64, 0.021, 0.012, 1.4, 0.93)
    evidence = of_frame(frame)
    text = page(replace(evidence, result=replace(evidence.result, evaluation=(noise,)))).text
    assert "124K ocr 320 64 2.1 1.2 .930" in text


def test_one_data_size_is_not_repeated_in_every_name():
    evidence = of_frame(study_table(), factors=AXES)
    shown = consistency.first_screen(evidence).html + consistency.agreement(evidence).html
    assert "41K" in shown and "on 9.6K samples" not in shown
