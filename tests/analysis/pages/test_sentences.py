"""Single sentences of the terminal and the page: what they name, and when they are silent."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import FitResult, fit
from analysis.pages.sentences import (
    cheapest_sentence,
    measure_sentences,
    no_step_sentence,
    seeds_sentence,
    staircase_sentence,
    unmeasured,
)
from analysis.pages.summary import as_text
from analysis.tables.published import consistency
from tests.analysis.planted import ladder, table
from tests.analysis.studies import study_table


@pytest.fixture(scope="module")
def apollo() -> FitResult:
    return fit(consistency(), factors=("setting", "mixture"))


def test_the_cheapest_proxy_is_a_sentence(apollo):
    result = fit(consistency(), threshold=0.8, metric="decision_accuracy")
    assert cheapest_sentence(result).startswith("Cheapest proxy that may decide: 4B with one seed")
    assert cheapest_sentence(replace(apollo, cheapest_proxy=None)) == ""


def test_gaps_are_told_and_only_gaps(apollo):
    bare = unmeasured(apollo, factors=False, cost=False, signal=False)
    assert [gap.split(":")[0].split(",")[0] for gap in bare] == [
        "Seed noise",
        "Cost",
        "Which design axes transfer",
        "How much data a proxy needs",
        "Whether the benchmark tells designs apart",
        "Targets larger than 7B",
    ]
    frame = pd.concat([study_table(), study_table(sizes=(41_000,)).assign(samples=2400)])
    full = unmeasured(fit(frame), factors=True, cost=True, signal=True)
    assert len(full) == 1


def test_the_corners_of_the_grid_are_named(apollo: FitResult) -> None:
    rng = np.random.default_rng(0)
    scores = ladder(rng, 60, {1e9: 0.5, 2e9: 0.98, 4e9: 1.0})
    full = table(scores, samples=1e6)
    fewer = full[full["size"] < 4e9].assign(samples=5e5)
    noisy = fewer.assign(samples=1e5, score=fewer.score + rng.standard_normal(len(fewer)))
    told = staircase_sentence(fit(pd.concat([full, fewer, noisy])))
    assert told.endswith("with 95% confidence over all of it: 2B from 500K samples.")
    nothing = fit(pd.concat([full, fewer, noisy]), threshold=0.999)
    assert staircase_sentence(nothing).endswith(": nothing.")
    assert staircase_sentence(apollo) == ""


def test_seeds_that_would_certify_and_those_that_would_not() -> None:
    rng = np.random.default_rng(1)
    scores = ladder(rng, 60, {1.0: 0.3, 2.0: 1.0, 4.0: 1.0})
    scores[2.0] = scores[4.0]
    noisy = {s: v[:, None] + 0.6 * rng.standard_normal((60, 2)) for s, v in scores.items()}
    result = fit(table(noisy))
    told = seeds_sentence(result)
    assert told.startswith("About ") and told.endswith("would certify 2, which has 2.")
    assert told in " ".join(as_text(result, 200).split())
    only = table({size: side for size, side in noisy.items() if size != 2.0})
    assert seeds_sentence(fit(only)).startswith("Seeds alone would not certify 1")
    assert seeds_sentence(fit(table(scores))) == ""  # one seed tells nothing
    clear = table({2.0: noisy[2.0], 4.0: noisy[4.0]})
    assert seeds_sentence(fit(clear, threshold=0.1)) == ""  # certified


def test_what_to_run_next_is_said_even_where_nothing_helps(apollo) -> None:
    assert apollo.next and no_step_sentence(apollo) == ""
    stuck = replace(apollo, next=())
    assert "is expected to raise the lower limit" in no_step_sentence(stuck)
    assert f"Next: {no_step_sentence(stuck)}" in " ".join(as_text(stuck, 400).split())
    alone = fit(table({4.0: np.arange(20.0)}))
    assert alone.next == () and no_step_sentence(alone) == ""


def test_a_better_measure_is_named_and_its_absence_too() -> None:
    rng = np.random.default_rng(2)
    y, noise = rng.standard_normal((2, 40))
    accuracy = table({1.0: noise, 2.0: y, 3.0: y}, measure="accuracy")
    margin = table({1.0: y + 0.1 * noise, 2.0: y, 3.0: y}, measure="margin")
    result = fit(pd.concat([accuracy, margin]))
    two, one = measure_sentences(result)
    assert two.startswith("At 2, predicts") and "no measure" in two
    assert "margin (R2 .9" in one and "more, 95% [" in one
    assert one in " ".join(as_text(result, 300).split())
    assert list(measure_sentences(fit(accuracy))) == []
