"""Global batches of a stage: the same for any number of workers, from any sample on."""

import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from ablate.axes import Fps, ImagePath, IntegrationKind, Mixture, StageData
from ablate.data.cache import ArrayCache
from ablate.data.collate import Batch
from ablate.data.faults import MediaError
from ablate.data.features import TowerInput
from ablate.data.frames import View
from ablate.data.module import Order, Share, StageLoader
from ablate.data.samples import SampleMaker
from ablate.data.sources import Conversation, Media, Pools, pools
from ablate.data.stats import SamplingStats
from ablate.data.tokenizer import ClosedTokenizer
from ablate.data.video import write_video
from ablate.data.viewer import Viewer
from ablate.failures import explain
from ablate.tokens import PICTURE, VISUAL
from tests.data.designs import design
from tests.data.videos import frame_numbers, numbered_frame

SAMPLING = Fps(2, 4, 3)
MIXTURE = Mixture(text=20, image=20, multi_image=20, video=40)
DESIGN = design(SAMPLING, 1, IntegrationKind.BOTH, MIXTURE)
VIEWS = View(32, (0, 0, 0)), View(16, (127, 127, 127))
SPLIT = design(SAMPLING, 1, IntegrationKind.BOTH, MIXTURE, ImagePath.SPLIT)
TOWERS = tuple(
    TowerInput(view, (4, 2, 2), width, f"w{width}")
    for view, width in zip(VIEWS, (3, 5), strict=True)
)
APART = {1: TowerInput(VIEWS[1], (1, 2, 2), 5, "w5")}
"""The second tower is the one that sees pictures."""
SECONDS = {"short": 1.5, "middle": 5.0, "long": 20.0}


@dataclass(frozen=True)
class Part:
    start: int
    stop: int
    data: StageData = StageData.MIXTURE


def _encoder(tower: TowerInput):
    """Mean colours of quarters, repeated to the tower's width."""

    def encode(pixels: torch.Tensor) -> torch.Tensor:
        half = tower.view.image_size // 2
        means = torch.nn.functional.avg_pool2d(pixels[0].float(), half)  # (F, 3, 2, 2)
        features = means.permute(0, 2, 3, 1)  # (F, 2, 2, 3)
        return features.repeat(1, 1, 1, 2)[None, ..., : tower.width] / 255

    return encode


ENCODERS = tuple(_encoder(tower) for tower in TOWERS)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Pools:
    """Three videos, pictures, sets and texts: six conversations of each modality."""
    root: Path = tmp_path_factory.mktemp("data")
    media = {}
    for name, seconds in SECONDS.items():
        write_video(root / f"{name}.mp4", map(numbered_frame, range(round(seconds * 8))), 8)
        media[name] = Media(root / f"{name}.mp4", f"print/{name}.mp4", seconds)
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (32, 32), colour).save(root / f"{name}.png")
        media[name] = Media(root / f"{name}.png", f"print/{name}.png")
    shown: dict[str, Sequence[tuple[str, ...]]] = {
        "text": [()],
        "image": [("red",), ("blue",)],
        "multi_image": [("red", "blue"), ("blue", "red", "red")],
        "video": [(name,) for name in SECONDS],
    }
    return pools(
        Conversation(
            f"{modality}-{index}",
            modality,
            tuple(
                # The first three of a modality say how long their video is; the rest are asked.
                replace(media[name], duration=media[name].duration if index < 3 else None)
                for name in names[index % len(names)]
            ),
            (("which way ?", "left"), ("how many flashes ?", ("one", "two", "three")[index % 3])),
        )
        for modality, names in shown.items()
        for index in range(6)
    )


def _loader(
    data: Pools, root: Path, *, frozen: bool = True, split: bool = False, **options
) -> StageLoader:
    options = {"start": 0, "stop": 20, "batch": 6} | options
    maker = SampleMaker(
        SPLIT if split else DESIGN,
        ClosedTokenizer(),
        Viewer(SAMPLING, TOWERS, ArrayCache(root), frozen=frozen, apart=APART if split else None),
        options.pop("context", 512),
    )
    order = Order(3, MIXTURE, (Part(0, 8, StageData.VIDEO), Part(8, 20)), data)
    return StageLoader(order, maker, encoders=ENCODERS if frozen else (), **options)


def _read(loader: StageLoader) -> list[Batch]:
    """All micro-batches."""
    return [micro for batch in loader for micro in batch.micros]


def _same(first, second) -> bool:
    assert first.rows == second.rows
    pairs = [
        (first.input_ids, second.input_ids),
        (first.labels, second.labels),
        (first.attention_mask, second.attention_mask),
        *zip(first.features or (), second.features or (), strict=True),
        *zip(first.pixels or (), second.pixels or (), strict=True),
        *zip(first.picture_features or (), second.picture_features or (), strict=True),
        *zip(first.picture_pixels or (), second.picture_pixels or (), strict=True),
    ]
    return all(torch.equal(a, b) and a.dtype == b.dtype for a, b in pairs)


def _all_same(first, second) -> bool:
    return all(_same(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_workers_change_nothing(frozen, split, data, tmp_path):
    alone = _read(_loader(data, tmp_path / "a", frozen=frozen, split=split))
    helped = _read(_loader(data, tmp_path / "b", frozen=frozen, split=split, workers=2))
    assert _all_same(alone, helped)
    assert [len(batch.rows) for batch in alone] == [6, 6, 6, 2]


def _in_a_thread(work):
    """As Tune does it: in the main thread torch interrupts whatever runs when a worker dies."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _in_a_daemon(work) -> queue.Queue:
    """As `_in_a_thread`, where it may hang: what comes of it."""
    outcome: queue.Queue = queue.Queue()
    threading.Thread(target=lambda: outcome.put(work()), daemon=True).start()
    return outcome


def test_workers_that_are_killed_are_replaced(data, tmp_path):
    alone = _read(_loader(data, tmp_path / "a", micro=1))
    loader = _loader(data, tmp_path / "b", micro=1, workers=2)

    def killing() -> list:
        found = []
        for batch in loader:
            for micro in batch.micros:
                found.append(micro)
                if len(found) in (1, 9):
                    for worker in multiprocessing.active_children():
                        worker.kill()
        return found

    assert _all_same(alone, _in_a_thread(killing))
    assert loader.state_dict() == {"batches": 4} and multiprocessing.active_children() == []


def test_a_worker_that_is_killed_while_it_hands_over_is_replaced(data, tmp_path):
    alone = _read(_loader(data, tmp_path / "a", frozen=False, batch=10))
    loader = _loader(data, tmp_path / "b", frozen=False, batch=10, workers=1)

    def killing() -> list:
        batches = iter(loader)
        found = list(next(batches).micros)
        # The second is far more than a pipe holds: through one it would be half there by now.
        time.sleep(1)
        (worker,) = multiprocessing.active_children()
        worker.kill()
        worker.join()
        return found + [micro for batch in batches for micro in batch.micros]

    outcome = _in_a_daemon(killing).get(timeout=60)
    assert _all_same(alone, outcome)


def test_workers_that_die_again_and_again_are_given_up(data, tmp_path, monkeypatch):
    made = _loader(data, tmp_path, workers=1)
    monkeypatch.setattr(SampleMaker, "make", lambda *_: os._exit(1))
    with pytest.raises(RuntimeError, match="DataLoader worker") as caught:
        _in_a_thread(lambda: _read(made))
    assert explain(caught.value).kind == "lost"


@pytest.mark.parametrize("how", ["waits", "hangs"])
def test_workers_end_with_a_parent_that_is_killed(how, data, tmp_path, monkeypatch):
    if how == "hangs":
        monkeypatch.setattr(SampleMaker, "make", lambda *_: time.sleep(600))
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        made = _loader(data, tmp_path, batch=1, workers=2)
        threading.Thread(target=_read, args=(made,), daemon=True).start()
        while len(workers := multiprocessing.active_children()) < 2:
            time.sleep(0.01)
        os.write(writer, " ".join(str(worker.pid) for worker in workers).encode())
        time.sleep(600)
    workers = [psutil.Process(int(pid)) for pid in os.read(reader, 100).split()]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive


def test_what_workers_get_can_be_pickled(data, tmp_path):
    made = _loader(data, tmp_path)._micros
    samples, _ = pickle.loads(pickle.dumps(made))[1]
    assert [sample.prompt for sample in samples] == [sample.prompt for sample in made[1][0]]


def test_a_warm_cache_changes_nothing_and_computes_nothing(data, tmp_path):
    cold, warm = _loader(data, tmp_path), _loader(data, tmp_path)
    assert _all_same(_read(cold), _read(warm))
    assert cold.use.misses > 0 and cold.use.seconds > 0
    assert warm.use.misses == 0 and warm.use.hits > 0
    helped = _loader(data, tmp_path, workers=2)
    _read(helped)
    assert helped.use == warm.use


def test_resuming_goes_on_where_it_stopped(data, tmp_path):
    whole = _read(_loader(data, tmp_path))
    assert _all_same(_read(_loader(data, tmp_path, start=12)), whole[2:])
    loader = _loader(data, tmp_path)
    assert _all_same(_read(loader), _read(loader))
    assert len(loader) == len(whole)


@pytest.mark.parametrize("micro", [1, 4, 6, None])
@pytest.mark.parametrize("share", [Share(), Share(1, 2)], ids=["alone", "second of two"])
def test_micro_batches_are_parts_of_the_batch(micro, share, data, tmp_path):
    whole = _read(_loader(data, tmp_path, share=share))
    loader = _loader(data, tmp_path, share=share, micro=micro)
    for batch, expected in zip(loader, whole, strict=True):
        parts = list(batch.micros)
        assert sum((part.ids for part in parts), ()) == expected.ids
        assert {len(part.rows) for part in parts[:-1]} <= {micro}
        assert batch.count == len(parts)
        assert batch.answer_tokens == sum(part.answer_tokens for part in parts)
    loader.load_state_dict({"batches": 3})
    assert sum((part.ids for part in _read(loader)), ()) == whole[3].ids


def test_no_more_than_the_next_micro_batch_is_read(data, tmp_path, monkeypatch):
    made, make = [], SampleMaker.make
    monkeypatch.setattr(
        SampleMaker, "make", lambda maker, one: made.append(one) or make(maker, one)
    )
    batches = iter(_loader(data, tmp_path, micro=2))
    first = next(batches)
    assert not made
    for number, _ in enumerate(first.micros, 1):
        assert len(made) == 2 * number


def test_stages_and_modalities(data, tmp_path):
    first, second, *_ = _read(_loader(data, tmp_path, batch=8))
    assert all(name.startswith("video") for name in first.ids)
    assert len({name.split("-")[0] for name in second.ids}) == 4


def test_clips_follow_their_sample(data, tmp_path):
    for batch in _read(_loader(data, tmp_path, frozen=False)):
        assert batch.features is None
        large, small = batch.pixels
        assert large.shape[1:] == (4, 3, 32, 32) and small.shape[1:] == (4, 3, 16, 16)
        assert len(large) == len(small) == sum(row.clips for row in batch.rows)
        visual = (batch.input_ids == VISUAL).sum(1).tolist()
        assert visual == [4 * row.clips for row in batch.rows]
        at = 0
        for row in batch.rows:
            clips = large[at : at + row.clips].permute(0, 1, 3, 4, 2).numpy()
            at += row.clips
            modality, index = row.id.split("-")
            if modality == "video":
                name = list(SECONDS)[int(index) % 3]
                assert row.clips == {"short": 1, "middle": 3, "long": 3}[name]
                last = round(SECONDS[name] * 8) - 1
                numbers = [frame_numbers(clip) for clip in clips]
                first = 0 if name != "long" else round((20 / 6 - 1) * 8 - 0.5)
                assert numbers[0] == [min(first + 4 * i, last) for i in range(4)]
            elif modality == "image":
                assert clips[0, :, :, :, 0].min() == (255 if int(index) % 2 == 0 else 0)


def test_features_of_towers_in_order(data, tmp_path):
    for batch in _read(_loader(data, tmp_path)):
        assert batch.pixels is None
        assert [tower.shape[1:] for tower in batch.features] == [(4, 2, 2, 3), (4, 2, 2, 5)]
        assert {tower.dtype for tower in batch.features} == {torch.float32}


@pytest.mark.parametrize("frozen", [True, False])
def test_pictures_apart_are_seen_once_by_the_image_towers_alone(frozen, data, tmp_path):
    whole = _read(_loader(data, tmp_path, frozen=frozen, split=True))
    for batch in whole:
        kind = "features" if frozen else "pixels"
        clips, pictures = getattr(batch, kind), getattr(batch, f"picture_{kind}")
        shape = (1, 2, 2, 5) if frozen else (1, 3, 16, 16)
        assert len(clips) == 2 and [tower.shape[1:] for tower in pictures] == [shape]
        assert len(clips[0]) == sum(row.clips for row in batch.rows)
        assert len(pictures[0]) == sum(row.pictures for row in batch.rows)
        for row in batch.rows:
            modality = row.id.split("-")[0]
            assert bool(row.clips) == (modality == "video")
            assert bool(row.pictures) == (modality in ("image", "multi_image"))
        for placeholder, count in ((VISUAL, "clips"), (PICTURE, "pictures")):
            held = (batch.input_ids == placeholder).sum(1).tolist()
            assert held == [4 * getattr(row, count) for row in batch.rows]
    parts = _read(_loader(data, tmp_path, frozen=frozen, split=True, micro=1))
    assert _all_same(parts, _read(_loader(data, tmp_path, frozen=frozen, split=True, batch=1)))


def test_text_alone_has_tensors_without_clips(data, tmp_path):
    for frozen in (True, False):
        viewer = Viewer(SAMPLING, TOWERS, ArrayCache(tmp_path), frozen=frozen)
        maker = SampleMaker(DESIGN, ClosedTokenizer(), viewer, 512)
        samples = [maker.make(conversation) for conversation in data["text"][0].conversations]
        batch = maker.batch(samples, ENCODERS)
        assert {len(tensor) for tensor in batch.features or batch.pixels} == {0}
        assert (batch.input_ids >= 0).all()


def test_a_model_keeps_its_random_stream(data, tmp_path):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    _read(_loader(data, tmp_path))
    assert torch.equal(torch.get_rng_state(), state)


def test_statistics_are_those_of_the_samples(data, tmp_path):
    found = []
    for workers in (0, 2):
        stats = SamplingStats(SAMPLING)
        _read(_loader(data, tmp_path, workers=workers, stats=stats, start=8))
        found.append(stats.to_dict())
    assert found[0] == found[1]
    stats = found[0]
    assert sum(stats["samples"].values()) == 12
    assert sum(stats["sample_shares"].values()) == pytest.approx(100)
    (source,) = stats["sources"].values()
    assert source == {"samples": stats["samples"], "tokens": stats["tokens"]}
    assert stats["clips"]["max"] == 3
    assert stats["visual_tokens"]["max"] == 12


def test_statistics_of_videos_by_hand(data, tmp_path):
    stats = SamplingStats(SAMPLING)
    viewer = Viewer(SAMPLING, TOWERS, ArrayCache(tmp_path), frozen=False)
    maker = SampleMaker(DESIGN, ClosedTokenizer(), viewer, 512)
    assert stats.to_dict()["fps"] is None
    assert stats.to_dict()["sample_shares"] == {}
    for conversation in data["video"][0].conversations[:3]:
        stats.add(maker.make(conversation))
    result = stats.to_dict()
    assert result["capped"] == 1
    assert result["duration"] == pytest.approx({"min": 1.5, "mean": 26.5 / 3, "max": 20})
    assert result["clips"] == {"min": 1, "mean": 7 / 3, "max": 3}
    assert result["frames"] == {"min": 4, "mean": 28 / 3, "max": 12}
    assert result["fps"] == pytest.approx({"min": 2, "mean": 2, "max": 2}, rel=0.05)
    assert result["covered"]["min"] == pytest.approx((17.125 - 2.25) / 20)
    assert result["samples"] == {"video": 3}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_file_is_its_own_error_from_any_process(workers, data, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    bad = Conversation("bad", "video", (Media(broken, "bad", 4.0),), (("q ?", "a"),))
    videos = {"video": pools([bad])["video"]}
    loader = _loader(dict(data) | videos, tmp_path, workers=workers)
    with pytest.raises(MediaError, match=r"broken\.mp4: no video") as caught:
        _read(loader)
    assert "\n" not in str(caught.value)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [0, 1])
def test_what_does_not_fit_is_never_cut(workers, data, tmp_path):
    with pytest.raises(ValueError, match=r"conversation video-\d takes \d+ positions, more than"):
        _read(_loader(data, tmp_path, workers=workers, context=40))


def test_missing_modalities_are_found_before_reading(data, tmp_path):
    with pytest.raises(ValueError, match="20% image, but the data have none"):
        _loader(dict(data) | {"image": ()}, tmp_path)


def test_batches_do_not_depend_on_what_else_is_in_them(data, tmp_path):
    one = _read(_loader(data, tmp_path / "a", batch=1))
    many = _read(_loader(data, tmp_path / "b", micro=1))
    assert _all_same(one, many)
    assert np.isfinite(sum(float(batch.features[0].sum()) for batch in one))


def test_time_is_counted_while_batches_are_made(data, tmp_path):
    loader = _loader(data, tmp_path)
    assert loader.seconds == 0
    begun = time.perf_counter()
    for batch in loader:
        list(batch.micros)
        time.sleep(0.05)
    elsewhere = 0.05 * len(loader)
    assert loader.use.seconds < loader.seconds <= time.perf_counter() - begun - elsewhere
