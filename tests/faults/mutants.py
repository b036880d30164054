"""Videos damaged in many ways, read as a check reads them and by a decoder that skips nothing."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from ablate.axes import Fps, Uniform
from ablate.data.check import Wanted, look
from ablate.data.manifest import FileFacts, Kind
from ablate.data.sampling import clip_times
from ablate.data.video import read_frames
from tests.data.broken import broken_videos, long_header
from tests.data.videos import write_raw

SAMPLINGS = (Uniform(8), Fps(2, 4, 3))
SIZE = 64
CLOSE = 8.0
"""Mean difference of two frames, of 255, below which they count as the same picture."""
FPS = 10
_STARTS = [number / FPS for number in range(60)]

WHOLE: dict[str, dict] = {
    "b-frames.mp4": {"b_frames": 2},
    "front.mp4": {"options": {"movflags": "faststart"}},
    "long-gop.mkv": {"gop": 250},
    "hevc.mp4": {"codec": "libx265", "encoder": {"x265-params": "log-level=none"}},
    "open-gop.mp4": {"encoder": {"x264-params": "open-gop=1:bframes=3:scenecut=0"}},
    "vp9.webm": {"codec": "libvpx-vp9", "encoder": {"cpu-used": "8", "deadline": "realtime"}},
    "av1.mp4": {"codec": "libsvtav1", "encoder": {"preset": "12"}},
    "stream.ts": {},
}
"""Names of whole files, and how `write_raw` makes them; those of absent encoders are left out."""


def write_whole(folder: Path) -> dict[str, bytes]:
    """The files that are damaged, by name."""
    made = {}
    for name, how in WHOLE.items():
        if how.get("codec", "libx264") in av.codecs_available:
            made[name] = write_raw(folder / name, _STARTS, size=SIZE, **how).read_bytes()
    return made


# === damage ===


def _cut(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(1, len(data))]


def _flip(bits: int) -> Callable[[bytearray, random.Random], bytearray]:
    def flipped(data: bytearray, chance: random.Random) -> bytearray:
        for _ in range(bits):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return data

    return flipped


def _head(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(4):
        data[chance.randrange(min(256, len(data)))] = chance.randrange(256)
    return data


def _tail(data: bytearray, chance: random.Random) -> bytearray:
    """mp4 keeps its index at the end."""
    for _ in range(4):
        data[-1 - chance.randrange(min(2000, len(data)))] = chance.randrange(256)
    return data


def _blank(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data))
    data[at : at + 512] = bytes(len(data[at : at + 512]))
    return data


def _hole(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data))
    del data[at : at + chance.randrange(1, 600)]
    return data


def _twice(data: bytearray, chance: random.Random) -> bytearray:
    at = chance.randrange(len(data))
    return data[:at] + data[at : at + 400] + data[at:]


def _noise(data: bytearray, chance: random.Random) -> bytearray:
    return bytearray(chance.randbytes(len(data)))


DAMAGE: dict[str, Callable[[bytearray, random.Random], bytearray]] = {
    "cut": _cut, "one bit": _flip(1), "eight bits": _flip(8), "64 bits": _flip(64),
    "head": _head, "tail": _tail, "blank": _blank, "hole": _hole, "twice": _twice,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A damaged file."""

    path: Path
    name: str
    """What it was, and what was done to it."""


def make_mutants(folder: Path, each: int) -> Iterator[Mutant]:
    """`each` files of every kind of damage to every whole file, and those that are no video at all.

    The same damage every time: what fails can be looked at again.
    """
    (folder / "whole").mkdir(parents=True)
    for name, whole in write_whole(folder / "whole").items():
        for kind, damage in DAMAGE.items():
            for number in range(each):
                chance = random.Random(f"{name}/{kind}/{number}")
                path = folder / f"{kind.replace(' ', '-')}-{number}-{name}"
                path.write_bytes(damage(bytearray(whole), chance))
                yield Mutant(path, f"{name}, {kind} {number}")
        path = folder / f"noise-{name}"
        path.write_bytes(_noise(bytearray(whole), random.Random(name)))
        yield Mutant(path, f"{name}, noise")
        yield Mutant(folder / "whole" / name, f"{name}, whole")
    for name, (path, _) in broken_videos(_made(folder / "broken")).items():
        yield Mutant(path, name)
    yield Mutant(long_header(folder / "header.mkv"), "long header")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


# === reading ===


@dataclass(frozen=True)
class Read:
    """What a check and a run make of a file."""

    facts: FileFacts
    planned: np.ndarray
    """Seconds (F,) of all moments that any sampling looks at."""
    realised: np.ndarray
    """Seconds (F,) at which the frames begin that were given."""
    frames: np.ndarray
    """uint8 (F, H, W, 3)."""


def read(path: Path) -> Read:
    """A file as the check and, unless it is refused, as a run reads it."""
    facts = look(Wanted(path, Kind.VIDEO, SAMPLINGS))
    none = np.zeros(0)
    if facts.fault is not None:
        return Read(facts, none, none, none)
    assert facts.duration is not None
    planned = sorted(
        {t for one in SAMPLINGS for clip in clip_times(one, facts.duration) for t in clip}
    )
    frames, realised = read_frames(path, planned)
    return Read(facts, np.array(planned), np.array(realised), frames)


@dataclass(frozen=True)
class Shown:
    """What a player shows that decodes every frame in order, and goes on over errors."""

    starts: np.ndarray
    """Seconds (F,) since the first."""
    frames: np.ndarray
    """uint8 (F, H, W, 3)."""


def play(path: Path) -> Shown:
    """All frames of a file by PyAV alone, in order, without seeking."""
    starts, frames = [], []
    with av.open(str(path)) as container:
        (stream, *_) = container.streams.video
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                continue
            for frame in decoded:
                if frame.pts is not None:
                    starts.append(float(frame.pts * stream.time_base))
                    frames.append(frame.to_ndarray(format="rgb24"))
    order = np.argsort(starts, kind="stable")
    at = np.array(starts)[order]
    return Shown(at - at[0], np.stack([frames[k] for k in order]))


def differs(given: np.ndarray, shown: np.ndarray) -> float:
    """Mean absolute difference of two frames of 255; all of it where their shapes differ."""
    if given.shape != shown.shape:
        return 255.0
    return float(np.abs(given.astype(np.int16) - shown).mean())
