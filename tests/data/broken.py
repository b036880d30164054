"""Files that are not what their names say, made as they occur: cut, empty, mislabelled, forged."""

import struct
import zlib
from pathlib import Path

import av
import numpy as np

from ablate.data.faults import Fault
from tests.data.videos import numbered_frame, write_raw

STARTS = [i / 10 for i in range(60)]


def broken_videos(folder: Path) -> dict[str, tuple[Path, Fault]]:
    """Videos by what is wrong with them, and the fault that has to be found."""
    whole = write_raw(folder / "whole.mp4", STARTS).read_bytes()
    front = write_raw(folder / "front.mp4", STARTS, options={"movflags": "faststart"})
    contents = {
        "truncated": (whole[: len(whole) // 2], Fault.UNREADABLE),
        "truncated behind its index": (cut_short(front), Fault.UNREADABLE),
        "empty": (b"", Fault.EMPTY),
        "text renamed": (b"not a video\n" * 50, Fault.UNREADABLE),
        "zeros": (bytes(5000), Fault.UNREADABLE),
        "absurd dimensions": (_absurd(folder / "small.avi"), Fault.TOO_LARGE),
        "beyond any decoder": (_absurd(folder / "small.avi", 30_000), Fault.UNREADABLE),
        "audio only": (_sound(folder / "sound.mp4"), Fault.NO_VIDEO),
        "zero frames": (_no_frames(folder / "none.mp4"), Fault.NO_VIDEO),
        "zero frames in a track": (_no_frames(folder / "none.mkv"), Fault.UNREADABLE),
    }
    found = {}
    for name, (content, fault) in contents.items():
        path = folder / f"{name.replace(' ', '-')}.mp4"
        path.write_bytes(content)
        found[name] = (path, fault)
    return found | {"missing": (folder / "missing.mp4", Fault.MISSING)}


def cut_short(path: Path) -> bytes:
    """The content up to the middle of a frame behind two thirds of them, not to the end of one."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        last = packets[len(packets) * 2 // 3]
        return path.read_bytes()[: last.pos + last.size // 2]


def broken_pictures(folder: Path, whole: Path) -> dict[str, tuple[Path, Fault]]:
    """Pictures by what is wrong with them; `whole` is a good PNG."""
    data = whole.read_bytes()
    at = data.index(b"IHDR")
    header = b"IHDR" + struct.pack(">II", 100_000, 100_000) + data[at + 12 : at + 17]
    absurd = data[:at] + header + struct.pack(">I", zlib.crc32(header)) + data[at + 21 :]
    contents = {
        "half a picture": (data[: len(data) // 2], Fault.UNREADABLE),
        "absurd picture": (absurd, Fault.TOO_LARGE),
        "text as a picture": (b"GIF? no", Fault.UNREADABLE),
    }
    found = {}
    for name, (content, fault) in contents.items():
        path = folder / f"{name.replace(' ', '-')}.png"
        path.write_bytes(content)
        found[name] = (path, fault)
    return found


def long_header(path: Path) -> Path:
    """A video of 3 s whose header claims an hour."""
    write_raw(path, [i / 25 for i in range(75)])
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3
    content[at : at + 8] = struct.pack(">d", 3_600_000.0)
    path.write_bytes(content)
    with av.open(str(path)) as container:
        assert container.duration == 3600 * 1_000_000
    return path


def _absurd(path: Path, side: int = 12_000) -> bytes:
    """An AVI of small JPEG frames whose headers, its own and theirs, claim `side` pixels."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, 64), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    at = -1
    while (at := content.find(b"\xff\xc0", at + 1)) >= 0:
        content[at + 5 : at + 9] = struct.pack(">HH", side, side)
    for box, offset in ((b"avih", 40), (b"strf", 12)):
        at = content.index(box) + offset
        content[at : at + 8] = struct.pack("<II", side, side)
    return bytes(content)


def _sound(path: Path) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        quiet = np.zeros((1, 1024), np.float32)
        silence = av.AudioFrame.from_ndarray(quiet, format="fltp", layout="mono")
        silence.rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return path.read_bytes()


def _no_frames(path: Path) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    return path.read_bytes()
