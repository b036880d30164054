"""Who may import whom, and what the light verbs must not load (docs/architecture.md)."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "ray", "transformers", "lightning"}
VIDEO = {"decord", "av", "cv2", "torchcodec"}
LIGHT = {
    "axes",
    "bill",
    "spec",
    "sizes",
    "grid",
    "store",
    "plan",
    "tasks",
    "tokens",
    "towers",
    "connectors",
    "encoders",
    "budget",
    "cost",
}


def _modules() -> dict[str, Path]:
    found = {}
    for package in ("ablate", "analysis", "experiments"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def _imports(path: Path) -> set[str]:
    """Every imported module of a file, at the top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


MODULES = _modules()
IMPORTS = {name: _imports(path) for name, path in MODULES.items()}


def _importers(libraries: set[str]) -> set[str]:
    return {name for name, used in IMPORTS.items() if {u.split(".")[0] for u in used} & libraries}


def _uses(name: str, prefix: str) -> bool:
    return any(used == prefix or used.startswith(prefix + ".") for used in IMPORTS[name])


def test_only_launch_and_cluster_import_ray() -> None:
    assert _importers({"ray"}) == {"ablate.cluster", "ablate.launch"}


def test_only_one_package_imports_a_video_library() -> None:
    assert {name.rpartition(".")[0] for name in _importers(VIDEO)} == {"ablate.data.video"}


@pytest.mark.parametrize(
    ("inside", "forbidden"),
    [
        ("ablate.data", ("ablate.models", "ablate.train", "ablate.evals")),
        ("ablate.models", ("ablate.data", "ablate.train", "ablate.evals")),
        ("ablate.world", ("ablate.models", "ablate.train", "ablate.evals")),
        ("ablate.train", ("ablate.evals", "ablate.run", "ablate.launch")),
        ("ablate.evals", ("ablate.train", "ablate.run", "ablate.launch")),
    ],
)
def test_packages_keep_to_their_side(inside: str, forbidden: tuple[str, ...]) -> None:
    for name in IMPORTS:
        if name == inside or name.startswith(inside + "."):
            for package in forbidden:
                assert not _uses(name, package), f"{name} imports {package}"


def test_only_the_command_line_knows_studies_and_conclusions() -> None:
    for name in IMPORTS:
        if name.startswith("ablate") and not name.startswith("ablate.cli"):
            assert not _uses(name, "experiments"), name
            assert not _uses(name, "analysis"), name


def test_studies_and_analysis_see_only_the_light_modules() -> None:
    for name, used in IMPORTS.items():
        if name.startswith(("experiments", "analysis")):
            for module in used & set(MODULES):
                if module.startswith("ablate."):
                    assert module.split(".")[1] in LIGHT, f"{name} imports {module}"
            assert not {u.split(".")[0] for u in used} & (HEAVY | VIDEO), name


def test_no_import_goes_in_a_circle() -> None:
    graph = {name: (used & set(MODULES)) - {name} for name, used in IMPORTS.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_tables_flow_one_way_through_the_analysis() -> None:
    rooms = ("tables", "statistics", "conclusions", "fit", "evidence", "pages", "paper")
    for name in IMPORTS:
        room = name.removeprefix("analysis.").split(".")[0]
        if name.startswith("analysis.") and room in rooms:
            for later in rooms[rooms.index(room) + 1 :]:
                assert not _uses(name, f"analysis.{later}"), f"{name} imports analysis.{later}"


@pytest.mark.parametrize(
    "statement",
    [
        "import ablate, ablate.cli",
        "import analysis; analysis.fit",
        "from ablate.cli import verbs\n"
        "verbs(['fit', 'analysis/data/apollo_scaling_consistency.csv', '--factors', 'mixture'],"
        " standalone_mode=False)",
        "import experiments; [experiments.load(n) for n in experiments.names()]",
        "from ablate.cli import verbs\n"
        "verbs(['plan', '--study', 'demo', '--store', '/none'], standalone_mode=False)",
    ],
)
def test_light_paths_load_neither_torch_nor_ray(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(sorted({HEAVY | VIDEO!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
