"""Rankings of planted studies, and every level of a study finds its row of the paper."""

import numpy as np
import pandas as pd
import pytest

import experiments
from ablate.tasks import CATEGORIES
from analysis.conclusions.ranking import rank_levels
from analysis.tables.published import published_ranking

INTEGRATIONS = {
    "plain": 0.40,
    "separators": 0.50,
    "timestamps": 0.60,
    "both": 0.45,
    "released": 0.5,
}


def _frame(means: dict[str, float], noise: float = 0.0, seeds: int = 3, column="integration"):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            column: level, "seed": seed, "size": 1e5, "samples": 3200, "measure": "accuracy",
            "benchmark": category, "score": mean + offset + 0.01 * k,
        }
        for level, mean in means.items()
        for seed in range(seeds)
        for offset in [random.normal(0, noise) if noise else 0.0]
        for k, category in enumerate(CATEGORIES)
    )  # fmt: skip


def test_the_papers_own_order_has_tau_1_and_its_reverse_minus_1() -> None:
    own = {"plain": 0.555, "separators": 0.567, "timestamps": 0.568, "both": 0.562}
    for sign in (1, -1):
        frame = _frame({level: 0.5 + sign * (score - 0.5) for level, score in own.items()})
        ranking = rank_levels(frame, "integration", ("integration",))
        assert ranking.tau == pytest.approx(sign) and ranking.common == 4
        assert (ranking.tau_low, ranking.tau_high) == pytest.approx((sign, sign))


def test_levels_stand_in_order_with_their_seeds() -> None:
    ranking = rank_levels(_frame(INTEGRATIONS, noise=0.02), "integration", ("integration",))
    scores = [rank.score for rank in ranking.ranks]
    assert scores == sorted(scores, reverse=True) and ranking.ranks[0].level == "timestamps"
    assert [rank.paper for rank in ranking.ranks if rank.level == "released"] == [None]
    assert ranking.seed_sd == pytest.approx(2, rel=0.5)
    for rank in ranking.ranks:
        assert rank.seeds == 3 and rank.low < rank.score < rank.high
    assert ranking.tau_low <= ranking.tau <= ranking.tau_high


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    random = np.random.default_rng(0)
    for _ in range(200):
        frame = _frame(INTEGRATIONS)
        drawn = random.normal(0, 0.03, (len(INTEGRATIONS), 3))
        offset = dict(zip(INTEGRATIONS, drawn, strict=True))
        rows = zip(frame.integration, frame.seed, strict=True)
        frame["score"] += [offset[level][seed] for level, seed in rows]
        for rank in rank_levels(frame, "none", ("integration",)).ranks:
            held.append(rank.low <= 100 * (INTEGRATIONS[rank.level] + 0.02) <= rank.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_one_seed_has_no_interval() -> None:
    ranking = rank_levels(_frame(INTEGRATIONS, seeds=1), "integration", ("integration",))
    assert ranking.seed_sd is None and ranking.tau_low is None and ranking.tau is not None
    assert all(rank.low is None for rank in ranking.ranks)


def test_two_sizes_are_refused() -> None:
    frame = pd.concat([_frame(INTEGRATIONS), _frame(INTEGRATIONS).assign(size=1e6)])
    with pytest.raises(ValueError, match="2 values of size"):
        rank_levels(frame, "integration", ("integration",))


TABLES = {
    "sampling": ("sampling", 28), "uniform": ("uniform", 8), "encoders": ("encoder", 19),
    "connectors": ("connector", 3), "integration": ("integration", 4),
    "schedules": ("schedule", 17), "mixtures": ("mixture", 13), "image_path": ("image-path", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_study_holds_every_row_of_its_table_once(name: str) -> None:
    """All rows of Tables 1, 2 and 8 to 13, by what the designs are."""
    study, (published, count) = experiments.load(name), TABLES[name]
    cells = study.cells("d", "e", sizes=("3B",), seeds=1)
    rows = []
    for cell in cells:
        labels = cell.design.labels()
        if cell.protocol.sampling is not None:
            labels["sampling"] += f"@{cell.protocol.label}"
        told = {"seed": 0, "size": 3e9, "samples": 1, "measure": "accuracy", "benchmark": "ocr"}
        rows.append(labels | told | {"score": 0.5})
    ranks = rank_levels(pd.DataFrame(rows), name, study.axes).ranks
    found = sorted(rank.paper for rank in ranks if rank.paper is not None)
    assert found == sorted(one.score for one in published_ranking(published))
    assert len(found) == count
