"""What tests share that is expensive to make."""

from pathlib import Path

import hypothesis
import pytest

from ablate.cli import main
from tests.cells import WORLD, few_cells, job, new_store, silent

# How long an example takes is up to what else the machine does.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def call(capsys: pytest.CaptureFixture):
    """Runs a command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run


@pytest.fixture(scope="session")
def smoke_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds the smoke world, for reading; runs belong into a store of their own."""
    from ablate.world.generate import generate

    root = tmp_path_factory.mktemp("smoke-store")
    generate(WORLD, root / "data", 1, silent)
    return root


@pytest.fixture(scope="session")
def done(smoke_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with every cell of `tests.cells.few_cells`, for reading."""
    from ablate.run import run_cell

    store = new_store(tmp_path_factory.mktemp("done"), smoke_store)
    for cell in few_cells():
        run_cell(cell, job(store), silent)
    return store


@pytest.fixture
def store(smoke_store: Path, tmp_path: Path) -> Path:
    """A store without runs on the smoke world."""
    return new_store(tmp_path / "store", smoke_store)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is out of reach, and nothing of it is kept on this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
