"""A damaged video is refused, or gives what it gave when whole, or what any player shows of it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ablate.data.guard import Killed, Limits, guarded
from ablate.data.video.read import TIMESTAMP_TOLERANCE
from tests.faults.mutants import CLOSE, Read, Shown, differs, make_mutants, play, read

LIMITS = Limits(seconds=60.0, memory=2 * 2**30)


def _wrong(found: Read, shown: Shown, whole: Shown | None) -> list[float]:
    """Moments at which a frame is neither what the file shows nor what it showed when whole."""
    wrong = []
    for planned, realised, frame in zip(found.planned, found.realised, found.frames, strict=True):
        nearest = int(np.abs(shown.starts - realised).argmin())
        late = abs(shown.starts[nearest] - realised) > 10 * TIMESTAMP_TOLERANCE
        as_played = not late and differs(frame, shown.frames[nearest]) < CLOSE
        before = None
        if whole is not None:
            at = np.searchsorted(whole.starts, planned + TIMESTAMP_TOLERANCE, side="right")
            before = whole.frames[max(0, at - 1)]
        if not as_played and (before is None or differs(frame, before) >= CLOSE):
            wrong.append(float(realised))
    return wrong


def _check(folder: Path, each: int) -> Counter[str]:
    """Reads all mutants; returns how many were refused, ended, and accepted."""
    mutants = {mutant.path: mutant.name for mutant in make_mutants(folder / "all", each)}
    outcomes: Counter[str] = Counter()
    accepted: dict[Path, Read] = {}
    seconds = 0.0
    for path, found in guarded(read, list(mutants), 1, LIMITS):
        if isinstance(found, Killed):
            outcomes[f"ended: {found.fault}"] += 1
            continue
        seconds = max(seconds, found.facts.seconds)
        if found.facts.fault is not None:
            assert found.facts.reason and "\n" not in found.facts.reason, mutants[path]
            outcomes[f"refused: {found.facts.fault}"] += 1
        else:
            accepted[path] = found
    sources = {path.name: play(path) for path in (folder / "all" / "whole").iterdir()}
    assert accepted.keys() >= set((folder / "all" / "whole").iterdir())
    wrong = {}
    for path, shown in guarded(play, list(accepted), 1, LIMITS):
        assert not isinstance(shown, Killed), (mutants[path], shown)
        whole = sources.get(mutants[path].partition(",")[0])
        if moments := _wrong(accepted[path], shown, whole):
            wrong[mutants[path]] = moments
    outcomes["accepted"] = len(accepted)
    print(f"\n{len(mutants)} files, at most {seconds:.2f} s each: {dict(outcomes)}")
    assert not wrong
    return outcomes


def test_no_damaged_file_gives_frames_that_nobody_else_sees(tmp_path: Path) -> None:
    outcomes = _check(tmp_path, each=1)
    assert outcomes.total() > 80 and outcomes["accepted"] > 20
    assert outcomes["refused: unreadable"] > 20


@pytest.mark.slow
def test_nor_do_hundreds_of_them(tmp_path: Path) -> None:
    assert _check(tmp_path, each=15).total() > 1000


def test_a_made_up_picture_would_be_seen() -> None:
    """The comparison itself: another frame of the same film is a wrong answer."""
    whole = Shown(
        np.arange(4) / 10, np.stack([np.full((8, 8, 3), 60 * k, np.uint8) for k in range(4)])
    )
    times = np.array([0.0, 0.1])
    right = Read(None, times, times, whole.frames[:2])  # type: ignore[arg-type]
    assert _wrong(right, whole, whole) == []
    shifted = Read(None, times, times, whole.frames[1:3])  # type: ignore[arg-type]
    assert _wrong(shifted, whole, whole) == [0.0, 0.1]
