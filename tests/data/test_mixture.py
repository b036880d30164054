"""The order of samples: stateless, unrepeated, nested, and true to the shares at every prefix."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.axes import Mixture, StageData
from ablate.data.mixture import check_pools, modality_counts, sample_at
from ablate.data.sources import Conversation, pools

VIDEO, MIXED = StageData.VIDEO, StageData.MIXTURE


@dataclass(frozen=True)
class Part:
    start: int
    stop: int
    data: StageData = MIXED


def _pools(**sizes):
    return pools(
        Conversation(f"{modality}{index}", modality, (), None, (("q", "a"),))
        for modality, size in sizes.items()
        for index in range(size)
    )


POOLS = _pools(text=40, image=50, multi_image=30, video=80)
PAPER = Mixture(text=15, image=25, multi_image=20, video=40)  # paper Table 13, row 2


@st.composite
def mixtures(draw):
    """Shares in half percent, so that they add up exactly; some are nothing."""
    cuts = sorted(draw(st.lists(st.integers(0, 200), min_size=3, max_size=3)))
    return Mixture(*((b - a) / 2 for a, b in pairwise([0, *cuts, 200])))


def _ids(stages, seed=0, mixture=PAPER, data=POOLS):
    return [sample_at(k, seed, mixture, stages, data).id for k in range(stages[-1].stop)]


@given(mixtures(), st.integers(0, 3000))
def test_every_prefix_keeps_the_shares(mixture, samples):
    counts = modality_counts(mixture, MIXED, samples)
    assert sum(counts.values()) == samples
    for modality, share in mixture.shares.items():
        assert abs(counts[modality] - samples * share / 100) < 1
    following = modality_counts(mixture, MIXED, samples + 1)
    assert sorted(following[name] - counts[name] for name in counts) == [0, 0, 0, 1]


@given(mixtures(), st.integers(0, 99))
@settings(max_examples=25)
def test_drawn_modalities_are_the_counted_ones(mixture, samples):
    modalities = Counter(
        sample_at(k, 1, mixture, [Part(0, 100)], POOLS).modality for k in range(samples)
    )
    assert modalities == Counter(modality_counts(mixture, MIXED, samples))


def test_nothing_repeats_while_the_pool_lasts_across_stages():
    stages = [Part(0, 20, VIDEO), Part(20, 50, VIDEO), Part(50, 110, MIXED)]
    ids = _ids(stages)
    videos = [name for name in ids if name.startswith("video")]
    assert len(videos) == 50 + 24
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("video") for name in ids[:50])


def test_an_exhausted_pool_starts_again_in_another_order():
    ids = _ids([Part(0, 240)], mixture=Mixture(), data=POOLS)
    rounds = [ids[at : at + 80] for at in (0, 80, 160)]
    assert all(len(set(names)) == 80 for names in rounds)
    assert rounds[0] != rounds[1] != rounds[2]


def test_a_longer_run_begins_with_the_shorter():
    assert _ids([Part(0, 100)])[:60] == _ids([Part(0, 60)])


def test_runs_of_several_stages_are_nested_by_modality():
    short = _ids([Part(0, 10, VIDEO), Part(10, 40)])
    long = _ids([Part(0, 20, VIDEO), Part(20, 80)])
    assert set(short) < set(long)


def test_seeds_and_purity():
    stages = [Part(0, 60)]
    assert _ids(stages, seed=1) == _ids(stages, seed=1) != _ids(stages, seed=2)
    backwards = [sample_at(k, 1, PAPER, stages, POOLS).id for k in reversed(range(60))]
    assert backwards[::-1] == _ids(stages, seed=1)


def test_order_is_shuffled():
    videos = _ids([Part(0, 80)], mixture=Mixture())
    assert videos != sorted(videos, key=lambda name: int(name.removeprefix("video")))


def test_golden_order():
    first = [sample_at(k, 7, PAPER, [Part(0, 100)], POOLS).id for k in range(6)]
    assert first == ["video36", "image45", "multi_image23", "text1", "video30", "video46"]


def test_missing_modality_is_named():
    data = _pools(video=3, text=2)
    check_pools(Mixture(text=50, video=50), [Part(0, 4)], data)
    check_pools(PAPER, [Part(0, 4, VIDEO)], data)
    with pytest.raises(
        ValueError, match=r"25% image, but the data have none; present: text, video"
    ):
        check_pools(PAPER, [Part(0, 4)], data)
    with pytest.raises(ValueError, match="no image"):
        _ids([Part(0, 4)], mixture=Mixture(image=100, video=0), data=data)


@pytest.mark.parametrize("k", [-1, 60])
def test_outside_the_schedule(k):
    with pytest.raises(ValueError, match="outside the schedule's 60 samples"):
        sample_at(k, 0, PAPER, [Part(0, 60)], POOLS)
