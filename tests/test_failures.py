"""Failures are told apart, each in one line that says where to look."""

import errno

import pytest
import torch

from ablate.data.annotations import read_questions
from ablate.data.faults import MediaError
from ablate.data.sources import Source
from ablate.failures import KINDS, explain
from ablate.spec import from_dict
from ablate.train.module import Diverged


def _raise(error: Exception) -> None:
    raise error


def _wrong_shapes() -> None:
    from ablate.train.module import answer_nll

    answer_nll(None, None)


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda _: _raise(Diverged("loss is nan at step 3")), "diverged", "step 3"),
        (lambda _: _raise(MediaError("v.mp4", "the file\nis empty")), "data", "the file is empty"),
        (lambda p: read_questions(Source("s", p / "q.json", p, "f")), "data", "q.json"),
        (lambda _: _raise(MemoryError()), "memory", "MemoryError"),
        (lambda _: torch.empty(2**60), "memory", "allocate"),
        (lambda _: _raise(torch.OutOfMemoryError("CUDA out of\nmemory")), "memory", "CUDA"),
        (lambda _: _raise(OSError(errno.ENOSPC, "No space left", "w")), "disk", "No space left"),
        (lambda _: _raise(OSError(errno.EDQUOT, "Disk quota exceeded")), "disk", "quota"),
        (lambda _: _raise(RuntimeError("write: No space left on device")), "disk", "space"),
        (lambda _: _raise(KeyError("x")), "bug", "KeyError at test_failures.py:"),
        (lambda _: from_dict({"type": "x"}), "bug", "ValueError at ablate/spec.py:"),
        (lambda _: _wrong_shapes(), "bug", "AttributeError at ablate/train/module.py:"),
    ],
)
def test_failures_are_told_apart_in_one_line(tmp_path, act, kind: str, words: str) -> None:
    with pytest.raises(Exception) as caught:
        act(tmp_path)
    failure = explain(caught.value)
    assert failure.kind == kind and kind in KINDS
    assert words in failure.reason and "\n" not in str(failure)


def test_only_what_repeats_itself_is_certain_to_fail_again() -> None:
    from ablate.failures import Failure

    assert [kind for kind in KINDS if Failure(kind, "").is_certain] == ["diverged"]
