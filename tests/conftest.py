"""What tests share that is expensive to make."""

from pathlib import Path

import pytest

from tests.cells import WORLD, new_store, silent


@pytest.fixture(scope="session")
def smoke_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the smoke world, for reading; runs belong into a store of their own."""
    from ablate.world.generate import generate

    root = tmp_path_factory.mktemp("smoke-store")
    generate(WORLD, root / "data", 1, silent)
    return root


@pytest.fixture
def store(smoke_store: Path, tmp_path: Path) -> Path:
    """A store without runs on the smoke world."""
    return new_store(tmp_path / "store", smoke_store)
