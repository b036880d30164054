"""Files of packages are converted once, whole or not at all."""

import threading
from pathlib import Path

import pytest

from ablate.models.packaged import Packaged, cache_root


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ablate"


def _of_click(convert) -> Packaged:
    return Packaged("click", "click", "core.py", convert)


def test_a_file_is_converted_once(cache: Path) -> None:
    made = []

    def convert(source: Path, target: Path) -> None:
        made.append(source)
        (target / "copy").write_bytes(source.read_bytes())

    first, again = _of_click(convert).folder(), _of_click(convert).folder()
    assert first == again and first is not None and first.parent == cache == cache_root()
    assert [path.name for path in made] == ["core.py"]
    assert (first / "copy").stat().st_size > 0


def test_a_package_that_is_not_installed_has_no_folder(cache: Path) -> None:
    assert Packaged("none", "no_such_module", "file", lambda *_: None).folder() is None
    assert not cache.exists()


def test_a_missing_converter_names_itself_and_leaves_nothing(cache: Path) -> None:
    def convert(source: Path, target: Path) -> None:
        import no_such_converter  # noqa: F401

    with pytest.raises(ValueError, match=r"click: .* without no_such_converter; .*make pretrained"):
        _of_click(convert).folder()
    assert list(cache.iterdir()) == []


def test_a_conversion_that_fails_leaves_nothing(cache: Path) -> None:
    def convert(source: Path, target: Path) -> None:
        (target / "half").touch()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _of_click(convert).folder()
    assert list(cache.iterdir()) == []


def test_two_at_once_end_with_one_folder(cache: Path) -> None:
    both = threading.Barrier(2)

    def convert(source: Path, target: Path) -> None:
        (target / "whole").touch()
        both.wait(10)

    found: list[Path | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(_of_click(convert).folder())) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] and [p.name for p in cache.iterdir()] == [found[0].name]
    assert (found[0] / "whole").exists()
