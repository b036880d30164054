"""The published tables as the notebook `paper`, a table and figures: `python -m analysis.paper`."""

import csv
from pathlib import Path

from analysis.pages.blocks import Block, Drawing, block
from analysis.pages.plots.heat import score_map
from analysis.pages.plots.style import save
from analysis.pages.publish import publish
from analysis.pages.sheets import Sheet
from analysis.pages.verdict import Tile, Verdict, interval_of, share, within
from analysis.paper.figures import law, mixture_scatter, ranking_dots, remaining, variance_bar
from analysis.paper.reanalysis import (
    BROKEN,
    PRINTED,
    PRINTED_LINE,
    Reanalysis,
    claims_sheet,
    pairs_sheet,
    reanalyse,
)
from analysis.tables.published import ablations, published_ranking
from analysis.words import figure, listed, size_name

OUT = Path("reports/paper")
TITLE = "Scaling consistency, analysed again"
NAMED = 5
"""With more ties than this they are counted."""


def write_paper(out: Path = OUT) -> Path:
    """Analyse the published scores again and write page, table and figures.

    Args:
        out: folder; gets `report.html`, `table.csv`, `table.md` and `figures/`.

    Returns:
        The page.
    """
    found = reanalyse()
    page = publish(["paper"], {}, out / "report.html", TITLE)
    _write_table(claims_sheet(found), out)
    for drawing in (
        *_printed_drawings(found),
        *_carried_drawings(found),
        *_scatter_drawings(found),
        *_ranking_drawings(),
        *_budget_drawings(),
    ):
        save(drawing.figure, out / "figures" / drawing.name)
    return page


def first_screen(found: Reanalysis) -> Block:
    """What the published scores certify, and what is left of the agreement."""
    return block(
        "verdict",
        title=TITLE,
        lead=(
            "The 84 scores that the Apollo paper prints (arXiv 2412.10360, Sec. 3): does an "
            "ablation on a small language model decide like one on 7B?"
        ),
        facts="7 settings x 3 data mixtures · 500M, 1.5B and 4B against 7B · one seed each",
        verdict=Verdict("none", _headline(found), "", tuple(_tiles(found))),
        lines=[_reason(found)],
        details=[],
        steps=(),
        no_step="",
        gaps=(),
    )


def printed(found: Reanalysis) -> Block:
    """The paper's own figure and R² of every two sizes, recomputed."""
    drawings = _printed_drawings(found)
    return block("beside", drawings, line=_line(found), table=pairs_sheet(found))


def carried(found: Reanalysis) -> Block:
    """What the scores say besides: intervals, decisions, and what two contrasts carry."""
    return block("told", _carried_drawings(found), table=claims_sheet(found), line=_regret(found))


def designs(found: Reanalysis) -> Block:
    """Every two sizes' scores, by mixture."""
    return block("figures", _scatter_drawings(found), style="figures")


def rankings() -> Block:
    """The variants of every ablation at 3B with the noise of the questions alone."""
    near = [f"{study}: {_near(study)}" for study in ablations().study.unique()]
    lines = block("lines", lines=[(line + ".", "") for line in near])
    return Block(lines.html + block("figures", _ranking_drawings(), style="masonry").html)


def budget() -> Block:
    """Scores over frame rate and tokens a frame."""
    return block("figures", _budget_drawings(), style="figures")


def _printed_drawings(found: Reanalysis) -> list[Drawing]:
    caption = (
        "Fig. 3 (left) with 95% intervals, designs sharing levels. The line goes through three "
        "proxies and 7B itself."
    )
    return [Drawing("agreement", law(found.result, PRINTED_LINE), caption)]


def _scatter_drawings(found: Reanalysis) -> list[Drawing]:
    return [
        Drawing(
            f"scatter-{size_name(proxy)}-{size_name(target)}",
            mixture_scatter(found.frame, proxy, target, BROKEN),
            f"Fig. 15, {size_name(proxy)} and {size_name(target)}. Lines: least squares within a "
            f"mixture, setting {BROKEN} left out; where they are flat, the agreement lies between "
            "mixtures.",
        )
        for proxy, target in PRINTED
    ]


def _carried_drawings(found: Reanalysis) -> list[Drawing]:
    curves = {
        "all 21 designs": found.every.r2,
        f"without setting {BROKEN}": found.sane.r2,
        "within mixtures": found.every.within_r2,
        f"within mixtures, without setting {BROKEN}": found.sane.within_r2,
    }
    return [
        Drawing("remaining", remaining(curves), "R² to 7B once the two large contrasts are gone."),
        Drawing("variance", variance_bar(found.shares), "Variance of the 21 scores at 7B."),
    ]


def _budget_drawings() -> list[Drawing]:
    table = ablations()
    rows = table[(table.study == "sampling") & (table.benchmark == "apollobench_overall")]
    caption = "Framed: the best; about 1.6 points are one standard error of the questions."
    return [Drawing("budget", score_map(rows, "ApolloBench Overall (%)"), caption)]


def _ranking_drawings() -> list[Drawing]:
    return [
        Drawing(
            f"ranking-{study}",
            ranking_dots(published_ranking(study)),
            f"{study}: bars are one standard error from the number of questions; blue designs "
            "are not told apart from the best.",
        )
        for study in ablations().study.unique()
    ]


def _headline(found: Reanalysis) -> str:
    largest = found.sizes[0]
    certified = [
        f"{size_name(size)} at R² ≥ {threshold:g}" if size else f"nothing at R² ≥ {threshold:g}"
        for threshold, size in found.certified.items()
    ]
    left = figure(found.sane.within_r2[largest])
    return (
        f"With 95% confidence the scores certify {listed(certified)}; within a mixture, and "
        f"without its broken setting, {size_name(largest)} keeps R² {left}."
    )


def _reason(found: Reanalysis) -> str:
    large = found.shares["mixture"] + found.shares[f"setting {BROKEN} against the rest"]
    pairs = listed(
        [
            f"{share(found.sane.within_decision_accuracy[size])} at {size_name(size)}"
            for size in found.sizes
        ]
    )
    return (
        f"The printed R² are reproduced. But {share(large)} of the variance at 7B is two "
        f"contrasts, data mixture and setting {BROKEN}. Of the pairs of designs that share a "
        f"mixture, setting {BROKEN} apart, the proxy orders like 7B: {pairs}; guessing gives 50%."
    )


def _tiles(found: Reanalysis) -> list[Tile]:
    return [
        Tile(
            f"R² of {size_name(point.size)} to 7B",
            figure(point.r2),
            f"{within(interval_of(point, 'r2'))}; {figure(found.sane.within_r2[point.size])} "
            "without the two contrasts",
        )
        for point in found.result.headline
    ]


def _line(found: Reanalysis) -> str:
    slope, start = found.line
    printed = f"R² = {PRINTED_LINE[0]:g} ln(size in B) + {PRINTED_LINE[1]:g}"
    return (
        f"The paper's {printed} comes out as {figure(slope)} ln(size in B) + {figure(start)} "
        "through the three proxies and 7B, whose R² with itself is 1."
    )


def _regret(found: Reanalysis) -> str:
    told = [
        f"{point.regret or 0:.2f} points at {size_name(point.size)}"
        for point in found.result.headline
    ]
    return f"At 7B the proxy's best design is worse than the best one by {listed(told)}."


def _near(study: str) -> str:
    """How many variants a study's questions cannot tell from its best."""
    ranking = published_ranking(study)
    reach = 1.96 * 2**0.5 * ranking[0].se
    tied = [one.variant for one in ranking[1:] if one.score >= ranking[0].score - reach]
    best = f"best {ranking[0].variant} ({ranking[0].score:g})"
    if not tied:
        return f"{best}, apart from all others"
    others = listed(tied) if len(tied) <= NAMED else f"{len(tied)} others"
    return f"{best}, not told apart from {others}"


def _write_table(sheet: Sheet, out: Path) -> None:
    """The same rows as CSV and as Markdown."""
    header = ("figure", *sheet.columns[1:])
    rows = [tuple(cell.replace("\n", ", ") for cell in row) for row in sheet.rows]
    with (out / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    lines = [header, ("---",) * len(header), *rows]
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    (out / "table.md").write_text(text, encoding="utf-8")
