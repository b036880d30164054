"""Blocks of the notebook `axis`: what the levels of a design axis do at every size."""

from analysis.evidence import Evidence
from analysis.pages.blocks import Block, block
from analysis.pages.gallery import budget_drawings, decision_drawings
from analysis.pages.sheets import axes_sheet, decision_sheets, paper_sheet


def decisions(evidence: Evidence, axis: str | None = None) -> Block | None:
    """The effect of every pair of levels across sizes, and which of these decisions transfer.

    Args:
        evidence: with declared factors.
        axis: one of them; all by default.

    Raises:
        ValueError: no such factor.
    """
    if axis is not None and axis not in evidence.factors:
        choices = ", ".join(evidence.factors) or "none: no factors were declared"
        raise ValueError(f"unknown axis {axis!r}; choose from {choices}")
    sheets = [s for s in decision_sheets(evidence.result) if axis in (None, s.factor)]
    if not sheets:
        return None
    trusted = axes_sheet(evidence.result) if axis is None else None
    drawings = decision_drawings(evidence, axis)
    return block("decisions", drawings, decisions=sheets, trusted=trusted)


def budget(evidence: Evidence) -> Block | None:
    """Where visual tokens are spent best: in frames a second or in tokens a frame."""
    drawings = budget_drawings(evidence)
    return block("figures", drawings, style="figures") if drawings else None


def against_paper(evidence: Evidence) -> Block | None:
    """The order of levels here and in the paper."""
    table = paper_sheet(evidence.result.against_paper)
    return block("sheets", tables=[table]) if table else None
