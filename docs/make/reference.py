"""The reference pages, written from the code they describe."""

import ast
import dataclasses
import inspect
import re
import textwrap
import typing
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from ablate import axes, budget, grid, record, spec
from ablate.cli import verbs
from ablate.console import human_count
from ablate.sizes import LADDER
from analysis.fit import FitResult

ROOT = Path(__file__).parents[2]
MADE = "Written from the code by `make docs`.\n"


def pages() -> dict[str, str]:
    """Every page of the reference: name of its file in `docs/reference/` -> text."""
    return {"cli.md": cli(), "spec.md": specs(), "record.md": records(), "fit.md": fitted()}


# === the command line ===


def cli() -> str:
    """Verbs with their arguments and options, and the targets of the Makefile."""
    return _page(
        "# Command line",
        MADE,
        "Exit codes: 0 all well; 1 cells are left without a score, or a check has failed; 2 the "
        "input cannot be used, with one line on stderr that names it; 130 interrupted.",
        *_verb(verbs, click.Context(verbs, info_name="ablate", **verbs.context_settings)),
        "## make",
        "Targets are commands of the program in the environment `.venv`. "
        "Variables go behind them, as in `make sweep SIZE=100K SEEDS=2`.",
        _table(("target", "what it does"), _targets()),
        _table(("variable", "default"), _variables()),
    )


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    if context.parent is not None:
        yield f"## {context.command_path}"
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        yield f"```text\n{usage}\n```"
        yield inspect.cleandoc(command.help or "")
    else:
        yield "Every verb takes `-h`; `ablate --version` tells the version."
    options = [_option(one, context) for one in command.params if isinstance(one, click.Option)]
    if options and context.parent is not None:
        yield _table(("option", "default", "meaning"), options)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _verb(inner, click.Context(inner, info_name=name, parent=context))


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    kind = "" if option.is_flag else f" {option.make_metavar(context)}"
    default = "" if option.is_flag or option.default is None else str(option.default)
    if repr(option.default).startswith("Sentinel"):
        default = ""
    return f"`{', '.join(option.opts)}{kind}`", default, option.help or ""


def _targets() -> list[tuple[str, ...]]:
    found = re.findall(r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return [(f"`{name}`", told) for name, told in found]


def _variables() -> list[tuple[str, ...]]:
    text = (ROOT / "Makefile").read_text()
    return [(f"`{name}`", value) for name, value in re.findall(r"^([A-Z]+) \?= ?(.*)$", text, re.M)]


# === the spec ===


def specs() -> str:
    """What a study, a design and a cell are made of, and the ladder of sizes."""
    return _page(
        "# Spec",
        MADE,
        "Studies are Python files of `experiments/`; cells are written as JSON, where every object "
        "carries the name of its class as `type`. All classes are frozen dataclasses: a value that "
        "cannot be is refused when it is made.",
        "## Studies",
        *_classes((grid.Study, grid.Comparison, grid.Grid, budget.Equal)),
        "## The six axes",
        *_classes(_levels()),
        "## Cells",
        *_classes((spec.Cell, spec.Design, spec.Size, spec.LlmShape, spec.Protocol, spec.Init)),
        "## How a cell executes",
        "Recorded with it, part of no id.",
        *_classes((spec.Execution, spec.Precision, spec.Format)),
        "## The size ladder",
        _table(
            ("row", "parameters", "width x layers", "context", "batch", "towers", "first weights"),
            [_row(size) for size in LADDER],
        ),
    )


def _levels() -> list[type]:
    """Every class of `ablate.axes`, in the order of the file."""
    found = [one for one in vars(axes).values() if inspect.isclass(one)]
    return [one for one in found if one.__module__ == axes.__name__]


def _row(size: spec.Size) -> tuple[str, ...]:
    return (
        f"`{size.name}`",
        human_count(size.parameters),
        f"{size.llm.hidden} x {size.llm.layers}",
        f"{size.llm.context:,}",
        str(size.batch),
        "tiny" if size.tiny_towers else "public",
        (size.weights or "trained from scratch") + (", to plan with" if size.plan_only else ""),
    )


# === what is left behind ===


def records() -> str:
    """The record of a cell."""
    return _page(
        "# Record",
        MADE,
        "What a finished cell leaves behind as JSON. `analysis.tables.load` makes tables of it.",
        *_classes(_mentioned(record.Named) + _mentioned(record.Record)),
    )


def fitted() -> str:
    """The result of a fit as JSON."""
    return _page(
        "# fit.json",
        MADE,
        "What `ablate report` writes beside the page, and `ablate fit --json` anywhere: "
        "`analysis.fit.FitResult` with the key `schema` in front. Undefined is `null`, never a "
        "number; fractions are between 0 and 1; tuples are lists.",
        *_classes(_mentioned(FitResult)),
    )


def _mentioned(root: type) -> list[type]:
    """The class and all documented ones that its fields name, each once, outer ones first."""
    found, waiting = [], [root]
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            for hint in typing.get_type_hints(one).values():
                waiting += _inside(hint)
    return found


def _inside(hint: Any) -> list[type]:
    if inspect.isclass(hint) and (dataclasses.is_dataclass(hint) or typing.is_typeddict(hint)):
        return [hint]
    return [one for part in typing.get_args(hint) for one in _inside(part)]


# === classes ===


def _classes(classes: Iterable[type]) -> Iterator[str]:
    for one in classes:
        yield f"### {one.__name__}"
        yield _told(inspect.getdoc(one) or "")
        rows = list(_members(one))
        if issubclass(one, StrEnum):
            if rows:
                yield _table(("value", "meaning"), [(name, told) for name, _, _, told in rows])
        elif rows:
            yield _table(("field", "type", "default", "meaning"), rows)


def _members(one: type) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and docstring of every field, or value of an enumeration."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
    assert isinstance(node, ast.ClassDef)
    for at, statement in enumerate(node.body):
        told = _docstring(node.body[at + 1]) if at + 1 < len(node.body) else ""
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            kind = ast.unparse(statement.annotation)
            if not kind.startswith("ClassVar"):
                default = _default(statement.value)
                yield f"`{statement.target.id}`", f"`{kind}`", default, told
        elif isinstance(statement, ast.Assign) and issubclass(one, StrEnum):
            yield f"`{ast.literal_eval(statement.value)}`", "", "", told


def _docstring(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    text = ast.unparse(value)
    factory = re.fullmatch(r"field\(default_factory=(\w+)\)", text)
    return f"`{factory[1] + '()' if factory else text}`"


def _told(text: str) -> str:
    """A docstring without its sections."""
    return re.split(r"\n+(?:Args|Returns|Raises|Attributes):", text)[0].strip()


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    cells = ([" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
