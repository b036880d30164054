"""The result as one self-contained HTML page: verdict first, then figures, tables and methods."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from analysis.conclusions.signal import Signal
from analysis.fit import FitResult
from analysis.pages.gallery import draw_all
from analysis.pages.page import write_page
from analysis.pages.sentences import (
    cheapest_sentence,
    seeds_sentence,
    staircase_sentence,
    unmeasured,
)
from analysis.pages.sheets import (
    benchmark_sheet,
    carried_sheet,
    comparison_sheet,
    cost_sheets,
    decision_sheets,
    frontier_sheet,
    measure_sheet,
    paper_sheet,
    proxy_rows,
    question_sheet,
)
from analysis.pages.verdict import rung_name, verdict
from analysis.tables.pairs import MACRO
from analysis.words import listed, size_name

METHODS = (
    "R² is the squared Pearson correlation of the designs' scores at a proxy and at the target, as "
    "in the Apollo paper (arXiv 2412.10360, Sec. 3); r keeps its sign.",
    "Intervals of r: jackknife over designs of atanh r with t(n-2); with declared factors the "
    "leave-one-level-out jackknives of all factors are added, because designs that share a level "
    "are not independent.",
    "Pairs decided alike: share of pairs of designs with the same order at both sizes, a tie "
    "counting one half; designs, not pairs, are the unit of its interval.",
    "The smallest size to trust comes from a fixed sequence of one-sided tests from the largest "
    "proxy down, which stops at the first size that fails: it names too small a size with at most "
    "the stated probability. Plausible: the figure passes but not its limit. Excluded: even its "
    "upper limit is below the threshold. Open: neither.",
)


def write_report(
    frame: pd.DataFrame,
    result: FitResult,
    out: Path,
    *,
    title: str | None = None,
    lead: str = "",
    factors: Sequence[str] = (),
    lower_is_better: Collection[str] = (),
    proxy_measure: str = "accuracy",
    signal: Signal | None = None,
    costs: pd.DataFrame | None = None,
) -> Path:
    """Write the page; what the table does not hold is left out and listed as not measured.

    Args:
        frame: the table that was fitted.
        result: of the fit.
        out: the HTML file.
        title: of the page; the question itself by default.
        lead: a sentence under the title, such as the study's question and hypothesis.
        factors: as given to the fit; the axes of the designs.
        lower_is_better: as given to the fit.
        proxy_measure: as given to the fit.
        signal: the signal check, where it was made.
        costs: the table of `analysis.tables.load.load_costs`.

    Returns:
        `out`.
    """
    drawings = draw_all(frame, result, lower_is_better, proxy_measure, signal)
    return write_page(
        "pages/report.html.j2",
        out,
        drawings,
        title=title or f"Which proxies decide like {size_name(result.target.size)}?",
        lead=lead,
        facts=_facts(result, factors),
        verdict=verdict(result),
        cheapest=cheapest_sentence(result),
        steps=result.next,
        gaps=unmeasured(
            result,
            factors=any(point.ci_method == "levels_jackknife_z" for point in result.headline),
            cost=result.cost_is_measured,
            signal=signal is not None,
        ),
        proxies=proxy_rows(result),
        macro=result.benchmark == MACRO,
        cost_is_measured=result.cost_is_measured,
        samples_reason=result.critical_samples.reason if result.critical_samples else "",
        staircase=staircase_sentence(result),
        seeds=seeds_sentence(result),
        frontier=frontier_sheet(result),
        measures=measure_sheet(result),
        comparisons=comparison_sheet(result),
        benchmarks=benchmark_sheet(result),
        carried=carried_sheet(result),
        decisions=decision_sheets(result),
        questions=question_sheet(result),
        against_paper=paper_sheet(result.against_paper),
        signal=signal,
        costs=cost_sheets(costs),
        warnings=result.warnings,
        methods=METHODS,
    )


def _facts(result: FitResult, factors: Sequence[str]) -> str:
    names = [rung_name(result, point.size, point.samples) for point in reversed(result.headline)]
    most = max((point.n for point in result.headline), default=0)
    about = [f"{most} designs in common", f"proxies {listed(names) if names else 'none'}"]
    about.append(f"target {rung_name(result, result.target.size, result.target.samples)}")
    if factors:
        about.append(f"axes {listed(list(factors))}")
    if result.benchmark:
        of = "the mean of the standardised benchmarks" if result.benchmark == MACRO else ""
        about.append(f"judged on {of or result.benchmark}")
    return " · ".join(about)
