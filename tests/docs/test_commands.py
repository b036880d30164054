"""Every command of README and docs: understood always, run where it can be, its output as shown."""

import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from tests.docs import words
from tests.docs.pages import MODES, PAGES, ROOT, Change, Command, NewFile, Step, mentioned, steps

NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
QUICK = 20.0
"""Most seconds of CPU time that a command may take that `make test` runs."""
PATIENCE = 1800.0
"""Most seconds for any command."""


@cache
def steps_of(name: str) -> list[Step]:
    return steps((ROOT / name).read_text())


def has(name: str, mode: str) -> bool:
    try:
        found = steps_of(name)
    except ValueError:  # told by the first test
        return False
    return any(isinstance(step, Command) and step.mode == mode for step in found)


def pages_with(mode: str) -> list[str]:
    return [name for name in NAMES if has(name, mode)]


class Reader:
    """Follows a page in a copy of the checkout, with its virtual environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        self.environment = os.environ | {
            "PATH": f"{folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "100",
            "OMP_NUM_THREADS": "1",
        }

    def follow(self, name: str, modes: tuple[str, ...]) -> None:
        """Do what a page says, but for commands of other modes.

        Once a command has been left out, so are the later ones that need what it leaves: those are
        marked like it.
        """
        for step in steps_of(name):
            if isinstance(step, NewFile):
                path = self.folder / step.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text)
            elif isinstance(step, Change):
                self.apply(step)
            elif step.mode in modes:
                self.type(step)

    def apply(self, change: Change) -> None:
        done = subprocess.run(
            ["git", "apply", "--recount", "-"], input=change.text, text=True, cwd=self.folder,
            capture_output=True, env=self.environment | {"GIT_CEILING_DIRECTORIES": "/"},
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stderr}\n{change.text}"

    def type(self, command: Command) -> None:
        keep = " ".join(words.KEEP_ENVIRONMENT)
        line = re.sub(r"^make ", f"make --no-print-directory {keep} ", command.text)
        before, began = os.times(), time.monotonic()
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environment, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        after = os.times()
        told = f"{command.text}: exit code {done.returncode}\n{done.stdout}"
        assert done.returncode == 0, told
        missing = first_missing(command.shown, done.stdout)
        assert missing is None, f"not in its output: {missing!r}\n{told}"
        used = after.children_user + after.children_system
        used -= before.children_user + before.children_system
        waited = time.monotonic() - began
        assert command.mode == "slow" or min(used, waited) < QUICK, (
            f"{command.text}: {used:.0f} s; mark its fence `slow`"
        )


def first_missing(shown: tuple[str, ...], output: str) -> str | None:
    """The first line that does not follow in the output; `...` stands for anything."""
    lines = iter(
        [" ".join(re.sub(r"\x1b\[[0-9;]*m", "", line).split()) for line in output.splitlines()]
    )
    for expected in filter(None, (" ".join(line.split()) for line in shown)):
        if expected == "...":
            continue
        pattern = re.escape(expected).replace(r"\.\.\.", ".*")
        if not any(re.fullmatch(pattern, line) for line in lines):
            return expected
    return None


@pytest.mark.parametrize("name", NAMES)
def test_every_command_would_be_understood(name: str) -> None:
    written = [step.path for step in steps_of(name) if isinstance(step, NewFile)]
    for step in steps_of(name):
        if isinstance(step, Command):
            words.check(step.text, ROOT, written, installed=step.mode != "parse")
    for line in mentioned((ROOT / name).read_text()):
        words.check_mention(line, ROOT, written)


@pytest.mark.parametrize("name", pages_with("run"))
def test_quick_commands_do_what_the_page_says(name: str, tmp_path: Path) -> None:
    Reader(tmp_path).follow(name, ("run",))


@pytest.mark.slow
@pytest.mark.parametrize("name", pages_with("slow"))
def test_a_page_is_followed_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    Reader(tmp_path).follow(name, ("run", "slow"))


# === what keeps the tests above honest ===


def fence(info: str, content: str) -> str:
    return f"Text.\n\n```{info}\n{content}\n```\n"


def test_a_page_is_read_as_its_reader_does() -> None:
    page = (
        "Write `a/b.py`:\n"
        + fence("python a/b.py", "x = 1")
        + fence("python", "only shown")
        + fence("console", "$ ablate plan \\\n    --study smoke\n7B ...\n$ make help")
        + fence("console slow", "$ make demo")
        + fence("console parse: needs a GPU", "$ make sweep SIZE=3B")
        + fence("diff", "--- a/x")
        + "And `ablate status` or `make report`."
    )
    assert steps(page) == [
        NewFile("a/b.py", "x = 1\n"),
        Command("ablate plan --study smoke", ("7B ...",), "run"),
        Command("make help", (), "run"),
        Command("make demo", (), "slow"),
        Command("make sweep SIZE=3B", (), "parse"),
        Change("--- a/x\n"),
    ]
    assert mentioned(page) == ["ablate status", "make report"]


@pytest.mark.parametrize(
    "page",
    [
        "    make demo   # in an indented block\n",
        "    .venv/bin/ablate plan\n" + fence("text", "x"),
        fence("bash", "make demo"),
        fence("", "make demo"),
        fence("console", "make demo"),
        fence("console", ""),
        fence("console parse", "$ make demo"),
        fence("console never", "$ make demo"),
        fence("yaml hidden.yaml", "a: 1"),
    ],
)
def test_a_command_that_does_not_say_how_it_is_tested_fails(page: str) -> None:
    with pytest.raises(ValueError):
        steps(page)


@pytest.mark.parametrize(
    "line",
    [
        "ablate plan --stdy smoke",
        "ablate plan --study smok",
        "ablate plan --study smoke --size 5B",
        "ablate plan --seeds none",
        "ablate fit",
        "ablate swep",
        "make no-such-target",
        "make data",
        "make plan STUDY=smok",
        "cd store && ablate swep",
        "no-such-program --help",
    ],
)
def test_a_line_that_would_not_be_understood_fails(line: str) -> None:
    with pytest.raises(ValueError):
        words.check(line, ROOT)


@pytest.mark.parametrize(
    "line", ["ablate swep", "ablate fit --no", "make swep", "make report ST=1"]
)
def test_a_mention_of_what_does_not_exist_fails(line: str) -> None:
    with pytest.raises(ValueError):
        words.check_mention(line, ROOT)


def test_lines_of_output_are_looked_for_in_their_order() -> None:
    output = "size   done\n\x1b[1m7B\x1b[0m   0   12 days\nend"
    assert first_missing(("size done", "7B 0 ...", "", "..."), output) is None
    assert first_missing(("7B 0 12 days", "size done"), output) == "size done"
    assert first_missing(("7B 0",), output) == "7B 0"


def test_every_mode_is_used() -> None:
    for mode in MODES:
        assert pages_with(mode)
