from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from analysis import fit
from analysis.conclusions.categories import Category
from analysis.conclusions.decisions import Decision
from analysis.conclusions.signal import check_signal
from analysis.evidence import of_frame
from analysis.pages.gallery import draw_all, scatter_panels
from analysis.pages.plots.agreement import agreement_curve, samples_curve
from analysis.pages.plots.categories import category_strip
from analysis.pages.plots.effects import COLOURS, level_lines, level_slopes
from analysis.pages.plots.frontier import cost_frontier, frontier, price
from analysis.pages.plots.heat import score_map
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
    assert legend(drawing) == ["wanted: 0.8"]
    assert [text.get_text() for text in drawing.axes[0].texts] == ["open", "plausible", "certified"]
    ticks = [tick.get_text() for tick in drawing.axes[0].get_xticklabels()]
    assert ticks == ["500M\nr .833", "1.5B\nr .912", "4B\nr .969", "7B\ntarget"]


def test_the_curve_has_an_interval_for_every_point(apollo):
    bars = [
        line.get_paths()[0].vertices[:, 1] for line in agreement_curve(apollo).axes[0].collections
    ]
    assert len(bars) == 3
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


def test_equal_runs_of_a_zone_share_one_band():
    frame = study_table(sizes=(12_000, 41_000, 124_000, 400_000), noise=0.001)
    words = [text.get_text() for text in agreement_curve(fit(frame)).axes[0].texts]
    assert words == ["certified"]


def test_levels_are_told_against_the_mean_of_their_axis():
    first, second = level_lines([decision("reversed", 1e4), decision("transfers", 3e4)])
    assert first.level == "mlp" and second.level == "perceiver"
    assert second.effects == pytest.approx((-0.05, 0.05, 0.05))
    assert first.effects == pytest.approx((0.05, -0.05, -0.05))
    # Pairs differ by more than 0.01, and at the target by more than 0.05: bars that just touch.
    assert second.half == pytest.approx((0.005, 0.005, 0.025))
    assert first.reversed_at == second.reversed_at == {0}


def test_levels_of_three_add_up_to_nothing():
    frame = study_table()
    decisions = [d for d in fit(frame, factors=("connector",)).decisions if d.size == 12_000]
    lines = level_lines(decisions)
    assert [line.level for line in lines] == ["mlp-1", "mlp-4", "perceiver-4"]
    assert sum(line.effects[0] for line in lines) == pytest.approx(0, abs=1e-9)
    assert lines[0].effects[0] < lines[1].effects[0] < lines[2].effects[0]


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (["transfers", "shrinks"], "transfers"),
        (["transfers", "undecided_at_target"], "undecided"),
        (["reversed", "undecided_at_proxy"], "reversed"),
    ],
)
def test_the_worst_verdict_stands_for_a_level(verdicts, worst):
    rows = [decision(verdict, 1e4 * 2**k) for k, verdict in enumerate(verdicts)]
    assert {line.verdict for line in level_lines(rows)} == {worst}
    assert level_slopes(rows).axes[0].lines[-1].get_color() == COLOURS[worst]


def test_a_reversed_decision_is_red_ringed_and_told():
    drawing = level_slopes([decision("reversed", 1e4), decision("transfers", 3e4)])
    assert legend(drawing) == ["decides the other way at a ringed proxy"]
    rings = [line for line in drawing.axes[0].lines if line.get_markersize() == 12]
    assert len(rings) == 2
    assert [text.get_text() for text in drawing.axes[0].texts] == ["mlp", "perceiver"]


def test_a_level_that_cannot_be_told_has_no_effect_there():
    rows = [decision("undecided_at_proxy", proxy_effect=None, proxy_ci95=None)]
    line = level_lines(rows)[0]
    assert line.effects[0] is None and line.half[0] is None and line.effects[1] is not None
    level_slopes(rows)


def test_names_of_levels_do_not_cover_each_other():
    levels = [f"level-{k}" for k in range(6)]
    rows = [
        decision("undecided_at_proxy", level_a=levels[a], level_b=levels[b], target_effect=0.001)
        for a in range(6) for b in range(a + 1, 6)
    ]  # fmt: skip
    drawing = level_slopes(rows)
    drawing.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in drawing.axes[0].texts]  # without arrows
    assert not any(boxes[i].overlaps(boxes[j]) for i in range(6) for j in range(i))


def test_a_map_averages_cells_frames_the_best_and_leaves_gaps():
    cells = [(1, 4, 0.2), (1, 4, 0.4), (2, 4, 0.5), (1, 16, 0.1)]
    drawing = score_map(pd.DataFrame(cells, columns=["fps", "tokens_per_frame", "score"]))
    axis = drawing.axes[0]
    assert [text.get_text() for text in axis.texts] == [".30", ".50", ".10", "-"]
    frame = axis.lines[0]
    assert (min(frame.get_xdata()), min(frame.get_ydata())) == (1, 0)


def test_a_few_failures_do_not_hide_the_rest_of_a_map():
    scores = pd.DataFrame(
        [(fps, tokens, 0.02 if (fps, tokens) == (1, 1) else 0.5 + 0.01 * fps)
         for fps in (1, 2, 4) for tokens in (1, 2, 4, 8)],
        columns=["fps", "tokens_per_frame", "score"],
    )  # fmt: skip
    assert score_map(scores).axes[0].collections[0].get_clim()[0] > 0.4


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
