"""Blocks of the notebook `health`: whether the runs went well and the questions tell enough."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from ablate.bill import Accuracy, accuracies
from analysis.evidence import Evidence
from analysis.pages.blocks import Block, block
from analysis.pages.gallery import loss_drawings, signal_drawings
from analysis.pages.sheets import Sheet, cost_sheets, question_sheet
from analysis.tables.load import MEANS, load_costs, load_data, load_sampling
from analysis.words import figure

STATES = ("done", "failed", "missing", "invalid")


def signal(evidence: Evidence) -> Block | None:
    """The signal check and every design by question category."""
    if evidence.signal is None:
        return None
    return block("signal", signal_drawings(evidence), signal=evidence.signal)


def questions(evidence: Evidence) -> Block | None:
    """What accuracies owe to the draw of questions."""
    table = question_sheet(evidence.result)
    return block("sheets", tables=[table]) if table else None


def states(evidence: Evidence) -> Block | None:
    """How many cells are done, failed, missing and invalid, per size, and why."""
    if evidence.runs is None:
        return None
    study, plan = evidence.runs.study, evidence.runs.plan
    sorted_cells = {
        "done": plan.done,
        "failed": tuple(cell for cell, _ in plan.failed),
        "missing": plan.missing,
        "invalid": tuple(invalid.cell for invalid in plan.invalid),
    }
    counts = {state: Counter(c.size.name for c in cells) for state, cells in sorted_cells.items()}
    sizes = dict.fromkeys(c.size.name for c in reversed([*plan.cells, *sorted_cells["invalid"]]))
    rows = [(size, *(str(counts[state][size]) for state in STATES)) for size in sizes]
    reasons = [
        (f"{cell.size.name} {cell.design.name(study.axes)} seed {cell.seed}: {failure.reason}",
         failure.kind)
        for cell, failure in plan.failed
    ]  # fmt: skip
    reasons += [
        (f"{bad.cell.size.name} {bad.cell.design.name(study.axes)}: {bad.reason}", "invalid")
        for bad in plan.invalid
    ]
    table = Sheet("Cells", ("size", *STATES), tuple(rows))
    return block("states", tables=[table], lines=reasons)


def losses(evidence: Evidence) -> Block | None:
    """The loss curves of every size."""
    drawings = loss_drawings(evidence)
    return block("figures", drawings, style="figures") if drawings else None


def realised(evidence: Evidence) -> Block | None:
    """What sampling gave per level, what the mixtures gave, and what the sources could give."""
    if evidence.runs is None:
        return None
    where = evidence.runs.store.root, evidence.runs.score_ids
    found, data = load_sampling(*where), load_data(*where)
    tables = [_sampling_sheet(found), _mixture_sheet(found)]
    if len(data):
        tables.append(_data_sheet(data))
    return block("sheets", tables=tables)


def costs(evidence: Evidence) -> Block | None:
    """Mean cost of one run by phase, and how far the plan was off."""
    if evidence.runs is None:
        return None
    tables = cost_sheets(load_costs(evidence.runs.store.root, evidence.runs.score_ids))
    if found := accuracies(evidence.runs.plan, evidence.runs.store):
        tables.append(_plan_sheet(found))
    return block("sheets", tables=tables) if tables else None


def _plan_sheet(found: Sequence[Accuracy]) -> Sheet:
    rows = [
        (
            one.size,
            str(one.cells),
            f"{one.expected:,.0f}",
            f"{one.took:,.0f}",
            f"{one.error:+.0%}",
            "a probe" if one.probed else "assumed",
        )
        for one in found
    ]
    return Sheet(
        "Plan against runs: seconds of all of a size",
        ("size", "cells", "expected", "took", "error", "speed from"),
        tuple(rows),
    )


def _sampling_sheet(found: pd.DataFrame) -> Sheet:
    kept = [name for name in MEANS if name in found]
    rows = []
    for level, cells in found.groupby("sampling", sort=False):
        capped = cells.capped.sum() / max(1, cells.videos.sum())
        means = [figure(float(cells[name].mean()), 2) for name in kept]
        rows.append((str(level), str(len(cells)), *means, f"{capped:.0%}"))
    words = {"duration": "seconds", "covered": "share seen", "visual_tokens": "visual tokens"}
    columns = ("sampling", "runs", *(words.get(name, name) for name in kept), "capped")
    return Sheet("Sampling: means over the training videos", columns, tuple(rows))


def _mixture_sheet(found: pd.DataFrame) -> Sheet:
    modalities = [
        str(name).removeprefix("samples_")
        for name in found.columns
        if str(name).startswith("samples_")
    ]
    rows = []
    for level, cells in found.groupby("mixture", sort=False):
        parts = [
            f"{_percent(cells, f'samples_{name}')} / {_percent(cells, f'tokens_{name}')}"
            for name in modalities
        ]
        rows.append((str(level), str(len(cells)), *parts))
    names = (name.replace("_", " ") for name in modalities)
    return Sheet("Mixture: share of samples / of tokens", ("mixture", "runs", *names), tuple(rows))


def _data_sheet(found: pd.DataFrame) -> Sheet:
    """One row per source; cells of one study share their data, so that one line says it for all."""
    told = found.drop_duplicates(["half", "source", "weight", "kept", "dropped", "reasons"])
    rows = [
        (
            f"{row.source} ({'training' if row.half == 'train' else 'test'})",
            f"{row.weight:g}" if row.half == "train" else "",
            f"{row.kept:,}",
            f"{row.dropped:,}",
            str(row.reasons),
        )
        for row in told.itertuples()
    ]
    return Sheet(
        "Data: samples, and those whose files cannot be read, dropped for every design alike",
        ("source", "weight", "kept", "dropped", "why"),
        tuple(rows),
    )


def _percent(cells: pd.DataFrame, column: str) -> str:
    return f"{cells[column].fillna(0).mean():.0f}%"
