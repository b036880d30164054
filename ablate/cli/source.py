"""From the one parameter of notebooks and reports to the evidence behind them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ablate.cli.options import chosen_plan, study_options
from ablate.store import RunStore

if TYPE_CHECKING:
    from analysis.evidence import Evidence


@click.command()
@study_options
def _study(**choice: Any) -> None:
    """The choice that a source leaves to the defaults of the command line."""


def gather(source: Mapping[str, Any]) -> "Evidence":
    """Everything that notebooks and reports show; gathered once for the same source.

    Args:
        source: `{"study": name, "store": folder}` and the other options of `ablate report`, or
            `{"table": file}` and the options of `analysis.evidence.of_table`. JSON values.

    Raises:
        ValueError: a source that is neither, or that cannot be used; one line.
    """
    if ("study" in source) == ("table" in source):
        raise ValueError(f"source: give either 'study' or 'table', not {', '.join(source) or '-'}")
    return _gather(json.dumps(source))


@lru_cache(maxsize=4)
def _gather(source: str) -> "Evidence":
    from analysis.evidence import Runs, of_runs, of_table

    options = json.loads(source)
    if "table" in options:
        return of_table(**options)
    choice = _study.make_context("source", []).params
    if unknown := options.keys() - choice.keys():
        raise ValueError(f"source: unknown {', '.join(unknown)}; choose from {', '.join(choice)}")
    choice |= options
    study, plan = chosen_plan(**choice)
    return of_runs(Runs(study, plan, RunStore(choice["store"])))


def write_report(source: Mapping[str, Any], out: Path) -> Path:
    """Write the notebooks that have something to say about a source, as one page.

    Args:
        source: see `gather`.
        out: the HTML file.

    Returns:
        `out`.

    Raises:
        ValueError: a source that cannot be used.
    """
    from analysis.pages.publish import publish

    evidence = gather(source)
    notebooks = ["consistency"]
    if evidence.factors:
        notebooks.append("axis")
    if evidence.runs:
        notebooks.append("health")
    return publish(notebooks, {"source": dict(source)}, out, evidence.question)
