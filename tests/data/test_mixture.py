"""The order of samples: stateless, unrepeated, nested, and true to the shares at every prefix."""

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.axes import Mixture, StageData
from ablate.data.mixture import check_pools, modality_counts, sample_at, source_counts
from ablate.data.sources import Conversation, pools

VIDEO, MIXED = StageData.VIDEO, StageData.MIXTURE


@dataclass(frozen=True)
class Part:
    start: int
    stop: int
    data: StageData = MIXED


def _pools(**sizes):
    return pools(
        Conversation(f"{modality}{index}", modality, (), (("q", "a"),))
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


# === sources of one modality ===


def _weighted(weights, sizes=None):
    """Video conversations of sources named by their position."""
    conversations = [
        Conversation(f"{at}-{index}", "video", (), (("q", "a"),), str(at))
        for at in range(len(weights))
        for index in range(sizes[at] if sizes else 30)
    ]
    return pools(conversations, {str(at): weight for at, weight in enumerate(weights)})


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9), st.integers(0, 2000))
def test_every_prefix_keeps_the_weights(weights, draws):
    sources = _weighted(weights)["video"]
    counts = source_counts(sources, draws)
    assert sum(counts) == draws
    deepest = math.ceil(math.log2(len(weights)))
    for weight, count in zip(weights, counts, strict=True):
        assert abs(count - draws * weight / sum(weights)) <= max(0.5, deepest / 2) + 1e-6
    following = source_counts(sources, draws + 1)
    steps = sorted(b - a for a, b in zip(counts, following, strict=True))
    assert steps == [*[0] * (len(weights) - 1), 1]


def test_sources_are_drawn_by_weight_whatever_their_size():
    data = _weighted((3, 1), sizes=(10, 500))
    drawn = [sample_at(k, 0, Mixture(), [Part(0, 400)], data) for k in range(400)]
    assert Counter(c.source for c in drawn) == {"0": 300, "1": 100}
    # The small source comes again only when all of it has come; the large one never does.
    small = [c.id for c in drawn if c.source == "0"]
    assert all(len(set(small[at : at + 10])) == 10 for at in range(0, 300, 10))
    assert len({c.id for c in drawn if c.source == "1"}) == 100


def test_sample_k_is_a_function_of_seed_and_k_with_sources_too():
    data = _weighted((2, 1, 1))
    stages = [Part(0, 40, VIDEO), Part(40, 100, VIDEO)]
    forward = [sample_at(k, 5, Mixture(), stages, data).id for k in range(100)]
    backward = [sample_at(k, 5, Mixture(), stages, data).id for k in reversed(range(100))]
    assert forward == backward[::-1]
    assert forward[:60] == [sample_at(k, 5, Mixture(), [Part(0, 60)], data).id for k in range(60)]
    assert forward != [sample_at(k, 6, Mixture(), stages, data).id for k in range(100)]


def test_a_source_without_a_modality_leaves_its_turns_to_the_others():
    mixed = [
        *(Conversation(f"a{i}", "video", (), (("q", "a"),), "a") for i in range(9)),
        *(Conversation(f"b{i}", "text", (), (("q", "a"),), "b") for i in range(9)),
    ]
    data = pools(mixed, {"a": 1, "b": 50})
    drawn = [sample_at(k, 0, Mixture(text=50, video=50), [Part(0, 8)], data) for k in range(8)]
    assert Counter(c.source for c in drawn) == {"a": 4, "b": 4}


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
