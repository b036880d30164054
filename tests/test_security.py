"""What must never be called, wherever input could reach it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for folder in ("ablate", "analysis", "experiments", "bench")
    for path in (ROOT / folder).rglob("*.py")
)
_CODE = {
    "eval", "exec", "compile", "__import__",
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads",
    "marshal.load", "marshal.loads", "shelve.open", "joblib.load", "dill.load", "dill.loads",
    "pd.read_pickle", "pandas.read_pickle",
    "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.full_load_all",
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "tempfile.mktemp",
}  # fmt: skip
"""Calls that run what they are given, or can be made to."""
_OWN = {("ablate/data/module.py", "pickle.loads")}
"""Calls that only get what a process of this program's own has just made."""
_EXTRACT = {"extractall", "extract", "unpack_archive"}
"""Methods that make paths of an archive's names."""


def _name(node: ast.expr) -> str:
    """`a.b.c` of a call's function; empty for anything that is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _name(node.value)
        return f"{inner}.{node.attr}" if inner else f".{node.attr}"
    return ""


def _given(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


_ONLY = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "jinja2.Environment": ("autoescape", True),
    "Environment": ("autoescape", True),
}
"""Calls that are safe with one argument only, and which."""
_NEVER = {"shell", "trust_remote_code"}
"""Arguments that have to be false."""


def forbidden(source: str) -> Iterator[str]:
    """Calls of a program that this project has no use for, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            argument, value = _ONLY.get(name, ("", None))
            if (
                name in _CODE
                or name.rpartition(".")[2] in _EXTRACT
                or (argument and not _is(_given(node, argument), value))
                or any(not _is(one.value, False) for one in node.keywords if one.arg in _NEVER)
            ):
                yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_call_runs_what_came_from_outside(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    found = list(forbidden(path.read_text()))
    assert [one for one in found if (where, one.partition(": ")[2]) not in _OWN] == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)", "exec(text)", "pickle.loads(b)", "pickle.load(f)", "yaml.load(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)", "yaml.unsafe_load(text)", "os.system(line)",
        "torch.load(path)", "torch.load(path, weights_only=False)", "np.load(path)",
        "torch.load(path, weights_only=flag)", "np.load(path, allow_pickle=True)",
        "subprocess.run(line, shell=True)", "subprocess.Popen(line, shell=flag)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)", "archive.extractall(folder)",
        "zipfile.ZipFile(path).extract(name)", "shutil.unpack_archive(path)",
        "jinja2.Environment(loader=loader)", "pd.read_pickle(path)",
    ],
)  # fmt: skip
def test_the_check_sees_every_kind(line: str) -> None:
    assert list(forbidden(f"def f():\n    return {line}"))


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()", "re.compile(text)", "json.loads(text)", "yaml.safe_load(text)",
        "torch.load(path, map_location='cpu', weights_only=True)",
        "np.load(path, allow_pickle=False)", "subprocess.run([program], shell=False)",
        "jinja2.Environment(autoescape=True)",
    ],
)  # fmt: skip
def test_the_check_leaves_the_safe_ones_alone(line: str) -> None:
    assert not list(forbidden(line))


def test_templates_switch_no_escaping_off() -> None:
    """Markup that is passed through is either a figure's, or what a block made."""
    for path in (ROOT / "analysis" / "pages" / "templates").rglob("*.j2"):
        assert "autoescape" not in path.read_text() and "| safe" not in path.read_text(), path
