"""Shell completion: the scripts are accepted by their shells, and words are completed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli.completion import SHELLS

ROOT = Path(__file__).parents[1]
PROGRAM = "import sys; sys.argv[0] = 'ablate'; from ablate.cli import main; main()"


def ablate(*arguments: str, **environment: str) -> str:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def completed(words: str) -> list[str]:
    """What bash would offer for the last word."""
    count = str(len(words.split(" ")) - 1)
    out = ablate(_ABLATE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    return [line.partition(",")[2] for line in out.splitlines()]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_that_calls_the_program(shell: str) -> None:
    script = ablate("completion", shell)
    assert f"_ABLATE_COMPLETE={shell}_complete" in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=script, text=True, check=True)


def test_verbs_options_studies_and_sizes_are_completed() -> None:
    assert completed("ablate sta") == ["status"]
    assert completed("ablate plan --siz") == ["--size"]
    assert completed("ablate sweep --study dem") == ["demo"]
    assert completed("ablate plan --size 10K,30") == ["10K,30K", "10K,300K"]
    assert completed("ablate sweep --log tens") == ["tensorboard"]


def test_the_help_shows_the_line_to_add() -> None:
    shown = ablate("completion", "--help")
    assert all(line.partition("  #")[0] in shown for line in SHELLS.values())
