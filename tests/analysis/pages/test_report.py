import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import fit
from analysis.conclusions.signal import check_signal
from analysis.pages.report import write_report
from analysis.statistics.questions import EvaluationNoise
from analysis.tables.published import consistency
from analysis.tables.table import read_table
from tests.analysis.studies import study_table

AXES = ("sampling", "connector")
VOID = {"meta", "br", "path", "use", "line", "img", "link", "hr"}


class Page(HTMLParser):
    """Checks that tags nest, and keeps the words and the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


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
def study(tmp_path_factory) -> Page:
    frame = study_table(small=(0.2, 0.05, -0.2), noise=0.03)
    out = tmp_path_factory.mktemp("report") / "deep" / "report.html"
    written = write_report(
        frame,
        fit(frame, factors=AXES),
        out,
        title="Do small models choose connectors?",
        lead="Hypothesis: they do.",
        factors=AXES,
        signal=check_signal(frame, {"question_only": study_table(centre=0.25, noise=0)}),
        costs=costs_of(frame),
    )
    assert written == out
    return Page(out.read_text())


def page_of(frame: pd.DataFrame, tmp_path: Path, **fitted) -> Page:
    factors = fitted.get("factors", ())
    result = fit(frame, **fitted)
    return Page(write_report(frame, result, tmp_path / "r.html", factors=factors).read_text())


def test_the_page_needs_nothing_but_itself(study):
    names = {tag for tag, _ in study.tags}
    assert not names & {"script", "link", "iframe", "img", "object", "base"}
    for tag, attributes in study.tags:
        for name in ("src", "href", "xlink:href", "srcset"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)


def test_the_first_words_are_question_and_verdict(study):
    start = study.text[:700]
    assert "Do small models choose connectors?" in start
    assert "Hypothesis: they do." in start
    assert "Trust proxies from 41K up to design for 124K." in start
    assert "33% of the target's, as recorded" in start
    assert "95% confidence" in start


@pytest.mark.parametrize(
    "heading",
    [
        "Agreement with the target",
        "R² by benchmark",
        "Design by design",
        "What carries the agreement",
        "Which decisions transfer",
        "Against the paper",
        "Signal check at 124K",
        "Where the cost goes",
        "Warnings",
        "Methods",
        "Not measured",
    ],
)
def test_a_full_study_has_every_section(study, heading):
    assert heading in study.text


def test_a_full_study_has_every_figure(study):
    labels = [attributes["aria-label"] for tag, attributes in study.tags if tag == "svg"]
    assert len(labels) == 7  # agreement, cost, two scatters, two axes, categories
    assert all(labels)


def test_cost_is_split_by_phase(study):
    assert "12K 4.001T 25% 75% <1%" in study.text
    assert "12K 10 20% 80%" in study.text


def test_a_reversed_decision_is_told(study):
    assert "mlp-1 → perceiver-4: reversed at 12K" in study.text


def test_every_proxy_is_a_row_with_its_zone(study):
    rows = [attributes.get("class") for tag, attributes in study.tags if tag == "tr"]
    assert "certified" in rows
    assert "open" in rows or "excluded" in rows


def test_a_bare_table_says_what_it_does_not_hold(tmp_path):
    frame = consistency()[["variant", "size", "score"]]
    text = page_of(frame, tmp_path).text
    assert "Which proxies decide like 7B?" in text
    assert "no factors were declared" in text
    assert "shares are parameters times samples" in text
    assert "no signal check was made" in text
    for absent in ("Which decisions transfer", "Where the cost goes", "Signal check", "By bench"):
        assert absent not in text


def test_a_file_of_text_cells_gives_the_same_page_as_its_numbers(tmp_path):
    frame = study_table(sizes=(9_000, 12_000, 124_000), seeds=1).drop(columns="cost")
    frame.to_csv(tmp_path / "t.csv", index=False)
    read = read_table(tmp_path / "t.csv")
    assert page_of(read, tmp_path, factors=AXES).text == page_of(frame, tmp_path, factors=AXES).text


def test_nothing_that_is_missing_is_written_as_a_number(tmp_path):
    frame = study_table(seeds=1)
    frame.loc[frame["size"] == 12_000, "score"] = 0.5
    frame["cost"] = np.nan
    text = page_of(frame, tmp_path).text
    assert not re.search(r"\b(nan|None|inf)\b", text)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (study_table(sizes=(12_000,)), "No verdict for 12K: nothing here can be judged."),
        (study_table(sizes=(12_000, 41_000), noise=0.5), "No proxy is certified"),
        (study_table()[lambda f: f.sampling == "uniform-8"], "No verdict"),
    ],
)
def test_a_refusal_is_a_page_too(tmp_path, frame, words):
    assert words in page_of(frame, tmp_path).text


def test_names_from_data_are_escaped(tmp_path):
    hostile = "<script>alert(1)</script><b onclick='x'>\"&amp;"
    frame = study_table().rename(columns={"connector": f"axis {hostile}"})
    frame["variant"] = hostile + frame.variant
    frame["benchmark"] = hostile + frame.benchmark
    frame[f"axis {hostile}"] = hostile + frame[f"axis {hostile}"]
    factors = (f"axis {hostile}", "sampling")
    out = write_report(
        frame, fit(frame, factors=factors), tmp_path / "r.html", title=hostile, lead=hostile,
        factors=factors, signal=check_signal(frame),
    )  # fmt: skip
    page = Page(out.read_text())
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any("onclick" in attributes for _, attributes in page.tags)
    assert hostile in page.text


def test_the_same_result_gives_the_same_page(tmp_path):
    frame = study_table()
    result = fit(frame, factors=AXES)
    texts = [
        write_report(frame, result, tmp_path / name, factors=AXES).read_text()
        for name in ("a.html", "b.html")
    ]
    assert texts[0] == texts[1]


def test_several_data_sizes_are_named_and_drawn(tmp_path):
    frame = pd.concat([study_table(), study_table(sizes=(41_000,)).assign(samples=2400)])
    text = page_of(frame, tmp_path, factors=AXES).text
    assert "41K on 9.6K samples" in text
    assert "by training samples" in text


def test_noise_of_questions_is_told_where_answers_were_given(tmp_path):
    frame = study_table()
    noise = EvaluationNoise(124_000, 9600, "ocr", 9, 320, 64, 0.021, 0.012, 1.4, 0.93)
    result = replace(fit(frame), evaluation=(noise,))
    text = Page(write_report(frame, result, tmp_path / "r.html").read_text()).text
    assert "124K ocr 320 64 2.1 1.2 .930" in text


def test_one_data_size_is_not_repeated_in_every_name(study):
    assert "on 9.6K samples" not in study.text.split("Warnings")[0]
