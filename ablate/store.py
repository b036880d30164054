"""What finished cells leave behind: one folder per training, one atomic record per score."""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablate.failures import Failure
from ablate.lease import Lease, Owner, claim, holder
from ablate.pace import Pace, last_pace
from ablate.record import Record
from ablate.spec import Cell, to_dict
from ablate.watchdog import hang_in


class RunStore:
    """Folders `<root>/runs/<train_id>/`: the truth about what is done.

    `cell.json` is written first. `weights.safetensors` and `training.json` follow when training
    ends; `<score_id>/record.json` comes last, so its presence means done. `<score_id>/failure.json`
    says why there is none. `lease.<n>` says which process is at it, `hang.txt` where one hung.

    Raises:
        ValueError: the root cannot be written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def prepare(self) -> None:
        """Create the root and prove that it can be written."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            probe = self.runs / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise ValueError(f"store {self.root}: cannot be written ({error.strerror})") from None

    @property
    def runs(self) -> Path:
        """Where the runs lie, each in a folder named by its `train_id`."""
        return self.root / "runs"

    @property
    def data_root(self) -> Path:
        """Where generated datasets lie, each in a folder named by its fingerprint."""
        return self.root / "data"

    @property
    def cache_root(self) -> Path:
        """Where decoded frames and frozen features lie, by content."""
        return self.root / "cache"

    def run_dir(self, cell: Cell) -> Path:
        """Folder of the cell's training."""
        return self.runs / cell.train_id

    def score_dir(self, cell: Cell) -> Path:
        """Folder of the cell's score."""
        return self.run_dir(cell) / cell.score_id

    def claim(self, cell: Cell) -> Lease | None:
        """Claim the cell's training and its scores; None while another process has them."""
        return claim(self.run_dir(cell))

    def holder(self, cell: Cell) -> Owner | None:
        """The process that is at the cell's training or its scores."""
        return holder(self.run_dir(cell))

    def pace(self, cell: Cell) -> Pace | None:
        """How far the cell's training had come a moment ago; None before its first step."""
        return last_pace(self.run_dir(cell))

    def remove_leftovers(self, cell: Cell) -> None:
        """Remove what a writer that was killed left half-written; only who holds the claim may."""
        for path in self.run_dir(cell).rglob(".*"):
            path.unlink(missing_ok=True)

    def describe(self, cells: Sequence[Cell]) -> Path:
        """Write the cells of one training to a file, for `ablate run`; returns its path."""
        path = self.root / "planned" / f"{cells[0].train_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, [to_dict(cell) for cell in cells])
        return path

    def begin(self, cell: Cell) -> None:
        """Describe the cell before anything is spent on it."""
        self.run_dir(cell).mkdir(parents=True, exist_ok=True)
        write_json(self.run_dir(cell) / "cell.json", to_dict(cell))

    def finish_training(self, cell: Cell, facts: dict[str, Any]) -> None:
        """Keep what training left, after its weights have been written."""
        write_json(self.run_dir(cell) / "training.json", facts)

    def training(self, cell: Cell) -> dict[str, Any] | None:
        """What training left, if it ended and its weights are there."""
        if not self.weights_path(cell).exists():
            return None
        return _read_json(self.run_dir(cell) / "training.json")

    def weights_path(self, cell: Cell) -> Path:
        """Where the trained weights lie."""
        return self.run_dir(cell) / "weights.safetensors"

    def finish(self, cell: Cell, record: Record) -> None:
        """Write the record: from here on the cell is done."""
        self.score_dir(cell).mkdir(parents=True, exist_ok=True)
        write_json(self.score_dir(cell) / "record.json", record)
        (self.score_dir(cell) / "answers.json").unlink(missing_ok=True)
        self.forget_failure(cell)

    def adopt(self, cell: Cell, files: Mapping[str, bytes]) -> None:
        """Take in what another store has of a finished cell; only who holds the claim may.

        Args:
            cell: what was run.
            files: contents by name, `record.json` among them, which is written last.
        """
        self.begin(cell)
        self.score_dir(cell).mkdir(parents=True, exist_ok=True)
        for name in sorted(files, key="record.json".__eq__):
            with whole_file(self.score_dir(cell) / name) as path:
                path.write_bytes(files[name])
        self.forget_failure(cell)

    def fail(self, cell: Cell, failure: Failure) -> None:
        """Keep the reason why the cell has no score."""
        self.score_dir(cell).mkdir(parents=True, exist_ok=True)
        write_json(
            self.score_dir(cell) / "failure.json",
            {"kind": failure.kind, "reason": failure.reason, "time": time.time()},
        )

    def forget_failure(self, cell: Cell) -> None:
        """Let the cell be tried again."""
        (self.score_dir(cell) / "failure.json").unlink(missing_ok=True)
        if hang_in(self.hang_path(cell)) is not None:
            self.hang_path(cell).unlink()

    def record(self, cell: Cell) -> Record | None:
        """The cell's record, if it is done."""
        return _read_json(self.score_dir(cell) / "record.json")

    def is_done(self, cell: Cell) -> bool:
        """Whether the cell's record exists."""
        return (self.score_dir(cell) / "record.json").exists()

    def failure(self, cell: Cell) -> Failure | None:
        """Why the cell failed, if it did and has not been done since."""
        if self.is_done(cell):
            return None
        found = _read_json(self.score_dir(cell) / "failure.json")
        return Failure(found["kind"], found["reason"]) if found else hang_in(self.hang_path(cell))

    def hang_path(self, cell: Cell) -> Path:
        """Where the process that is at the cell leaves where it hung."""
        return self.run_dir(cell) / "hang.txt"

    def finished(self) -> Iterator[Path]:
        """Folder of every finished cell of the store, in a stable order."""
        for path in sorted(self.runs.glob("*/*/record.json")):
            yield path.parent

    def records(self) -> Iterator[tuple[Path, Record]]:
        """Every finished cell of the store with its folder, in a stable order."""
        for folder in self.finished():
            record = _read_json(folder / "record.json")
            if record is not None:
                yield folder, record


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader sees the whole file or none of it."""
    with whole_file(path) as temporary, temporary.open("w") as file:
        json.dump(value, file, indent=1, allow_nan=False)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; what lies there when the block ends well replaces `path` in one step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON ({error})") from None
