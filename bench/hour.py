"""Clips of an hour-long video against decoding all of it: time, and memory of the process."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from itertools import count, islice
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np

from ablate.axes import Tower
from ablate.data.cache import ArrayCache
from ablate.data.frames import FrameReader, footage_of, view_of
from ablate.data.sampling import clip_times
from ablate.data.sources import Media
from ablate.data.video import probe
from ablate.data.video.read import map_opened
from ablate.data.video.with_decord import DecordReader
from ablate.data.video.with_pyav import PyavReader
from ablate.towers import tower_shape
from experiments.baseline_paper import FPS_2

RATE, MINUTES, WIDTH, HEIGHT = 25, 60, 320, 180
MOST = 2**30
"""Bytes above its libraries that reading the clips may take."""
DECODERS = {"decord": DecordReader, "PyAV": PyavReader}


def compare() -> str:
    """Measure, each in a process of its own, what the paper's sampling takes and the whole."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        hour, short = write_video(root / "hour.mp4", MINUTES), write_video(root / "short.mp4", 1)
        measured = partial(_measured, short=short)
        clips, peak = measured(_prepare_clips, hour)
        alone = {name: measured(partial(_read_clips, name), hour) for name in DECODERS}
        whole, _ = measured(_decode_all, hour)
    most = max(peak, *(memory for _, memory in alone.values()))
    if most > MOST:
        raise SystemExit(f"hour: reading clips took {most / 2**30:.2f} GiB, more than 1")
    kept = RATE * 60 * MINUTES * WIDTH * HEIGHT * 3 / 2**30
    decoders = ", ".join(
        f"{name} alone {seconds:.2f} s and {memory / 2**20:.0f} MiB"
        for name, (seconds, memory) in alone.items()
    )
    return (
        f"an hour of video, {FPS_2.max_clips} clips of {FPS_2.frames_per_clip} frames at "
        f"{FPS_2.fps:g} a second for a tower of 384 pixels: {clips:.2f} s of CPU time, "
        f"{peak / 2**20:.0f} MiB above the libraries at most ({decoders}); every frame decoded "
        f"and none kept {whole:.1f} s, ratio {whole / clips:.0f} (kept, {kept:.0f} GiB)"
    )


def write_video(path: Path, minutes: int) -> Path:
    """H.264, B-frames, 10 s between key frames: one encoded minute, muxed again and again."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as minute:
        with av.open(minute.name, "w") as container:
            stream = container.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.options = {"preset": "veryfast", "g": str(10 * RATE), "bf": "2"}
            for pixels in islice(_frames(), 60 * RATE):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode(None))
        with av.open(minute.name) as source, av.open(str(path), "w") as container:
            encoded = source.streams.video[0]
            stream = container.add_stream_from_template(encoded)
            packets = [packet for packet in source.demux(encoded) if packet.size]
            times = [(packet.pts, packet.dts) for packet in packets]
            step = round(60 / Fraction(encoded.time_base))
            for shift in range(0, minutes * step, step):
                for packet, (pts, dts) in zip(packets, times, strict=True):
                    packet.pts, packet.dts, packet.stream = pts + shift, dts + shift, stream
                    container.mux(packet)
    return path


def _frames() -> Iterator[np.ndarray]:
    """A bright square that crosses a patterned frame."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    ground = ((rows * 7 + columns * 3) % 160).astype(np.uint8)
    for number in count():
        frame = np.repeat(ground[..., None], 3, axis=2)
        at = number * 3 % (WIDTH - 20)
        frame[80:100, at : at + 20] = 255
        yield frame


# === in a process of its own ===


def _measured(work: Callable[[Path], None], path: Path, short: Path) -> tuple[float, int]:
    """CPU seconds that `work` takes, and bytes by which the process grew at most."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure, args=(work, path, short, there))
    process.start()
    found = here.recv()
    process.join()
    return found


def _measure(work: Callable[[Path], None], path: Path, short: Path, connection: Connection) -> None:
    probe(short)
    PyavReader(short).close()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    began = time.process_time()
    work(path)
    connection.send((time.process_time() - began, _memory("VmHWM") - before))


def _memory(field: str) -> int:
    """Bytes of a field of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(value) * 1024


def _prepare_clips(path: Path) -> None:
    """As training does: the clips' frames in the size of SigLIP."""
    with tempfile.TemporaryDirectory() as cache:
        footage = footage_of("video", (Media(path, "hour", 60.0 * MINUTES),), FPS_2)
        view = view_of(tower_shape(Tower.SIGLIP, tiny=False))
        (pixels,) = FrameReader(ArrayCache(Path(cache))).pixels(footage, [view])
        assert pixels.shape[:2] == (FPS_2.max_clips, FPS_2.frames_per_clip)


def _read_clips(decoder: str, path: Path) -> None:
    times = [time for clip in clip_times(FPS_2, 60.0 * MINUTES) for time in clip]
    frames, realised = map_opened(DECODERS[decoder](path), times, lambda frame: frame)
    assert len(frames) == len(times) and max(map(abs, np.subtract(times, realised))) < 1 / RATE


def _decode_all(path: Path) -> None:
    reader = DecordReader(path)
    for _ in reader.frames(range(len(reader.spans))):
        pass
