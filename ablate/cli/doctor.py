"""The verb that looks at the machine."""

from pathlib import Path

import click
from rich.text import Text

from ablate.cli.options import console

_STYLES = {"ok": "green", "note": "yellow", "blocked": "bold red"}


@click.command()
@click.option("--store", default="store", show_default=True, help="Folder of all results.")
def doctor(store: str) -> int:
    """Say what this machine has for a sweep, and what to do where something is missing.

    Writes and decodes a video, starts and ends Ray, and writes to the store's folder. The exit code
    is 1 if anything keeps a sweep from running.
    """
    from ablate.doctor import State, examine

    blocked = False
    for found in examine(Path(store)):
        line = Text(f"{found.what:15}").append(f"{found.state:9}", _STYLES[found.state])
        console.print(line.append(found.text), soft_wrap=True)
        blocked |= found.state is State.BLOCKED
    return int(blocked)
