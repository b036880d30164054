"""The whole fit: its keys, what it refuses, and what must not change it."""

import json
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import fit
from tests.analysis.planted import apollo, ladder, table

SIZES = {1e9: 0.7, 2e9: 0.97, 4e9: 1.0}

POINT = {
    "size", "samples", "benchmark", "n", "seeds", "r", "r2", "kendall_tau_b", "spearman",
    "decision_accuracy", "decision_accuracy_ci95", "regret", "r_ci95", "ci_method",
    "fisher_r_ci95", "r2_lower_one_sided", "r2_upper_one_sided", "reliability_proxy",
    "reliability_target", "ceiling_r2", "r_disattenuated", "warnings",
}  # fmt: skip
CRITICAL = {"confidence", "status", "certified", "plausible", "excluded", "reason"}
KEYS = {
    "target": {"size", "samples"},
    "curve": POINT,
    "critical_size": CRITICAL | {"metric", "threshold"},
    "critical_samples": CRITICAL | {"size", "delta"},
    "comparisons": {"size_a", "size_b", "delta_r2", "ci95"},
    "decisions": {
        "factor", "level_a", "level_b", "size", "proxy_effect", "proxy_ci95", "target_effect",
        "target_ci95", "verdict",
    },
    "influence": {"size", "dropped", "r", "r2"},
    "centred": {"size", "by", "r", "r2"},
    "cheapest_proxy": {"size", "samples", "seeds", "relative_cost", "decision_accuracy_lower"},
    "next": {"action", "what", "expected"},
    "warnings": {"code", "message"},
}  # fmt: skip


def full_table(seed: int = 0, n: int = 24) -> pd.DataFrame:
    """Three sizes, two data sizes below the target, two benchmarks, two seeds, two factors."""
    rng = np.random.default_rng(seed)
    target = rng.standard_normal(n)
    levels = {"mix": [str(i % 3) for i in range(n)], "kind": [f"k{i // 3 % 4}" for i in range(n)]}
    parts = []
    for benchmark in ("one", "two"):
        for samples, scale in ((1e5, 0.9), (1e6, 1.0)):
            truth = ladder(rng, n, {s: scale * r if s < 4e9 else r for s, r in SIZES.items()})
            scores = {
                s: (v - truth[4e9] * r + r * target)[:, None] + 0.1 * rng.standard_normal((n, 2))
                for (s, v), r in zip(truth.items(), SIZES.values(), strict=True)
            }
            parts.append(table(scores, benchmark=benchmark, samples=samples, **levels))
    frame = pd.concat(parts, ignore_index=True)
    return frame[(frame["size"] < 4e9) | (frame.samples == 1e6)]


def normal_table(seed: int = 0, n: int = 21, seeds: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    scores = ladder(rng, n, SIZES)
    return table({s: v[:, None] + 0.1 * rng.standard_normal((n, seeds)) for s, v in scores.items()})


def values_of(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in values_of(value)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in values_of(value)]
    return [node]


def test_every_key_of_the_result() -> None:
    result = fit(full_table(), factors=("mix", "kind")).to_dict()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["schema"] == 1 and result["target"] == {"size": 4e9, "samples": 1e6}
    for name, keys in KEYS.items():
        entries = result[name] if isinstance(result[name], list) else [result[name]]
        assert entries and all(keys <= set(entry) for entry in entries), name
    places = {(p["size"], p["samples"], p["benchmark"]) for p in result["curve"]}
    assert places == {
        (s, d, b) for s in (1e9, 2e9) for d in (1e5, 1e6) for b in ("one", "two", "macro")
    }


def test_tables_without_optional_columns_have_null_for_them() -> None:
    result = fit(normal_table().drop(columns="seed")).to_dict()
    assert {(p["samples"], p["benchmark"]) for p in result["curve"]} == {(None, None)}
    assert result["target"]["samples"] is None and result["critical_samples"] is None
    assert result["decisions"] == [] and result["centred"] == [] and result["evaluation"] is None


def test_one_benchmark_has_no_macro() -> None:
    frame = normal_table().assign(benchmark="only")
    assert {p.benchmark for p in fit(frame).curve} == {"only"}
    with pytest.raises(ValueError, match="unknown benchmark 'macro'"):
        fit(frame, benchmark="macro")


def test_sizes_above_the_target_are_left_out() -> None:
    frame = normal_table()
    assert {p.size for p in fit(frame, target=2e9).curve} == {1e9}
    assert (
        fit(frame, target=2e9).to_dict()["curve"]
        == (fit(frame[frame["size"] < 4e9]).to_dict()["curve"])
    )


def test_the_target_at_fewer_samples_is_a_proxy_but_no_smaller_size() -> None:
    frame = full_table()
    more = frame[frame["size"] == 4e9].assign(samples=1e5)
    result = fit(pd.concat([frame, more]))
    assert any(p.size == 4e9 and p.samples == 1e5 for p in result.curve)
    assert result.critical_size.certified != 4e9
    assert {c.size_a for c in result.comparisons} == {2e9}


def test_seeds_reveal_what_noise_took() -> None:
    rng = np.random.default_rng(1)
    scores = ladder(rng, 400, {1.0: 0.9, 2.0: 1.0})
    noisy = {s: v[:, None] + 0.7 * rng.standard_normal((400, 3)) for s, v in scores.items()}
    (point,) = fit(table(noisy)).curve
    share = 1 / (1 + 0.49 / 3)
    assert point.seeds == 3
    assert point.ceiling_r2 == pytest.approx(share**2, abs=0.05)
    assert point.r2 == pytest.approx(0.81 * share**2, abs=0.06)
    assert point.r_disattenuated == pytest.approx(0.9, abs=0.03)
    assert point.r_disattenuated == pytest.approx((point.r or 0) / (point.ceiling_r2 or 1) ** 0.5)


def test_the_proxy_may_be_judged_by_another_measure() -> None:
    rng = np.random.default_rng(2)
    scores = ladder(rng, 21, {1.0: 0.2, 2.0: 1.0})
    accuracy = table(scores, measure="accuracy")
    other = table({1.0: scores[2.0], 2.0: rng.standard_normal(21)}, measure="p_correct")
    frame = pd.concat([accuracy, other])
    assert (fit(frame).curve[0].r2 or 1) < 0.5
    assert fit(frame, proxy_measure="p_correct").curve[0].r2 == 1
    for bad in (frame.query("measure == 'p_correct'"), accuracy.drop(columns="measure")):
        with pytest.raises(ValueError, match="measure"):
            fit(bad, proxy_measure="p_correct")


def test_a_proxy_equal_to_the_target() -> None:
    y = np.random.default_rng(3).standard_normal(12)
    result = fit(table({1.0: y, 2.0: y}))
    (point,) = result.curve
    assert (point.r2, point.decision_accuracy, point.regret) == (1, 1, 0)
    assert point.r_ci95 == (1, 1) and result.critical_size.certified == 1
    json.dumps(result.to_dict(), allow_nan=False)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_never_matters(seed: int) -> None:
    frame = full_table()
    frame["score"] = frame.score.round(1)  # many ties
    before = fit(frame, factors=("mix", "kind")).to_dict()
    shuffled = frame.sample(frac=1, random_state=seed)
    assert fit(shuffled, factors=("mix", "kind")).to_dict() == before


@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=10, deadline=None)
def test_affine_maps_of_a_size_leave_the_verdict(seed: int, scale: float, shift: float) -> None:
    frame = normal_table(seed)
    one = frame["size"] == 2e9
    mapped = frame.assign(score=frame.score.where(~one, scale * frame.score + shift))
    before, after = fit(frame), fit(mapped)
    for old, new in zip(before.curve, after.curve, strict=True):
        assert new.r == pytest.approx(old.r)
        assert new.r_ci95 == pytest.approx(old.r_ci95)
        assert new.decision_accuracy == old.decision_accuracy
    assert after.critical_size.certified == before.critical_size.certified


def test_lower_is_better_flips_nothing() -> None:
    frame = full_table()
    before = fit(frame, factors=("mix",)).to_dict()
    negated = frame.assign(score=-frame.score)
    assert fit(negated, factors=("mix",), lower_is_better="all").to_dict() == before
    one = frame.assign(score=frame.score.where(frame.benchmark == "two", -frame.score))
    assert fit(one, factors=("mix",), lower_is_better=("one",)).to_dict() == before


def test_a_duplicated_variant_is_flagged() -> None:
    frame = normal_table(seeds=2)
    copy = frame[frame.variant == "v003"].assign(variant="copy")
    assert "duplicate_variants" in fit(pd.concat([frame, copy])).curve[0].warnings


def test_a_benchmark_of_noise_certifies_nothing() -> None:
    rng, wrong = np.random.default_rng(4), 0
    for _ in range(40):
        noise = [
            table(ladder(rng, 21, {1.0: 0.0, 2.0: 1.0}), benchmark=name) for name in ("a", "b")
        ]
        wrong += fit(pd.concat(noise)).critical_size.certified is not None
    assert wrong == 0


@pytest.mark.parametrize("fault", ["no target", "unknown target", "few", "flat", "alone", "apart"])
def test_refusals_are_results(fault: str) -> None:
    frame, target = normal_table(), None
    if fault == "no target":
        frame["score"] = frame.score.mask(frame["size"] == 4e9)
    elif fault == "unknown target":
        target = 9e9
    elif fault == "few":
        frame = normal_table(n=5)
    elif fault == "flat":
        frame["score"] = frame.score.mask(frame["size"] == 4e9, 0.1)
    elif fault == "alone":
        frame = frame[frame["size"] == 4e9]
    else:
        frame["variant"] = frame.variant + frame["size"].astype(str)
    result = fit(frame, target=target)
    verdict = result.critical_size
    assert (verdict.status, verdict.certified, verdict.plausible) == ("refused", None, ())
    assert verdict.reason.endswith(".") and "\n" not in verdict.reason
    assert result.cheapest_proxy is None
    written = result.to_dict()
    json.dumps(written, allow_nan=False)
    assert all(p["r"] is None for p in written["curve"] if p["n"] < 3 or fault == "flat")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"benchmark": "nope"}, "unknown benchmark 'nope'; the benchmarks are one, two, macro"),
        ({"lower_is_better": ("nope",)}, "unknown benchmark 'nope'"),
        ({"factors": ("nope",)}, "no column 'nope'"),
        ({"metric": "tau"}, "unknown metric 'tau'; choose from r2, decision_accuracy"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"threshold": 0}, "threshold 0"),
        ({"confidence": 1.0}, "confidence 1"),
        ({"confidence": float("nan")}, "confidence nan"),
        ({"target": float("inf")}, "target inf"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        fit(full_table(), **options)


def test_a_benchmark_cannot_be_called_macro() -> None:
    frame = full_table()
    frame["benchmark"] = frame.benchmark.replace("one", "macro")
    with pytest.raises(ValueError, match="'macro'"):
        fit(frame)


def test_the_metric_has_its_own_threshold() -> None:
    assert fit(apollo()).critical_size.threshold == 0.8
    accuracy = fit(apollo(), metric="decision_accuracy").critical_size
    assert (accuracy.metric, accuracy.threshold) == ("decision_accuracy", 0.85)
    assert fit(apollo(), metric="decision_accuracy", threshold=0.8).critical_size.certified == 4e9


extremes = st.one_of(
    st.sampled_from([0.0, 1.0, 1e-300, -1e-300, 1e100, -1e100, 0.1, np.nan]), st.floats(-5, 5)
)


@given(st.lists(extremes, min_size=18, max_size=36))
@settings(max_examples=100, deadline=None)
def test_any_scores_give_json_without_nan(scores: list[float]) -> None:
    n = len(scores) // 3
    values = np.array(scores[: 3 * n]).reshape(3, n)
    frame = table(dict(zip((1.0, 2.0, 4.0), values, strict=True)), f=[str(i % 3) for i in range(n)])
    result = fit(frame, factors=("f",)).to_dict()
    json.dumps(result, allow_nan=False)
    for point in result["curve"]:
        r, limits = point["r"], point["r_ci95"]
        assert r is None or -1 <= r <= 1
        assert limits is None or (limits[0] <= r + 1e-9 and r - 1e-9 <= limits[1])
        assert point["regret"] is None or point["regret"] >= 0


def test_a_fit_of_21_variants_is_fast() -> None:
    frame = apollo()
    fit(frame, factors=("setting", "mixture"))
    took = []
    for _ in range(5):
        start = time.process_time()
        fit(frame, factors=("setting", "mixture"))
        took.append(time.process_time() - start)
    assert min(took) < 0.05


def test_a_fit_of_256_variants_and_13_benchmarks_is_fast() -> None:
    rng = np.random.default_rng(5)
    parts = [table(ladder(rng, 256, {1.0: 0.9, 2.0: 1.0}), benchmark=f"b{i}") for i in range(13)]
    frame = pd.concat(parts)
    start = time.process_time()
    assert len(fit(frame).curve) == 14
    assert time.process_time() - start < 5


def test_importing_the_analysis_stays_light() -> None:
    heavy = "{'torch', 'ray', 'matplotlib', 'lightning', 'transformers', 'rich', 'jinja2'}"
    code = f"import sys, analysis; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert values_of({"a": [1, {"b": 2}]}) == [1, 2]
