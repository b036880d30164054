"""The wheel holds all that the program needs, and works where no checkout is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ROOMS = ("ablate", "analysis", "experiments")

pytestmark = pytest.mark.slow

FIT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from importlib.resources import as_file, files
import analysis, ablate, experiments
from analysis import fit
from analysis.tables.table import read_table
for module in (analysis, ablate, experiments):
    assert module.__file__.startswith(sys.argv[1]), module.__file__
with as_file(files("analysis") / "data" / "apollo_scaling_consistency.csv") as path:
    result = fit(read_table(path))
print(*(f"{point.r2:.3f}" for point in result.headline))
assert not {"torch", "ray"} & set(sys.modules)
from ablate.cli.source import write_report
print(write_report({"table": str(path)}, Path("report.html")).stat().st_size)
import torch
from ablate.models.build import build_model
from ablate.sizes import size_row
for name in experiments.names():
    design = experiments.load(name).grid.designs()[0]
    build_model(design, size_row("10K"), "random", 0)
print("built")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built in a copy, so that the checkout stays as it is."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    command = ["git", "ls-files", "--", *ROOMS]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in (*tracked.stdout.splitlines(), "pyproject.toml", "README.md"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    return path


def test_it_holds_weights_templates_tables_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for tower in ("siglip", "dinov2", "videomae"):
        assert {f"ablate/models/weights/{tower}.{end}" for end in ("safetensors", "json")} <= names
    sources = [*ROOT.glob("analysis/*/*.j2"), *ROOT.glob("analysis/data/*")]
    sources += [p for room in ROOMS for p in ROOT.glob(f"{room}/**/*.py")]
    assert len(sources) > 100
    missing = {path.relative_to(ROOT).as_posix() for path in sources} - names
    assert not missing
    assert not [name for name in names if name.startswith(("tests", "bench", "docs"))]


def test_it_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-c", FIT, str(target)],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(target)},  # the report's kernel is a child
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures, size, built = done.stdout.splitlines()
    assert figures == "0.938 0.831 0.694" and int(size) > 10_000 and built == "built"
    assert (target / "bin" / "ablate").exists()
