"""The verb that fits a table of scores made anywhere."""

from pathlib import Path
from typing import Any

import click

from ablate.cli.options import comma, console


def _columns(_: click.Context, __: click.Parameter, value: str | None) -> dict[str, str]:
    pairs = [part.partition("=") for part in value.split(",")] if value else []
    for ours, equals, theirs in pairs:
        if not (ours.strip() and equals and theirs.strip()):
            raise ValueError(f"--columns: {ours!r} is not ours=theirs")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _turned(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | tuple[str, ...]:
    names = comma(context, parameter, value)
    return "all" if names == ("all",) else names


@click.command()
@click.argument("table", type=click.Path())
@click.option("--target", type=float, help="Size that decides; the largest by default.")
@click.option("--factors", callback=comma, help="Columns with levels of design factors.")
@click.option("--lower-is-better", callback=_turned, help="`all`, or benchmarks with commas.")
@click.option("--columns", callback=_columns, help="ours=theirs pairs, with commas.")
@click.option("--benchmark", help="What the verdict is about; `macro` by default.")
@click.option("--metric", default="r2", show_default=True, help="r2 or decision_accuracy.")
@click.option("--threshold", type=float, help="0.8 for r2, 0.85 for decision_accuracy by default.")
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, help="Of one-sided limits."
)
@click.option(
    "--proxy-measure",
    default="accuracy",
    show_default=True,
    help="Value of the column `measure` that judges the proxy.",
)
@click.option("--questions", type=click.Path(), help="File of single answers: their noise is told.")
@click.option("--json", "json_out", type=click.Path(path_type=Path), help="Write the result here.")
@click.option("--report", "report_out", type=click.Path(path_type=Path), help="Write HTML here.")
def fit(json_out: Path | None, report_out: Path | None, **source: Any) -> None:
    """Say which proxies to trust, from a table of scores made anywhere."""
    from ablate.cli.source import gather, write_report
    from analysis.pages.summary import summarise

    evidence = gather(source)
    result = evidence.result
    console.print(summarise(result))
    sizes = sorted(set(evidence.frame["size"].astype(float)))
    if result.target.size not in sizes:
        choices = ", ".join(f"{size:g}" for size in sizes)
        console.print(f"--target {result.target.size:g} is not in the table; its sizes: {choices}")
    if json_out:
        from ablate.store import write_json

        json_out.parent.mkdir(parents=True, exist_ok=True)
        write_json(json_out, result.to_dict())
    if report_out:
        write_report(source, report_out)
