"""What is missing on a machine is said before a sweep, with what to do; nothing is left behind."""

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ablate import doctor
from ablate.doctor import Finding, State, examine
from ablate.lease import EXPIRY


def test_versions_out_of_range_or_missing_block(monkeypatch) -> None:
    assert doctor._versions().state is State.OK
    needs = ["numpy<1", "no-such-package>=2", "pytest<1; extra == 'dev'", "click>=8"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: needs)
    found = doctor._versions()
    assert found.state is State.BLOCKED and "no-such-package is missing" in found.text
    assert "numpy is " in found.text and ", not <1" in found.text
    assert "pytest" not in found.text and "click" not in found.text


def test_a_video_is_written_and_read_by_both_decoders(tmp_path, monkeypatch) -> None:
    found = doctor._decoder()
    assert found.state is State.OK and "decord" in found.text and "av" in found.text
    from ablate.data.video.with_pyav import PyavReader

    frames = PyavReader.frames
    monkeypatch.setattr(PyavReader, "frames", lambda self, _: frames(self, [0] * 8))
    assert doctor._decode(tmp_path / "v.mp4") == "pyav gives wrong frames"
    assert "No such file" in str(doctor._decode(tmp_path / "none" / "v.mp4"))


def test_a_decoder_that_does_not_work_blocks(monkeypatch) -> None:
    from ablate.data import guard

    monkeypatch.setattr(guard, "guarded", lambda *_: [(None, "ImportError: libavcodec")])
    found = doctor._decoder()
    assert found.state is State.BLOCKED and "libavcodec; `pip install" in found.text


@pytest.mark.parametrize(
    ("free", "state"), [(10**6, State.BLOCKED), (10**9, State.NOTE), (10**12, State.OK)]
)
def test_room_on_the_disk_and_in_shared_memory(tmp_path, monkeypatch, free, state) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert doctor._disk(tmp_path / "not" / "yet").state is state
    memory = State.NOTE if free < 10**9 else State.OK
    assert doctor._shared_memory().state is memory


def test_a_folder_that_cannot_be_written_or_claimed_blocks(tmp_path, monkeypatch) -> None:
    assert doctor._writing(tmp_path / "new").state is State.OK
    found = doctor._writing(Path("/proc/store"))
    assert found.state is State.BLOCKED and "/proc cannot be written" in found.text
    monkeypatch.setattr(doctor, "claim", lambda _: None)
    assert "does not hold" in doctor._writing(tmp_path).text
    monkeypatch.undo()
    real = doctor.write_json

    def ahead(path: Path, value: object) -> None:
        real(path, value)
        os.utime(path, (path.stat().st_mtime + EXPIRY,) * 2)

    monkeypatch.setattr(doctor, "write_json", ahead)
    found = doctor._writing(tmp_path)
    assert found.state is State.NOTE and "its clock is +60 s" in found.text
    assert not list(tmp_path.iterdir())


def test_threads_that_are_seen_but_not_granted_are_told(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(doctor, "_cpu_quota", lambda: 4.0)
    found = doctor._threads()
    assert found.state is State.NOTE and "64 cores are seen, but 4 granted" in found.text
    monkeypatch.setattr(doctor, "_cpu_quota", lambda: None)
    assert doctor._threads().state is State.OK


@pytest.mark.parametrize("address", [None, "ray://head:10001"])
def test_a_ray_that_does_not_begin_blocks(monkeypatch, address) -> None:
    if address:
        monkeypatch.setenv("RAY_ADDRESS", address)
    else:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for done in (None, subprocess.CompletedProcess([], 1, "", "Traceback\nConnectionError: no")):
        monkeypatch.setattr(doctor, "_python", lambda *_, done=done: done)
        found = doctor._ray()
        assert found.state is State.BLOCKED
        assert ("nothing in 120 s" if done is None else "ConnectionError: no") in found.text
        assert (address or "a Ray of its own") in found.text


def test_what_hangs_is_ended_with_all_that_it_started() -> None:
    import psutil

    code = "import subprocess, time\nsubprocess.Popen(['sleep', '977'])\ntime.sleep(977)"
    assert doctor._python(code, 2.0) is None
    own = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"])]
    assert ["sleep", "977"] not in own


def test_the_exit_code_says_whether_anything_blocks(call, tmp_path, monkeypatch) -> None:
    def fake(found: Finding):
        return lambda *_: found

    for name in ("versions", "decoder", "gpu", "threads", "disk", "shared_memory", "writing"):
        monkeypatch.setattr(doctor, f"_{name}", fake(Finding(name, State.NOTE, "so [so]")))
    for state, expected in ((State.OK, 0), (State.NOTE, 0), (State.BLOCKED, 1)):
        monkeypatch.setattr(doctor, "_ray", fake(Finding("ray", state, "as it is")))
        code, out, err = call("doctor", "--store", tmp_path)
        assert code == expected and err == ""
        assert out.splitlines()[-1].split() == ["ray", str(state), "as", "it", "is"]
        assert len(out.splitlines()) == 8 and "so [so]" in out


@pytest.mark.slow
def test_this_machine_has_what_a_sweep_needs(tmp_path) -> None:
    found = {one.what: one for one in examine(tmp_path / "store")}
    assert len(found) == 8 and not [one for one in found.values() if one.state is State.BLOCKED]
    assert not list(tmp_path.iterdir())
