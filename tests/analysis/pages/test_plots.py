from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from analysis import fit
from analysis.conclusions.categories import Category
from analysis.conclusions.decisions import Decision
from analysis.conclusions.signal import check_signal
from analysis.evidence import of_frame
from analysis.pages.gallery import draw_all, scatter_panels
from analysis.pages.plots.agreement import agreement_curve, samples_curve
from analysis.pages.plots.categories import category_strip
from analysis.pages.plots.effects import COLOURS, effect_slopes, worst_verdict
from analysis.pages.plots.frontier import cost_frontier, frontier, price
from analysis.pages.plots.scatter import proxy_scatter
from analysis.pages.plots.style import inline_svg, save
from analysis.tables.published import consistency
from tests.analysis.studies import study_table

FACTORS = ("setting", "mixture")
HOSTILE = '</svg><script>alert("x")</script> $\\frac{1}{0}$ & --> s'


@pytest.fixture(scope="module")
def apollo():
    return fit(consistency(), factors=FACTORS)


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_curve_shows_threshold_target_and_the_zone_of_every_size(apollo):
    drawing = agreement_curve(apollo)
    assert legend(drawing) == [
        "wanted: 0.8",
        "certified",
        "plausible",
        "open",
    ]
    ticks = [tick.get_text() for tick in drawing.axes[0].get_xticklabels()]
    assert ticks == ["500M\nr .833", "1.5B\nr .912", "4B\nr .969", "7B\ntarget"]


def test_the_curve_has_an_interval_for_every_point(apollo):
    bars = [
        line.get_paths()[0].vertices[:, 1] for line in agreement_curve(apollo).axes[0].collections
    ]
    lows = sorted(bar.min() for bar in bars)
    expected = sorted(point.r_ci95[0] ** 2 for point in apollo.headline)
    assert lows == pytest.approx(expected)


def test_the_noise_ceiling_is_drawn_where_seeds_tell_it():
    result = fit(study_table(noise=0.1))
    assert "noise ceiling" in legend(agreement_curve(result))
    assert "noise ceiling" not in legend(agreement_curve(fit(study_table(seeds=1))))


def test_an_undefined_agreement_leaves_a_gap_and_no_failure():
    frame = study_table(seeds=1)
    frame.loc[frame["size"] == 12_000, "score"] = 0.5
    ticks = [t.get_text() for t in agreement_curve(fit(frame)).axes[0].get_xticklabels()]
    assert ticks[0] == "12K\nr -"


def test_decision_accuracy_has_its_own_axis(apollo):
    result = fit(consistency(), metric="decision_accuracy")
    assert agreement_curve(result).axes[0].get_ylabel() == "decision accuracy"


def test_many_sizes_stand_upright():
    frame = study_table(sizes=tuple(10_000 * 2**k for k in range(9)), seeds=1)
    labels = agreement_curve(fit(frame)).axes[0].get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90.0}


def test_every_proxy_size_has_its_line_over_samples():
    frame = pd.concat([study_table(), study_table(sizes=(41_000,)).assign(samples=2400)])
    assert sorted(legend(samples_curve(fit(frame)))) == ["12K", "41K"]


def test_the_scatter_holds_every_design_the_line_and_those_that_matter(apollo):
    panel = scatter_panels(of_frame(consistency(), factors=FACTORS))[-1]
    assert panel.roles == {
        "s6-C": ["best at the target"],
        "s4-C": ["the proxy's pick"],
        "s5-A": ["most influential"],
    }
    axis = proxy_scatter([panel]).axes[0]
    line, dots = axis.lines[0], axis.lines[1]
    assert len(dots.get_xdata()) == 21
    slope = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    wide = consistency().pivot(index="variant", columns="size", values="score")
    assert slope == pytest.approx(np.polyfit(wide[4e9], wide[7e9], 1)[0])
    assert axis.get_title(loc="left").startswith("r .969,  R² .938  [")


def test_one_design_may_hold_every_role():
    frame = study_table(noise=0, seeds=1)
    roles = scatter_panels(of_frame(frame))[-1].roles
    assert next(iter(roles.values()))[:2] == ["best at the target", "the proxy's pick"]


def test_the_scatter_turns_benchmarks_where_lower_is_better():
    frame = study_table(noise=0, seeds=1)
    frame = frame[frame.benchmark == "ocr"].drop(columns="benchmark")
    turned = frame.assign(score=-frame.score)
    panel = scatter_panels(of_frame(turned, lower_is_better="all"))[-1]
    assert panel.roles == scatter_panels(of_frame(frame))[-1].roles


def decision(verdict: str, size: float = 1e4, **changed) -> Decision:
    effect = -0.1 if verdict == "reversed" else 0.1
    return replace(
        Decision("connector", "mlp", "perceiver", size, effect, (effect - 0.01, effect + 0.01),
                 0.1, (0.05, 0.15), verdict, 3, 0.01),
        **changed,
    )  # fmt: skip


def test_a_reversed_decision_is_red_and_says_where():
    rows = [decision("reversed", 1e4), decision("transfers", 3e4)]
    drawing = effect_slopes(rows)
    assert drawing.axes[0].lines[1].get_color() == COLOURS["reversed"]
    assert legend(drawing) == ["mlp → perceiver: reversed at 10K"]
    assert drawing.axes[0].lines[1].get_ydata().tolist() == [-0.1, 0.1, 0.1]


def test_an_undecided_effect_is_hollow():
    rows = [decision("undecided_at_proxy", proxy_ci95=(-0.1, 0.3)), decision("transfers", 3e4)]
    hollow = effect_slopes(rows).axes[0].lines[2]
    assert hollow.get_markerfacecolor() == "white"
    assert hollow.get_xdata().tolist() == [0]


def test_of_many_pairs_only_reversed_ones_are_named():
    rows = [decision("transfers", level_b=f"b{k}") for k in range(8)]
    rows.append(decision("reversed", level_b="bad"))
    assert legend(effect_slopes(rows)) == ["mlp → bad: reversed"]


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (["transfers", "shrinks"], "shrinks"),
        (["transfers", "undecided_at_target"], "undecided"),
        (["reversed", "undecided_at_proxy"], "reversed"),
    ],
)
def test_the_worst_verdict_stands_for_a_pair(verdicts, worst):
    assert worst_verdict([decision(verdict) for verdict in verdicts]) == worst


def test_categories_show_designs_chance_noise_and_controls():
    category = Category("ocr", 0.25, (0.3, 0.5, 0.6), 300, 0.02, {"question_only": 0.26})
    drawing = category_strip([category, replace(category, name="spatial", chance=None)])
    assert {"chance", "design", "question only", "± one seed sd"} <= set(legend(drawing))
    assert [t.get_text() for t in drawing.axes[0].get_yticklabels()] == ["ocr", "spatial"]


def test_the_frontier_keeps_what_no_cheaper_proxy_matches(apollo):
    worse = replace(apollo.headline[0], decision_accuracy=0.5, relative_cost=0.9)
    kept = frontier([*apollo.headline, worse])
    assert [point.size for point in kept] == [5e8, 1.5e9, 4e9]
    assert worse not in kept


def test_seeds_are_part_of_the_price(apollo):
    point = replace(apollo.headline[0], seeds=3, relative_cost=0.2)
    assert price(point) == pytest.approx(0.6)
    assert len(cost_frontier(apollo).axes[0].texts) == 4


def test_names_from_data_cannot_break_a_figure():
    frame = study_table(seeds=2)
    frame["variant"] = HOSTILE + frame.variant
    frame["connector"] = HOSTILE + frame.connector
    evidence = of_frame(frame, factors=("connector", "sampling"))
    drawings = draw_all(replace(evidence, signal=check_signal(frame)))
    assert len(drawings) > 5
    for drawing in drawings:
        text = inline_svg(drawing.figure, HOSTILE)
        assert "<script" not in text
        assert text.count("</svg>") == 1


def test_figures_are_the_same_bytes_every_time(apollo, tmp_path):
    for name in ("a", "b.5"):
        save(agreement_curve(apollo), tmp_path / name)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.5.{suffix}").read_bytes()


def test_drawing_leaves_the_callers_style_and_open_figures_alone(apollo):
    before = dict(plt.rcParams)
    agreement_curve(apollo)
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == []


def test_an_inline_figure_scales_and_says_what_it_shows(apollo):
    text = inline_svg(agreement_curve(apollo), 'R² "by" size')
    opening = text[: text.index(">")]
    assert "viewBox" in opening
    assert "width" not in opening
    assert "aria-label='R² \"by\" size'" in opening
    assert 'id="figure_1"' not in text
