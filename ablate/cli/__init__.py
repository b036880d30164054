"""The command line, a module per group of verbs; alone loads `experiments` and `analysis`."""

import errno
import sys
from typing import NoReturn

import click

from ablate import __version__
from ablate.cli import carry, cell, completion, data, doctor, exported, rank, rates, study, table
from ablate.cli.sweep import sweep


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def verbs() -> None:
    """Which small, cheap experiments may you trust to design a large video-language model?"""


for _verb in (
    study.plan, sweep, study.status, study.report, study.signal, rank.rank, rates.rates, cell.run,
    exported.export, exported.evaluate, data.data, table.fit, carry.pack, carry.merge,
    doctor.doctor, completion.completion,
):  # fmt: skip
    verbs.add_command(_verb)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; input that cannot be used gives one line on stderr and exit code 2."""
    try:
        code = verbs(arguments, standalone_mode=False)
    except click.Abort:
        _stop("interrupted; finished cells are kept, call again to go on", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        _stop(" ".join(error.format_message().split()), 2)
    except ValueError as error:
        _stop(str(error), 2)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f"{error.filename}: " if error.filename else ""
            _stop(f"{where}{error.strerror}; make room and call again", 2)
        if error.filename is None:
            raise
        _stop(f"{error.filename}: {error.strerror}", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(reason: str, code: int) -> NoReturn:
    click.echo(f"ablate: {reason}", err=True)
    sys.exit(code)
