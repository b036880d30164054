"""Blocks of the notebook `consistency`: which proxies decide like the target."""

from analysis.conclusions.proxies import size_warning
from analysis.evidence import Evidence
from analysis.pages.blocks import Block, block
from analysis.pages.gallery import agreement_drawings, scatter_drawings
from analysis.pages.sentences import (
    axes_sentence,
    cheapest_sentence,
    no_step_sentence,
    seeds_sentence,
    staircase_sentence,
    unmeasured,
)
from analysis.pages.sheets import (
    benchmark_sheet,
    carried_sheet,
    comparison_sheet,
    frontier_sheet,
    measure_sheet,
    proxy_rows,
)
from analysis.pages.verdict import rung_name, verdict
from analysis.tables.pairs import MACRO
from analysis.words import listed


def first_screen(evidence: Evidence) -> Block:
    """The question, the verdict with its figures, what to run next, and what was not measured."""
    result, runs = evidence.result, evidence.runs
    details = [
        verdict(result).reason,
        cheapest_sentence(result),
        size_warning(cell.size for cell in runs.plan.done) if runs else "",
    ]
    return block(
        "verdict",
        title=evidence.question,
        lead=f"Hypothesis: {evidence.hypothesis}" if evidence.hypothesis else "",
        facts=_facts(evidence),
        verdict=verdict(result),
        lines=[sentence for sentence in [axes_sentence(result)] if sentence],
        details=[sentence for sentence in details if sentence],
        steps=result.next,
        no_step=no_step_sentence(result),
        gaps=unmeasured(
            result,
            factors=any(point.ci_method == "levels_jackknife_z" for point in result.headline),
            cost=result.cost_is_measured,
            signal=evidence.signal is not None,
        ),
    )


def agreement(evidence: Evidence) -> Block:
    """Agreement by size, data and cost, with every proxy's figures."""
    result = evidence.result
    tables = (
        frontier_sheet(result),
        measure_sheet(result),
        comparison_sheet(result),
        benchmark_sheet(result),
    )
    told = [
        result.critical_samples.reason if result.critical_samples else "",
        staircase_sentence(result),
        seeds_sentence(result),
    ]
    return block(
        "agreement",
        agreement_drawings(evidence),
        proxies=proxy_rows(result),
        macro=result.benchmark == MACRO,
        cost_is_measured=result.cost_is_measured,
        told=[sentence for sentence in told if sentence],
        tables=[table for table in tables if table],
    )


def designs(evidence: Evidence) -> Block | None:
    """Every proxy's scores against the target's, design by design."""
    drawings = scatter_drawings(evidence)
    return block("figures", drawings, style="figures") if drawings else None


def carried(evidence: Evidence) -> Block | None:
    """How much of the agreement one design, level or factor carries."""
    table = carried_sheet(evidence.result)
    return block("sheets", tables=[table]) if table else None


def warnings(evidence: Evidence) -> Block | None:
    """What the figures should be read with."""
    lines = [(warning.message, warning.code) for warning in evidence.result.warnings]
    return block("lines", lines=lines) if lines else None


def _facts(evidence: Evidence) -> str:
    result = evidence.result
    names = [rung_name(result, point.size, point.samples) for point in reversed(result.headline)]
    most = max((point.n for point in result.headline), default=0)
    about = [f"{most} designs in common", f"proxies {listed(names) if names else 'none'}"]
    about.append(f"target {rung_name(result, result.target.size, result.target.samples)}")
    if evidence.factors:
        about.append(f"axes {listed(list(evidence.factors))}")
    if result.benchmark:
        of = "the mean of the standardised benchmarks" if result.benchmark == MACRO else ""
        about.append(f"judged on {of or result.benchmark}")
    return " · ".join(about)
