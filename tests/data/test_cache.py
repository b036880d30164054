"""The array cache: computed once, whole files, damage is a miss."""

import threading

import numpy as np
import pytest

from ablate.data.cache import ArrayCache, CacheUse

ARRAY = np.arange(24, dtype=np.float16).reshape(2, 3, 4)


@pytest.fixture
def cache(tmp_path):
    return ArrayCache(tmp_path)


def _refuse():
    raise AssertionError("computed again")


@pytest.mark.parametrize("array", [ARRAY, np.zeros((0, 3), np.uint8), np.float64([1e-300, 2])])
def test_computes_once_and_returns_the_same(array, cache):
    assert cache.load("a") is None
    first = cache.get("a", lambda: array)
    again = ArrayCache(cache.root).get("a", _refuse)
    for found in (first, again):
        assert found.dtype == array.dtype and found.shape == array.shape
        np.testing.assert_array_equal(found, array)


def test_keys_do_not_meet(cache):
    cache.save("a", ARRAY)
    assert cache.load("b") is None
    assert cache.path("a").parent.name == cache.path("a").name[:2]
    assert cache.path("../../etc/passwd").is_relative_to(cache.root)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:5],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: b"\0" * len(data),
        lambda data: b"not an array",
    ],
)
def test_damage_is_computed_again(damage, cache):
    cache.save("a", ARRAY)
    path = cache.path("a")
    path.write_bytes(damage(path.read_bytes()))
    np.testing.assert_array_equal(cache.get("a", lambda: ARRAY), ARRAY)
    np.testing.assert_array_equal(cache.get("a", _refuse), ARRAY)


def test_pickles_are_refused(cache):
    with pytest.raises(ValueError):
        cache.save("a", np.array([object()]))
    path = cache.path("b")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    assert cache.load("b") is None
    assert not list(cache.root.rglob("*.tmp"))


def test_use_is_counted_once(cache):
    cache.get("a", lambda: ARRAY)
    cache.get("a", _refuse)
    cache.load("b")
    use = cache.take_use()
    assert (use.hits, use.misses) == (1, 1)
    assert use.seconds > 0
    assert cache.take_use() == CacheUse()
    assert use + CacheUse(2, 3, 1.0) == CacheUse(3, 4, use.seconds + 1.0)


def test_readers_never_see_half_a_file(cache):
    big = np.ones((200, 1000))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            cache.save("a", big)

    cache.save("a", big)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(30):
            found = ArrayCache(cache.root).load("a")
            assert found is not None and found.shape == big.shape
    finally:
        stop.set()
        writer.join()
