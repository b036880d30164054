"""Our order of levels against the paper's: which labels meet, and what is said where few do."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.spec import Design
from analysis import fit
from analysis.conclusions.against_paper import AxisComparison
from analysis.pages.sheets import paper_sheet
from analysis.pages.summary import as_text
from analysis.tables.published import ablations
from experiments.consistency import STUDY

INTEGRATIONS = ["plain", "separators", "timestamps"]  # the paper's order, worst first


def designs_scored(score_of: Callable[[Design], float], size: float = 1e6) -> pd.DataFrame:
    designs = STUDY.grid.designs()
    rows = [
        {**d.labels(), "variant": d.name(), "score": score_of(d), "size": size} for d in designs
    ]
    return pd.DataFrame(rows)


def levels_scored(axis: str, scores: dict[str, float]) -> pd.DataFrame:
    columns = {"variant": list(scores), axis: list(scores), "score": list(scores.values())}
    return pd.DataFrame(columns).assign(size=1e6)


def compared(frame: pd.DataFrame, **options: Any) -> dict[str, AxisComparison]:
    return {one.axis: one for one in fit(frame, **options).against_paper}


def by_integration(design: Design) -> float:
    return float(INTEGRATIONS.index(design.integration.label))


def overall(study: str, column: str) -> dict[str, float]:
    """A column of the paper's tables -> Overall."""
    rows = ablations().query("study == @study and benchmark == 'apollobench_overall'")
    return dict(zip(rows[column].astype(str), rows.score, strict=True))


def test_our_labels_meet_the_papers() -> None:
    found = compared(designs_scored(lambda _: 0.5))
    assert {axis: {c.level for c in one.levels} for axis, one in found.items()} == {
        "sampling": {"uniform-32", "fps-1", "fps-2"},
        "encoder": {"siglip", "internvideo2", "internvideo2+siglip"},
        "connector": {"mlp-pool", "perceiver"},
        "integration": {"none", "start-end", "timestamps"},
        "schedule": {"1-frozen", "2-connector", "3-vision-then-llm"},
        "mixture": {"t15-i25-m20-v40", "t25-i25-m25-v25"},
    }
    assert all(one.kendall_tau_b is None and one.chance is None for one in found.values())
    assert found["mixture"].unmatched == 1  # video alone


@pytest.mark.parametrize(
    ("axis", "study", "column"),
    [
        ("sampling", "sampling", "variant"),
        ("encoder", "encoder", "encoder"),
        ("connector", "connector", "connector"),
        ("integration", "integration", "integration"),
        ("schedule", "schedule", "variant"),
        ("mixture", "mixture", "variant"),
    ],
)
def test_the_papers_own_names_and_scores_give_1(axis: str, study: str, column: str) -> None:
    scores = overall(study, column)
    one = compared(levels_scored(axis, scores))[axis]
    assert one.unmatched == 0 and len(one.levels) == len(scores)
    assert one.kendall_tau_b == pytest.approx(1)
    assert [c.score for c in one.levels] == pytest.approx([c.paper_score for c in one.levels])
    assert (one.chance or 1) <= 1 / 6 + 1e-9


@pytest.mark.parametrize(
    ("axis", "labels", "names"),
    [
        ("encoder", ["SigLIP + InternVideo2", "V-JEPA", "LB-Video"],
         ["internvideo2+siglip", "vjepa", "languagebind-video"]),
        ("connector", ["MLP pool", "conv_16", "perceiver-32"],
         ["mlp-pool", "conv-pool", "perceiver"]),
        ("schedule", ["c>v0.25c>cl", "vcl0.5", "3-vision-then-llm-lr1e-5"],
         ["3-vision-then-llm", "1-all", "3-vision-then-llm-lr1e-5"]),
        ("mixture", ["t15.0-i32.50-m20-v32.5", "mix8", "t0-i38.7-m20-v41.3"],
         ["t15-i32.5-m20-v32.5", "t7-i0-m0-v93", "t0-i38.7-m20-v41.3"]),
        ("sampling", ["fps-0.5x16", "uniform-64", "fps4-tpf8"], ["fps-0.5", "uniform-64",
         "fps4-tpf8"]),
    ],
)  # fmt: skip
def test_other_spellings(axis: str, labels: list[str], names: list[str]) -> None:
    one = compared(levels_scored(axis, dict(zip(labels, (1.0, 2.0, 3.0), strict=True))))[axis]
    assert {c.score: c.level for c in one.levels} == dict(zip((1.0, 2.0, 3.0), names, strict=True))


@pytest.mark.parametrize(
    ("axis", "labels"),
    [
        ("encoder", ["clip", "siglip+videomae:split", "siglip+", ""]),
        ("connector", ["q-former", "16", "linear"]),
        ("schedule", ["clip", "cosine", "c>c>cl", "all"]),
        ("mixture", ["A", "t5-i10-m5-v80", "t.-i.-m.-v.", "15/25/20/40"]),
        ("sampling", ["still", "uniform", "fps", "fps-3x16"]),
        ("integration", ["released", "nan", "1"]),
    ],
)
def test_labels_that_are_nothing_of_the_papers(axis: str, labels: list[str]) -> None:
    scores = {label or f"empty {i}": float(i) for i, label in enumerate(labels)}
    frame = levels_scored(axis, scores).assign(**{axis: labels})
    one = compared(frame)[axis]
    assert one.levels == () and one.kendall_tau_b is None
    assert one.unmatched == len([label for label in labels if label])
    assert paper_sheet([one]) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_tau_is_1_for_the_papers_order_and_minus_1_for_its_reverse(sign: int) -> None:
    one = compared(designs_scored(lambda d: sign * by_integration(d)))["integration"]
    assert one.kendall_tau_b == pytest.approx(sign)
    assert one.chance == pytest.approx(1 / 6 if sign == 1 else 1)
    worse = {"all": "all"} if sign == -1 else {}
    lower = compared(
        designs_scored(lambda d: -by_integration(d)), lower_is_better=worse.get("all", ())
    )["integration"]
    assert lower.kendall_tau_b == pytest.approx(1 if sign == -1 else -1)


@pytest.mark.parametrize("n", [3, 5, 6, 19])
def test_tau_and_chance_are_those_of_scipy(n: int) -> None:
    paper = overall("encoder", "encoder")
    rng = np.random.default_rng(n)
    names = list(rng.permutation(list(paper))[:n])
    scores = dict(zip(names, rng.standard_normal(n).tolist(), strict=True))
    one = compared(levels_scored("encoder", scores))["encoder"]
    x, y = [scores[name] for name in names], [paper[name] for name in names]
    expected = stats.kendalltau(x, y, alternative="greater")
    assert one.kendall_tau_b == pytest.approx(expected.statistic)
    assert one.chance == pytest.approx(expected.pvalue, abs=1e-9 if n <= 6 else 0.02)


def test_only_the_target_is_compared() -> None:
    large = designs_scored(by_integration)
    small = designs_scored(lambda d: -5 * by_integration(d), size=1e3)
    above = designs_scored(lambda d: -by_integration(d), size=1e9)
    frame = pd.concat([small, large, above])
    assert compared(frame, target=1e6)["integration"].kendall_tau_b == pytest.approx(1)
    assert compared(frame)["integration"].kendall_tau_b == pytest.approx(-1)


def test_benchmarks_are_averaged_as_in_the_macro() -> None:
    one = designs_scored(by_integration).assign(benchmark="one")
    wide = designs_scored(lambda d: -100 * by_integration(d)).assign(benchmark="two")
    flat = designs_scored(lambda _: 1.0).assign(benchmark="three")
    frame = pd.concat([one, wide, flat])
    assert compared(frame)["integration"].kendall_tau_b is None  # they cancel
    assert compared(frame, benchmark="one")["integration"].kendall_tau_b == pytest.approx(1)


def test_two_levels_are_too_few_for_a_number() -> None:
    frame = levels_scored("connector", {"mlp-4": 1.0, "perceiver-4": 2.0, "linear": 3.0})
    result = fit(frame)
    (one,) = result.against_paper
    assert (len(one.levels), one.unmatched, one.kendall_tau_b) == (2, 1, None)
    assert "connector   too few levels match (2 of 3)" in as_text(result)


def test_the_terminal_prints_tau_with_the_number_of_levels() -> None:
    text = as_text(fit(designs_scored(by_integration)))
    assert "integration 1.000, 3 levels, 17% by chance" in text
    assert "mixture     too few levels match (2 of 3)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_column_in_which_a_variant_changes_is_no_axis() -> None:
    frame = pd.concat([designs_scored(by_integration), designs_scored(by_integration, size=1e3)])
    frame["encoder"] = np.arange(len(frame)).astype(str)
    assert set(compared(frame)) == {
        "sampling", "connector", "integration", "schedule", "mixture",
    }  # fmt: skip
    shuffled = frame.sample(frac=1, random_state=0).rename(columns={"integration": " Integration"})
    assert compared(shuffled)["integration"].kendall_tau_b == pytest.approx(1)


def test_an_axis_that_does_not_vary_has_no_order_to_compare() -> None:
    frame = designs_scored(by_integration)
    assert set(compared(frame[frame.integration == "plain"])) == set(compared(frame)) - {
        "integration"
    }


@pytest.mark.parametrize(
    "columns", [["variant", "size", "score"], ["variant", "size", "score", "x"]]
)
def test_a_table_without_our_axes_has_nothing_to_compare(columns: Sequence[str]) -> None:
    frame = pd.DataFrame([["a", 1.0, np.pi, "mlp-4"][: len(columns)]], columns=list(columns))
    result = fit(frame)
    assert result.against_paper == () and "Apollo" not in as_text(result)
