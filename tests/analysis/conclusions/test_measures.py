"""Likelihoods beside accuracy: which predicts the target's accuracy, and is that certain?"""

import numpy as np
import pandas as pd
import pytest

from analysis import fit
from analysis.conclusions.measures import MeasureAgreement
from tests.analysis.planted import Floats, table


def measured(
    n: int = 60, seed: int = 0, at_chance: bool = True, **columns: object
) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """A small proxy whose accuracy is at chance while the probability of the answer is not."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    proxy = {
        "accuracy": (0.1 if at_chance else 1.0) * y + rng.standard_normal(n),
        "margin": -y + 0.2 * rng.standard_normal(n),
        "p_correct": y + 0.4 * rng.standard_normal(n),
    }
    target = {"accuracy": y, "margin": rng.standard_normal(n), "p_correct": y}
    parts = [
        table({1.0: proxy[name], 2.0: target[name]}, measure=name, **columns) for name in proxy
    ]
    return pd.concat(parts, ignore_index=True), proxy | {"target": y}


def by_name(frame: pd.DataFrame, **options: object) -> dict[str, MeasureAgreement]:
    return {one.measure: one for one in fit(frame, **options).measures}  # type: ignore[arg-type]


def test_every_measure_is_judged_by_the_targets_accuracy() -> None:
    frame, scores = measured()
    found = by_name(frame)
    assert list(found) == ["accuracy", "margin", "p_correct"]
    for name, one in found.items():
        assert one.r == pytest.approx(np.corrcoef(scores[name], scores["target"])[0, 1])
        assert one.n == 60 and one.size == 1.0
    assert found["accuracy"].delta_r2 is None and found["accuracy"].ci95 is None
    gain = (found["p_correct"].r2 or 0) - (found["accuracy"].r2 or 0)
    assert found["p_correct"].delta_r2 == pytest.approx(gain)


def test_a_likelihood_above_chance_is_better_and_a_reversed_one_is_not() -> None:
    found = by_name(measured()[0])
    assert found["p_correct"].better is True and found["accuracy"].better is None
    assert found["margin"].better is False and (found["margin"].r2 or 0) > 0.9


def test_measures_as_good_as_each_other_stay_open() -> None:
    wrong = 0
    for seed in range(40):
        frame, scores = measured(21, seed, at_chance=False)
        noise = np.random.default_rng(seed + 100).standard_normal(21)
        same = frame.measure.isin(["p_correct"]) & (frame["size"] == 1.0)
        frame.loc[same, "score"] = scores["target"] + noise
        wrong += by_name(frame)["p_correct"].better is not None
    assert wrong <= 6  # 5% of 40, plus three standard errors


def test_only_common_variants_are_compared() -> None:
    frame, scores = measured()
    gone = (frame.measure == "p_correct") & (frame["size"] == 1.0) & (frame.variant < "v020")
    one = by_name(frame[~gone])["p_correct"]
    r2 = [
        np.corrcoef(scores[name][20:], scores["target"][20:])[0, 1] ** 2
        for name in ("p_correct", "accuracy")
    ]
    assert one.n == 40 and one.delta_r2 == pytest.approx(r2[0] - r2[1])


def test_the_verdict_is_about_the_measure_that_was_chosen() -> None:
    frame, _ = measured()
    assert by_name(frame) == by_name(frame, proxy_measure="p_correct")
    assert fit(frame, threshold=0.7).critical_size.certified is None
    chosen = fit(frame, proxy_measure="p_correct", threshold=0.7)
    assert chosen.critical_size.certified == 1.0


def test_without_several_measures_there_is_nothing_to_compare() -> None:
    frame, _ = measured()
    assert fit(frame[frame.measure == "accuracy"]).measures == ()
    assert fit(frame[frame.measure == "accuracy"].drop(columns="measure")).measures == ()


def test_on_the_macro_when_there_are_benchmarks() -> None:
    one, two = (measured(seed=s, benchmark=name)[0] for s, name in ((0, "a"), (0, "b")))
    found = by_name(pd.concat([one, two]))
    assert found["p_correct"].r == pytest.approx(by_name(one)["p_correct"].r or 0)
