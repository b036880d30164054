"""Whether a command line would be understood, without running it."""

import re
import shlex
import subprocess
from collections.abc import Collection
from pathlib import Path

import click

import experiments
from ablate.cli import verbs
from ablate.sizes import NAMES

KEEP_ENVIRONMENT = ("-o", ".venv/.ready")
"""Options of make that leave the installed packages alone."""


def check(line: str, root: Path, written: Collection[str] = (), *, installed: bool = True) -> None:
    """Refuse a line that its program would not understand.

    Args:
        line: as it is typed.
        root: checkout with the Makefile.
        written: files that exist by then.
        installed: whether every program must be there.

    Raises:
        ValueError: the line and what is wrong.
    """
    subprocess.run(["bash", "-n", "-c", line], check=True, capture_output=True)
    for words in _simple(line):
        program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "ablate":
            _check_verb(line, arguments, written)
        elif program == "make":
            _check_make(line, arguments, root, written)
        elif (
            installed
            and subprocess.run(
                ["bash", "-c", 'type "$0"', words[0]], capture_output=True
            ).returncode
        ):
            raise ValueError(f"{line!r}: no program {words[0]!r}")


def check_mention(line: str, root: Path, written: Collection[str] = ()) -> None:
    """The same for a command inside a sentence, which may lack arguments or have `...` for some.

    Raises:
        ValueError: the line and what is wrong.
    """
    words = [word for word in shlex.split(line) if word not in ("...", "…")]
    if words[0].endswith("ablate"):
        _check_verb(line, words[1:], written, partly=True)
        return
    makefile = (root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) [?:]?=", makefile, re.MULTILINE))
    for word in words[1:]:
        name, equals, _ = word.partition("=")
        if name not in (variables if equals else targets):
            raise ValueError(f"{line!r}: the Makefile has no {name!r}")


def _simple(line: str) -> list[list[str]]:
    """The simple commands of a line, without assignments in front and redirections behind."""
    found = []
    for part in re.split(r"&&|\|\||[|;]", line):
        words = shlex.split(re.sub(r"\d?>>?\s*\S+", "", part), comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words.pop(0)
        if words:
            found.append(words)
    return found


def _check_make(line: str, arguments: list[str], root: Path, written: Collection[str]) -> None:
    told = subprocess.run(
        ["make", "-n", "--no-print-directory", *KEEP_ENVIRONMENT, *arguments],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    if told.returncode:
        raise ValueError(f"{line!r}: {told.stderr.strip()}")
    for recipe in told.stdout.replace("\\\n", " ").splitlines():
        if recipe.startswith(".venv/bin/ablate "):
            check(recipe, root, written)


def _check_verb(
    line: str, arguments: list[str], written: Collection[str], *, partly: bool = False
) -> None:
    try:
        chosen = _parsed(arguments)
    except click.exceptions.Exit:  # --help, --version
        return
    except click.UsageError as error:
        if (partly and isinstance(error, INCOMPLETE)) or _names_a_file(error):
            return
        raise ValueError(f"{line!r}: {error.format_message()}") from None
    study, sizes = chosen.get("study"), chosen.get("size") or ()
    if study and study not in experiments.names() and f"experiments/{study}.py" not in written:
        raise ValueError(f"{line!r}: no study {study!r}")
    if unknown := set(sizes) - set(NAMES):
        raise ValueError(f"{line!r}: no size {unknown}")


INCOMPLETE = click.MissingParameter, click.BadOptionUsage, click.exceptions.NoArgsIsHelpError


def _names_a_file(error: click.UsageError) -> bool:
    """Whether all that is wrong is a file that is not there: an earlier step makes it."""
    bad = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    return bad and isinstance(error.param and error.param.type, click.Path)


def _parsed(arguments: list[str]) -> dict[str, object]:
    """The parameters of the verb that the arguments name."""
    command: click.Command = verbs
    context = verbs.make_context("ablate", list(arguments))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert name is not None and found is not None
        command, context = found, found.make_context(name, rest, parent=context)
    return context.params
