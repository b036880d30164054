"""Whether a command line would be understood, without running it."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import click

import experiments
from ablate.cli import verbs
from ablate.sizes import NAMES

KEEP_ENVIRONMENT = ("-o", ".venv/.ready")
"""Options of make that leave the installed packages alone."""


def check(line: str, root: Path, written: Collection[str] = ()) -> None:
    """Refuse a line that its program would not understand.

    Args:
        line: as it is typed.
        root: checkout with the Makefile.
        written: files that exist by then.

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
        elif not shutil.which(words[0]) and not (root / words[0]).exists():
            raise ValueError(f"{line!r}: no program {words[0]!r}")


def check_mention(line: str, root: Path) -> None:
    """The same for a command inside a sentence, which may lack arguments or have `...` for some.

    Raises:
        ValueError: the line and what is wrong.
    """
    words = [word for word in shlex.split(line) if word not in ("...", "…")]
    if words[0].endswith("ablate"):
        _check_verb(line, words[1:], (), partly=True)
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
        words = [word for word in shlex.split(part, comments=True) if not word.startswith(">")]
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
    command: click.Command = verbs
    try:
        context = verbs.make_context("ablate", list(arguments))
        while isinstance(command, click.Group):
            name, found, rest = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
            assert name is not None and found is not None
            command = found
            context = command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:  # --help, --version
        return
    except click.BadParameter as error:
        missing = isinstance(error, click.MissingParameter) and partly
        if not missing and not isinstance(error.param and error.param.type, click.Path):
            raise ValueError(f"{line!r}: {error.format_message()}") from None
        return
    except click.UsageError as error:
        if partly and isinstance(error, click.exceptions.NoArgsIsHelpError):
            return
        raise ValueError(f"{line!r}: {error.format_message()}") from None
    study, sizes = context.params.get("study"), context.params.get("size") or ()
    if study and study not in experiments.names() and f"experiments/{study}.py" not in written:
        raise ValueError(f"{line!r}: no study {study!r}")
    if unknown := set(sizes) - set(NAMES):
        raise ValueError(f"{line!r}: no size {unknown}")
