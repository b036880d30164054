"""The verb that makes a shell complete verbs, options, studies and sizes."""

import click
from click.shell_completion import CompletionItem, get_completion_class

from ablate.sizes import NAMES

SHELLS = {
    "bash": 'eval "$(ablate completion bash)"  # in ~/.bashrc',
    "zsh": 'eval "$(ablate completion zsh)"  # in ~/.zshrc',
    "fish": "ablate completion fish | source  # in ~/.config/fish/config.fish",
}
"""Shell -> the line that turns completion on."""


@click.command(epilog="\b\n" + "\n".join(SHELLS.values()))
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete this program's words; turned on by one line."""
    found = get_completion_class(shell)
    assert found is not None
    program = context.find_root()
    click.echo(found(program.command, {}, "ablate", "_ABLATE_COMPLETE").source())


def studies(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of studies, each with its question."""
    import experiments

    return [
        CompletionItem(name, help=experiments.load(name).question)
        for name in experiments.names()
        if name.startswith(begun)
    ]


def sizes(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Rows of the size ladder, also after a comma."""
    before, comma, last = begun.rpartition(",")
    return [f"{before}{comma}{name}" for name in NAMES if name.startswith(last)]
