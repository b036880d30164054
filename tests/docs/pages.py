"""Pages of the documentation as a reader follows them: files to write, changes, commands.

The first word behind a fence is its language, the rest says what to do with it:

- `console`: lines behind `$ ` are commands, what stands below them must be in their output, where
  `...` stands for anything. They are run by `make test`; with `slow` by `make test-all`, and with
  `parse: reason` never, but whether they would be understood is always checked.
- `diff`: a change of the checkout, as `git apply` takes it.
- `python FILE`, `yaml FILE` and so on: a new file. Without a name it is an illustration.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
MODES = ("run", "slow", "parse")

_FENCE = re.compile(r"^```(\S+)?[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}\$? ?(?:\.venv/bin/)?(?:ablate|make|python) .*", re.MULTILINE)
_INLINE = re.compile(r"`((?:\.venv/bin/)?(?:ablate|make)\s[^`]+)`")


@dataclass(frozen=True)
class Command:
    """A line that a reader types."""

    text: str
    shown: tuple[str, ...]
    """Lines that its output must hold, in this order."""
    mode: str
    """One of `MODES`."""


@dataclass(frozen=True)
class Change:
    """A change of the checkout, as a unified diff."""

    text: str


@dataclass(frozen=True)
class NewFile:
    """A file that a reader writes."""

    path: str
    text: str


Step = Command | Change | NewFile


def steps(text: str) -> list[Step]:
    """What a page lets its reader do, from top to bottom.

    Raises:
        ValueError: something to do that does not say how it is tested.
    """
    found: list[Step] = []
    prose = 0
    for fence in _FENCE.finditer(text):
        language, rest, content = fence[1] or "", fence[2].strip(), fence[3]
        before = text[prose : fence.start()]
        prose = fence.end()
        if stray := _INDENTED.search(before):
            raise ValueError(f"{stray[0].strip()!r}: a command outside a fence")
        if language in ("sh", "bash", "shell", ""):
            raise ValueError(f"a fence of {language or 'nothing'}: use console, or text")
        if language == "console":
            found += _commands(content, _mode(rest))
        elif language == "diff":
            found.append(Change(content))
        elif rest:
            if f"`{rest}`" not in before:
                raise ValueError(f"{rest}: not named above its fence, so readers cannot know it")
            found.append(NewFile(rest, content))
    if stray := _INDENTED.search(text[prose:]):
        raise ValueError(f"{stray[0].strip()!r}: a command outside a fence")
    return found


def mentioned(text: str) -> list[str]:
    """Commands inside sentences."""
    return [" ".join(span[1].split()) for span in _INLINE.finditer(_FENCE.sub("", text))]


def _mode(rest: str) -> str:
    mode, colon, reason = rest.partition(":")
    if mode == "parse" and not (colon and reason.strip()):
        raise ValueError("a console fence that is only parsed must say why: `parse: reason`")
    if (mode or "run") not in MODES:
        raise ValueError(f"unknown mode {mode!r} of a console fence; choose from {MODES}")
    return mode or "run"


def _commands(content: str, mode: str) -> list[Command]:
    typed: list[tuple[str, list[str]]] = []
    for line in content.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            typed.append((" ".join(line[2:].split()), []))
        elif typed:
            typed[-1][1].append(line)
        elif line.strip():
            raise ValueError(f"{line!r}: output without a command")
    if not typed:
        raise ValueError("a console fence without a command")
    return [Command(text, tuple(lines), mode) for text, lines in typed]
