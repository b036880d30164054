"""The result as a page of text for a terminal of 80 columns."""

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from analysis.fit import FitResult
from analysis.pages.sentences import (
    axes_sentence,
    cheapest_sentence,
    measure_sentences,
    no_step_sentence,
    seeds_sentence,
    staircase_sentence,
    tau_told,
    unmeasured,
)
from analysis.pages.verdict import interval_of
from analysis.statistics.curve import CurvePoint, Interval
from analysis.words import count_name, figure, size_name

STYLES = {
    "certified": "green",
    "plausible": "yellow",
    "excluded": "red",
    "open": "",
    "not judged": "dim",
}


def summarise(result: FitResult) -> RenderableType:
    """A table with one line per proxy, the verdict in a sentence, then the warnings.

    Args:
        result: what `fit` returned.

    Returns:
        A rich renderable; `as_text` turns it into plain text.
    """
    sampled = result.target.samples is not None
    target = size_name(result.target.size)
    of = f" on {result.benchmark}" if result.benchmark else ""
    table = Table(
        title=f"Agreement with {target}{of}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("proxy", justify="right", no_wrap=True)
    if sampled:
        table.add_column("samples", justify="right", no_wrap=True)
    for name in ("n", "seeds"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("R2 (95%)", "decisions (95%)"):
        table.add_column(name, no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("zone", no_wrap=True)
    for point in result.headline:
        cells = [size_name(point.size)]
        if sampled:
            cells.append(count_name(point.samples or 0))
        cells += [str(point.n), str(point.seeds)]
        squares = interval_of(point, "r2")
        cells.append(_with_interval(point.r2, squares, negative=(point.r or 0) < 0))
        cells.append(_with_interval(point.decision_accuracy, point.decision_accuracy_ci95))
        zone = zone_of(point, result)
        table.add_row(*cells, _share(point.relative_cost), Text(zone, style=STYLES[zone]))
    parts: list[RenderableType] = [table] if result.headline else []
    parts.append(Text(_verdict(result)))
    if result.critical_samples is not None:
        size = size_name(result.critical_samples.size)
        parts.append(Text(f"Data at {size}: {result.critical_samples.reason}"))
    told = [
        axes_sentence(result),
        staircase_sentence(result),
        cheapest_sentence(result),
        *measure_sentences(result),
        seeds_sentence(result),
    ]
    parts += [Text(sentence) for sentence in told if sentence]
    if result.next:
        steps = [f"  {step.what}: {step.expected}." for step in result.next]
        parts.append(Text("\n".join(["Next, most for its cost first:", *steps])))
    elif helpless := no_step_sentence(result):
        parts.append(Text(f"Next: {helpless}"))
    if result.against_paper:
        parts.append(Text(_against_paper(result)))
    parts += [Text(f"! {w.code}: {w.message}") for w in result.warnings]
    gaps = unmeasured(
        result,
        factors=any(point.ci_method == "levels_jackknife_z" for point in result.headline),
        cost=result.cost_is_measured,
        signal=False,
    )
    parts.append(Text("Not measured. " + " ".join(gaps), style="dim"))
    return Group(*parts)


def as_text(result: FitResult, width: int = 80) -> str:
    """The summary as plain text of a width in characters."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(summarise(result))
    return captured.get()


def zone_of(point: CurvePoint, result: FitResult) -> str:
    """Where a proxy stands: `certified`, `plausible`, `excluded`, `open` or `not judged`."""
    critical = result.critical_size
    figures = point.judged_by(critical.metric)
    if figures is None:
        return "not judged"
    most = max((p.samples or 0) for p in result.headline if p.size == point.size)
    if (
        critical.certified is not None
        and critical.certified <= point.size < result.target.size
        and (point.samples or 0) == most
    ):
        return "certified"
    if figures[0] >= critical.threshold:
        return "plausible"
    return "excluded" if figures[2] < critical.threshold else "open"


def _verdict(result: FitResult) -> str:
    critical = result.critical_size
    if critical.certified is not None:
        start = f"Trust proxies from {size_name(critical.certified)} up"
    elif critical.status == "refused":
        start = "No verdict"
    else:
        start = "No proxy is certified"
    return f"{start}. {critical.reason}"


def _against_paper(result: FitResult) -> str:
    told = [f"  {axis.axis:<11} {tau_told(axis)}" for axis in result.against_paper]
    return "\n".join(["Kendall tau to the Apollo paper's order of levels at 3B:", *told])


def _with_interval(
    value: float | None, interval: Interval | None, *, negative: bool = False
) -> str:
    text = figure(value)
    if value is not None and interval is not None:
        text += f" [{figure(interval[0], 2)} {figure(interval[1], 2)}]"
    return f"{text} r<0" if negative else text


def _share(cost: float | None) -> str:
    return "-" if cost is None else f"{100 * cost:.3g}%"
